"""The live page, in a real browser."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from benchmarks.days import day
from chaoscore import Event
from tests.services.browsers import PATIENCE_MS, Browser, Visit

expect.set_options(timeout=PATIENCE_MS)

Station = Any
Chop = Any
TILES = ["Elapsed", "Iterations", "Success", "Not successful", "Violations", "p50", "p99", "Faults active", "Memory"]


def tile(page: Page, name: str) -> str:
    """Return what a tile says."""
    found = page.locator(".tile", has=page.locator(f"dt:text-is('{name}')"))
    expect(found).to_be_visible()
    return found.inner_text()


def opened(visit: Visit, url: str) -> Page:
    """Open the page, and wait until it shows a run."""
    visit.page.goto(url)
    expect(visit.page.locator(".tile")).to_have_count(10)
    return visit.page


def test_it_shows_a_run_while_it_goes_on(browser: Browser, station: Station, until: Chop) -> None:
    """Everything that one wants to know of a run is on the page, and what comes next is added to it."""
    station.feed(until(92.2))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        assert [tile(page, name).split("\n")[0] for name in TILES] == TILES
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator("h1")).to_have_text("shop under load")
        expect(page.locator("#verdict")).to_have_text("UNSTABLE so far")
        assert tile(page, "Elapsed").split("\n")[1:] == ["1:32", "2:28 left"]
        assert tile(page, "Iterations").split("\n")[1] == "461"
        assert "3 failed" in tile(page, "Not successful")
        expect(page.locator("#active .chip")).to_have_text(["slow database", "payment errors"])
        expect(page.locator("canvas")).to_have_count(3)
        station.feed([event for event in until(100.2) if event.at > 92.2])
        expect(page.locator(".tile .big").first).to_have_text("1:40")
        assert tile(page, "Iterations").split("\n")[1] == "501"
        assert visit.complaints == []

    browser.visit(look)


def test_a_violation_comes_with_its_faults_and_its_command(browser: Browser, station: Station, until: Chop) -> None:
    """Each violation says under which fault it was found and what reproduces it, and each injector what proves it."""
    station.feed(until(92))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        first = page.locator(".finding").first
        expect(first.locator("b")).to_have_text("p99 below 1 s")
        expect(first.locator(".chip")).to_have_text("kill worker")
        expect(first.locator("code")).to_have_text(
            re.compile(r"chaoscore run shop.toml --seed 7145 --only-iteration \d+")
        )
        rows = page.locator("#injectors tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_contain_text("active")
        expect(rows.nth(2)).to_contain_text("lifted")
        expect(rows.nth(2)).to_contain_text("1 × worker, pid 4005")

    browser.visit(look)


def test_fault_windows_are_shaded_and_named(browser: Browser, station: Station, until: Chop) -> None:
    """The chart has the colour of a fault where its window was, and none of it where none was."""
    station.feed(until(130))
    shade = """([from, to]) => {
        const canvas = document.querySelector("#latency canvas"), over = document.querySelector("#latency .u-over");
        const box = over.getBoundingClientRect(), whole = canvas.getBoundingClientRect();
        const scale = canvas.width / whole.width, x = (at) => (box.left - whole.left + box.width * at / 130) * scale;
        const seen = new Set();
        for (let at = from; at < to; at += 0.5) for (let down = 3; down < 20; down++) {  // some of it is grid
            const y = (box.top - whole.top + down) * scale;
            const [r, g, b, a] = canvas.getContext("2d").getImageData(Math.round(x(at)), Math.round(y), 1, 1).data;
            if (a && r > g + 5 && g > b) seen.add("orange");
        }
        return [...seen];
    }"""

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        station.tick()
        assert page.evaluate(shade, [31, 33]) == ["orange"]  # the slow database
        assert page.evaluate(shade, [15, 28]) == []

    browser.visit(look, color_scheme="light")


def test_pointing_at_a_moment_shows_its_numbers(browser: Browser, station: Station, until: Chop) -> None:
    """Where one points in one chart, all three say what was there; without that they say nothing."""
    station.feed(until(130))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        page.locator("#latency").scroll_into_view_if_needed()
        values = page.locator(".u-value:not(:empty)")
        expect(values).to_have_count(0)
        page.locator("#latency .u-over").hover(position={"x": 400, "y": 60})
        expect(values).to_have_count(8)  # three times the moment, and five lines
        assert len({page.locator(".u-series:first-child .u-value").nth(index).inner_text() for index in range(3)}) == 1

    browser.visit(look)


def test_stop_asks_first_and_pulls_the_lever(browser: Browser, station: Station, until: Chop, state: Path) -> None:
    """The button pulls the stop lever, but only when it was asked for twice; the keyboard is enough for it."""
    station.feed(until(20))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        page.keyboard.press("s")
        expect(page.locator("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        page.keyboard.press("s")
        page.keyboard.press("Enter")  # "Go on" has the focus
        expect(page.locator("dialog")).to_be_hidden()
        assert not (state / "stop").exists()
        page.keyboard.press("s")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#phase")).to_contain_text("The stop lever is pulled")
        assert (state / "stop").exists()

    browser.visit(look)


def test_it_finds_the_run_again(browser: Browser, station: Station, until: Chop) -> None:
    """A page that lost its connection says so, comes back by itself, and has missed nothing."""
    station.feed(until(30))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        visit.page.context.set_offline(True)
        station.live._server.drop()
        expect(page.locator("#link")).to_contain_text("reconnecting")
        station.feed([event for event in until(60) if event.at > 30])
        visit.page.context.set_offline(False)
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator(".tile .big").nth(1)).to_have_text("300")

    browser.visit(look)


def test_the_end_stays_on_the_page(browser: Browser, station: Station, minutes: tuple[Event, ...]) -> None:
    """When the run is over, the page shows its verdict, and goes on showing it although nobody serves it any more."""
    station.feed(minutes[:-1])

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        expect(page.locator("#stop")).to_be_visible()
        station.feed(minutes[-1:])
        station.end()
        expect(page.locator("#link")).to_have_text("ended")
        expect(page.locator("#verdict")).to_have_text("FAIL")
        expect(page.locator("#stop")).to_be_hidden()

    browser.visit(look)


@pytest.mark.slow
def test_a_day_is_reduced_and_not_cut_off(browser: Browser, station: Station) -> None:
    """The charts of 24 hours begin at the beginning and end at the end, in no more points than a screen has."""
    station.feed(tuple(day()))

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        assert tile(page, "Elapsed").split("\n")[1] == "24:00:00"
        assert tile(page, "Iterations").split("\n")[1] == "86,400"

    browser.visit(look)
    rows = station.live._board._series(0.0)["rows"]
    assert 700 < len(rows) <= 1440
    assert rows[0][0] == 0
    assert rows[-1][0] + station.live._board._series(0.0)["width"] >= 86_399
    assert sum(row[1] + row[2] for row in rows) == 86_400


def test_it_asks_for_nothing_from_elsewhere(browser: Browser, station: Station, until: Chop) -> None:
    """Every address that the page asks for is its own."""
    station.feed(until(20))

    def look(visit: Visit) -> None:
        opened(visit, station.url)
        assert {url.removeprefix(station.url) for url in visit.requests if not url.startswith("data:")} == {
            "",
            "events",
        }

    browser.visit(look)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme_and_the_key(browser: Browser, station: Station, until: Chop, scheme: str) -> None:
    """It is light or dark as the viewer's system is, and the other after the key T."""
    station.feed(until(20))
    lightness = "getComputedStyle(document.body).getPropertyValue('background-color').match(/\\d+/g).map(Number)[0]"

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        assert (page.evaluate(lightness) > 128) == (scheme == "light")
        page.keyboard.press("t")
        assert (page.evaluate(lightness) > 128) == (scheme != "light")

    browser.visit(look, color_scheme=scheme)


