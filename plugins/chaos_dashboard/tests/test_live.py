"""The live page as a reporter of real runs."""

import re
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from chaos_dashboard import live
from chaoscore import Report, Scenario, maybe_error
from chaoscore.injectors import error
from tests.services.browsers import Browser, Visit
from tests.services.child import free_port

SCENARIO = """
    import threading
    from chaoscore import Report, Scenario, maybe_error
    from chaoscore.injectors import error

    class Shop:
        name = "shop"

    def buy(shop):
        maybe_error()

    scenario = Scenario("shop").target(Shop()).step("buy", buy).inject("error", error(probability=0.5)).repeat(50)
"""


class Shop:
    name = "shop"


def test_a_port_that_is_taken() -> None:
    """It is said when the reporter is made, before anything runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} of 127.0.0.1 cannot be used: Address already in use"):
            live(port)


@pytest.mark.parametrize("port", [-1, 65536, "x", "", "1.5", True, 1.5])
def test_what_is_no_port(port: object) -> None:
    """Anything but a whole number up to 65535 is refused with what it was."""
    with pytest.raises(ValueError, match=re.escape(repr(port))):
        live(port)  # type: ignore[arg-type]


def test_a_port_that_is_taken_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    """A run whose page cannot be served is a run without a page: it tells, and goes on."""
    reporter = live(free_port())
    with socket.create_server(("127.0.0.1", reporter.port)):
        scenario = Scenario("shop").target(Shop()).step("buy", lambda _: None).repeat(3)
        report = scenario.run(reporters=[reporter])
    assert report.iterations.ok == 3
    assert [(each.who, each.hook) for each in report.troubles] == [("reporter 'live'", "follow")]


def test_a_run_while_it_is_watched(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """A real run that somebody looks at shows its end on the page, and is not changed by that."""
    watched = threading.Event()

    def buy(_: Shop) -> None:
        maybe_error()
        watched.wait(60)

    scenario = Scenario("shop").target(Shop()).step("buy", buy).inject("error", error(probability=0.5)).repeat(40)
    reporter = live()
    reports: list[Report] = []
    running = threading.Thread(
        target=lambda: reports.append(scenario.continue_on_failure().run(seed=7, reporters=[reporter]))
    )
    running.start()
    while reporter.url is None:
        assert running.is_alive()
        running.join(0.01)

    def look(visit: Visit) -> str:
        visit.page.goto(str(reporter.url))
        visit.page.locator(".tile").first.wait_for()
        watched.set()
        visit.page.locator("#link", has_text="ended").wait_for()
        return visit.page.locator(".tile").nth(1).inner_text()

    assert "40" in browser.visit(look)
    running.join(60)
    assert reports[0].iterations.judged == 40
    assert reports[0].troubles == ()


def test_stop_ends_a_run(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """The button ends a real run that would have gone on, in good order, and the page shows that it did."""
    reporter = live()
    scenario = Scenario("shop").target(Shop()).step("buy", lambda _: maybe_error()).run_for("1h").continue_on_failure()
    reports: list[Report] = []
    running = threading.Thread(
        target=lambda: reports.append(scenario.inject("error", error(probability=0.01)).run(reporters=[reporter]))
    )
    running.start()
    while reporter.url is None:
        assert running.is_alive()
        running.join(0.01)

    def look(visit: Visit) -> str:
        visit.page.goto(str(reporter.url))
        visit.page.locator("#stop").click()
        visit.page.locator("dialog button.danger").click()
        visit.page.locator("#link", has_text="ended").wait_for()
        return visit.page.locator("#phase").inner_text()

    said = browser.visit(look)
    running.join(60)
    assert "stop" in said
    assert reports[0].interrupted is not None
    assert reports[0].interrupted in said


def test_the_option(tmp_path: Path) -> None:
    """``--live`` serves a page from the command line and says where; a port that is taken is wrong usage."""
    (tmp_path / "shop.py").write_text("\n".join(line[4:] for line in SCENARIO.splitlines()))
    command = [sys.executable, "-m", "chaoscore", "run", "shop.py", "--seed", "7"]
    done = subprocess.run([*command, "--live"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert re.search(r"^live page: http://127\.0\.0\.1:\d+/[\w-]{32}/$", done.stderr, re.MULTILINE)
    assert "reporter" not in done.stdout
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wrong = subprocess.run(
            [*command, f"--live={port}"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
    assert wrong.returncode == 2
    assert f"live: port {port} of 127.0.0.1 cannot be used" in wrong.stderr


def test_it_can_be_used_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A second run has a page of its own, under an address of its own."""
    reporter = live()
    addresses = set()

    def look(_: Shop) -> None:
        while reporter.url is None:
            pass
        addresses.add(reporter.url)
        with urllib.request.urlopen(reporter.url, timeout=60) as answer:
            assert answer.status == 200

    scenario = Scenario("shop").target(Shop()).step("look", look)
    for _ in range(2):
        assert scenario.run(reporters=[reporter]).passed
    assert len(addresses) == 2
    assert reporter.url is None
