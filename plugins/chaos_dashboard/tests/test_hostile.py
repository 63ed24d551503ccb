"""Whatever the system under test says, in whichever field: nothing of it runs in any report or page."""

import enum
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from markdown_it import MarkdownIt

from chaos_dashboard import html
from chaoscore import Event, Fold, Report
from chaoscore.reporters import console, json, junit, markdown
from chaoscore.testing import hostile_run
from tests.services.browsers import Browser, Visit

Station = Any

PAYLOADS = {
    "element": "<script>owned('element')</script><img src=x onerror=\"owned('image')\"><svg onload=owned('svg')>",
    "attribute": "\" onmouseover=\"owned('quote')\" autofocus onfocus=\"owned('focus')\" x='' onclick='owned(1)' y=\"",
    "ends": "</script></style></title></textarea></pre>--></svg>]]>"
    "<script>owned('end')</script><img src=x onerror=owned(2)>",
    "address": "javascript:owned('address')"
    ' [link](javascript:owned(3)) ![i](x"onerror=owned(4)) <javascript:owned(5)>',
    "frame": "<iframe srcdoc=\"<script>parent.owned('frame')</script>\"></iframe>"
    "<object data=javascript:owned(6)></object>",
    "escapes": "&lt;script&gt;owned('twice')&lt;/script&gt; \\u003cscript\\u003eowned(7)\\u003c/script\\u003e"
    " ${owned(8)} {{7*7}}",
    "separators": "\u2028<script>\u2029owned('separator')</script>\x00<img src=x onerror=owned(9)>\ud800\u202e",
    "xml": "<x xmlns='http://www.w3.org/1999/xhtml'>"
    "<script xmlns='http://www.w3.org/1999/xhtml'>owned('xml')</script></x>",
    "remote": "<link rel=stylesheet href=http://evil.invalid/a><img src=http://evil.invalid/b>"
    "@import 'http://evil.invalid/c'",
}
"""Texts that run where they are not kept as text: each way in which pages and reports have been broken into."""


def everywhere(payload: str) -> list[Event]:
    """Return a run in which every text of every event is *payload*."""
    return [cast("Event", _filled(event, payload)) for event in hostile_run(payload)]


def _filled(value: Any, payload: str) -> Any:
    if isinstance(value, enum.Enum):
        return value
    if isinstance(value, str):
        return payload
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        kept = {"thresholds", "wall", "schema"}  # numbers, which something must come of
        return type(value)(**{k: v if k in kept else _filled(v, payload) for k, v in fields.items()})
    if isinstance(value, dict):
        return {_filled(key, payload): _filled(each, payload) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_filled(each, payload) for each in value)
    return value


def folded(events: Sequence[Event]) -> Report:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.report()


def as_html(events: Sequence[Event], file: Path) -> None:
    reporter = html(file)
    reporter.follow(events)
    reporter.report(folded(events))


def as_notebook(events: Sequence[Event], file: Path) -> None:
    """What a notebook puts into its own page, which may run scripts."""
    file.write_text(f"<!doctype html><meta charset=utf-8>{folded(events)._repr_html_()}", encoding="utf-8")


def as_markdown(events: Sequence[Event], file: Path) -> None:
    """As a viewer shows it that lets HTML through, which GitHub's does not."""
    markdown(file).report(folded(events))
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(file.read_text(encoding="utf-8"))
    file.write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")


FORMATS: dict[str, tuple[str, Callable[[Sequence[Event], Path], None]]] = {
    "html": ("html", as_html),
    "notebook": ("html", as_notebook),
    "markdown": ("html", as_markdown),
    "junit": ("xml", lambda events, file: junit(file).report(folded(events))),
    "json": ("json", lambda events, file: json(file).report(folded(events))),
    "console": ("txt", lambda events, file: console(file).report(folded(events))),
}


def provoke(visit: Visit) -> list[str]:
    """Do what a viewer may do: move over everything, give everything the focus, and click what can be clicked."""
    visit.page.evaluate("""async () => {
        for (const each of document.querySelectorAll("*")) {
            for (const kind of ["mouseover", "mouseenter", "click", "focus", "load", "error", "toggle"])
                each.dispatchEvent(new Event(kind));
        }
        await new Promise((done) => setTimeout(done, 50));
    }""")
    remote = [url for url in visit.requests if "evil" in url or url.startswith("javascript:")]
    return [*visit.ran, *remote]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_would_show(browser: Browser, payload: str, tmp_path: Path) -> None:
    """Each payload runs, or asks for something, in a page that takes it as it is: the tests below could fail."""
    if payload in {"attribute", "address", "escapes", "xml"}:  # these need another place
        around = {
            "attribute": '<input value="%s">',
            "address": '<a href="%s" id=a>x</a>',
            "escapes": "<div id=d></div><script>d.innerHTML = `%s`</script>",
            "xml": "<div>%s</div>",
        }[payload]
    else:
        around = "<p>%s</p>"
    text = PAYLOADS[payload].split(" [link]")[0].encode("utf-8", "ignore").decode()
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{around.replace('%s', text)}", "utf-8")

    def look(visit: Visit) -> list[str]:
        visit.page.goto((tmp_path / "page.html").as_uri())
        if payload == "address":
            visit.page.evaluate("document.getElementById('a').click()")
        provoke(visit)
        visit.page.wait_for_timeout(100)
        return provoke(visit)

    assert browser.visit(look) != []


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_runs_in_a_report(browser: Browser, form: str, tmp_path: Path) -> None:
    """A report that holds a payload in every field is text when a browser opens it, and asks for nothing."""
    ending, write = FORMATS[form]
    files = {name: tmp_path / f"{name}.{ending}" for name in PAYLOADS}
    for name, file in files.items():
        write(everywhere(PAYLOADS[name]), file)

    def look(visit: Visit) -> dict[str, list[str]]:
        found = {}
        for name, file in files.items():
            visit.page.goto(file.as_uri())
            found[name] = provoke(visit)
        return found

    assert browser.visit(look) == {name: [] for name in PAYLOADS}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_runs_in_the_live_page(browser: Browser, station: Station, payload: str) -> None:
    """The live page shows the payload in every field, and it stays text."""
    events = everywhere(PAYLOADS[payload])
    station.feed(events[:-3])

    def look(visit: Visit) -> list[str]:
        visit.page.goto(station.url)
        visit.page.locator(".finding").first.wait_for()
        station.feed(events[-3:])
        assert visit.page.locator("script, img, iframe, object, link[rel=stylesheet]").count() == 2  # its own scripts
        return provoke(visit)

    assert browser.visit(look) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_report_has_no_element_of_theirs(payload: str, tmp_path: Path) -> None:
    """In the HTML report no script, no handler and no address stands but in text."""
    file = tmp_path / "report.html"
    as_html(everywhere(PAYLOADS[payload]), file)
    text = file.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "<iframe" not in text
    assert text.isprintable() or set(text) - {"\n"} == {each for each in text if each.isprintable()}