@pytest.mark.parametrize("width", [320, 390, 768])
def test_it_fits_a_phone(browser: Browser, station: Station, minutes: tuple[Event, ...], width: int) -> None:
    """Nothing is wider than the screen."""
    station.feed(minutes[:-1])

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    browser.visit(look, width=width, height=800)


def test_a_run_without_injectors(browser: Browser, station: Station) -> None:
    """A run that injects nothing has a page as any other."""
    started, *rest = day(5, 2)
    plain = type(started)(**{**{name: getattr(started, name) for name in started.__struct_fields__}, "injections": ()})
    station.feed([plain, *(event for event in rest if type(event).__name__ not in {"Opened", "Lifted", "Fired"})][:-1])

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        expect(page.locator("#injectors")).to_have_text("This run injects nothing.")
        expect(page.locator("#active")).to_have_text("nothing")
        assert visit.complaints == []

    browser.visit(look)


def test_a_run_before_its_first_iteration(browser: Browser, station: Station, minutes: tuple[Event, ...]) -> None:
    """While nothing has happened yet, the page has no verdict, no numbers, and no error."""
    station.feed(minutes[:3])

    def look(visit: Visit) -> None:
        page = opened(visit, station.url)
        expect(page.locator("#verdict")).to_have_text("no verdict yet")
        assert tile(page, "p99").split("\n")[1] == "–"
        expect(page.locator("#injectors tbody tr").first).to_contain_text("not opened yet")
        assert visit.complaints == []

    browser.visit(look)
