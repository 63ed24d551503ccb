"""The HTML report."""

import re
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.days import day
from chaos_dashboard import html
from chaoscore import Ended, ErrorInfo, Event, Fold, Found, Outcome, RunStarted, Severity, StepEnded, Verdict
from chaoscore.reporters import events as event_log
from tests.services.browsers import Browser, Visit

SECTIONS = [
    "The run over time",
    "Findings",
    "What was injected, and proof that it landed",
    "Latency before, during and after each fault",
    "Steps",
    "Expectations and thresholds",
    "Errors out of steps",
    "Environment",
]


class Reader(HTMLParser):
    """Keeps the text of a document, and sees that every element ends where it should."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All of it, in one line."""
        return " ".join(" ".join(self.words).split())


def written(events: Sequence[Event], file: Path) -> str:
    """Return the report of a run, through the reporter."""
    reporter, fold = html(file), Fold()
    for index in range(0, len(events), 1_000):
        reporter.follow(events[index : index + 1_000])
    for event in events:
        fold.add(event)
    reporter.report(fold.report())
    return file.read_text(encoding="utf-8")


@pytest.fixture
def report(minutes: tuple[Event, ...], tmp_path: Path) -> str:
    """The report of four minutes."""
    return written(minutes, tmp_path / "report.html")


def test_it_says_all_there_is_to_say(report: str) -> None:
    """Verdict, reasons, faults with their proof, steps, limits against values, examples, seed and command are in it."""
    text = Reader(report).text
    for part in (
        "shop under load FAIL",
        "stock never negative: stock of item",
        "landed 3 times, opened 3 times",
        "1 × worker, pid 4005",
        "at least 97.00% of iterations succeed",
        "p99 duration at most 1 s",
        "under kill worker",
        "self.left -= count",
        "shop.errors.WorkerLost",
        "injected by payment errors",
        "seed 7145",
        "chaoscore run shop.toml --for 24h --seed 7145",
        "That iteration alone",
    ):
        assert part in text, part


def test_its_sections_are_in_order(report: str) -> None:
    """What one asks first stands first."""
    assert re.findall(r"<h2>(.*?)</h2>", report) == SECTIONS


def test_before_during_and_after_differ(report: str) -> None:
    """The table of the slow database shows the latency that it caused, and that it went away again."""
    table = report.partition("Latency before, during and after")[2].partition("</table>")[0]
    rows = dict(
        re.findall(r'<th scope="row">(\w+)</th>.*?<td class="num">[\d,]+</td><td class="num">(.*?)</td>', table)
    )
    assert list(rows) == ["before", "during", "after"]
    milliseconds = {name: float(value.removesuffix(" ms")) for name, value in rows.items()}
    assert milliseconds["during"] > 3 * milliseconds["before"]
    assert milliseconds["during"] > 3 * milliseconds["after"]


def test_it_needs_no_script_and_asks_for_nothing(browser: Browser, minutes: tuple[Event, ...], tmp_path: Path) -> None:
    """Without JavaScript everything is visible, and the file is all that is asked for."""
    file = tmp_path / "report.html"
    written(minutes, file)

    def look(visit: Visit) -> None:
        visit.page.goto(file.as_uri())
        assert visit.page.locator("h2").all_inner_texts() == SECTIONS
        assert all(each.is_visible() for each in visit.page.locator("svg").all())
        assert visit.page.locator("svg").count() == 4
        assert visit.requests == [file.as_uri()]
        assert visit.complaints == []

    browser.visit(look, java_script_enabled=False)


@pytest.mark.parametrize("width", [320, 390, 1240])
def test_it_fits(browser: Browser, minutes: tuple[Event, ...], tmp_path: Path, width: int) -> None:
    """No page is wider than the screen; what is wide scrolls by itself."""
    file = tmp_path / "report.html"
    written(minutes, file)

    def look(visit: Visit) -> int:
        visit.page.goto(file.as_uri())
        return int(visit.page.evaluate("document.documentElement.scrollWidth"))

    assert browser.visit(look, width=width) <= width


def test_it_prints(browser: Browser, minutes: tuple[Event, ...], tmp_path: Path) -> None:
    """On paper it is a few pages, light whatever the screen is, and nothing of it is cut off at the side."""
    file = tmp_path / "report.html"
    written(minutes, file)

    def look(visit: Visit) -> tuple[bytes, str]:
        visit.page.goto(file.as_uri())
        printed = visit.page.pdf(prefer_css_page_size=True)
        visit.page.emulate_media(media="print")
        return printed, str(visit.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    printed, background = browser.visit(look, color_scheme="dark")
    assert background == "rgb(255, 255, 255)"
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 5


@pytest.mark.slow
def test_a_day_is_a_small_file(tmp_path: Path) -> None:
    """The report of 24 hours is smaller than 300 kB, and reaches from the first to the last hour."""
    text = written(tuple(day()), tmp_path / "report.html")
    assert len(text.encode()) < 300_000
    assert ">24h</text>" in text
    assert Reader(text).text.count("opened 12 times") == 1


def test_it_is_written_again_from_a_log(minutes: tuple[Event, ...], tmp_path: Path) -> None:
    """`chaoscore report` writes from the event log what the run itself would have written."""
    log, file = tmp_path / "run.jsonl", tmp_path / "again.html"
    event_log(log).follow(minutes)
    done = chaoscore("report", log, "--report", f"html={file}", "--quiet")
    assert done.returncode == 1, done.stderr  # that of the run, which failed
    assert file.read_text(encoding="utf-8") == written(minutes, tmp_path / "report.html")


def test_a_crashed_run(minutes: tuple[Event, ...], tmp_path: Path) -> None:
    """A log that breaks off in the middle of a line, with faults open, becomes a report that says so."""
    log, file = tmp_path / "run.jsonl", tmp_path / "report.html"
    writer = event_log(log)
    writer.follow([event for event in minutes if event.at < 92])
    writer.report(Fold().report())  # closes it
    log.write_bytes(log.read_bytes()[:-20])
    done = chaoscore("report", log, f"--html={file}")
    assert done.returncode == 3, done.stderr
    text = Reader(file.read_text(encoding="utf-8")).text
    assert "its events end before the run does; injector 'slow database' was still open" in text


def chaoscore(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chaoscore", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def short(*between: Event, **changed: Any) -> tuple[Event, ...]:
    """Return a run of which nothing is known but *between*."""
    first = next(iter(day(1)))
    assert isinstance(first, RunStarted)
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return (RunStarted(**{**fields, "injections": (), **changed}), *between, Ended(0.3))


def test_a_run_in_which_nothing_happened(tmp_path: Path) -> None:
    """A run that ended at once, without injectors, has a report without empty drawings."""
    text = written(short(steps=()), tmp_path / "report.html")
    assert "<svg" not in text
    assert "This run injected nothing." in Reader(text).text


def test_a_run_shorter_than_a_second(tmp_path: Path) -> None:
    """What happened within one second cannot be drawn over time, and the rest is there."""
    events = [event for event in day(1, 10) if not isinstance(event, Ended)]
    text = Reader(written((*events, Ended(0.1)), tmp_path / "report.html")).text
    assert "too short to be drawn over time" in text
    assert "Iterations 10 all succeeded" in text


def test_a_run_of_two_seconds(tmp_path: Path) -> None:
    """Two seconds are drawn like a day."""
    assert written(tuple(day(2, 10)), tmp_path / "report.html").count('class="p99"') == 2  # the line and its key


def test_a_reporter_that_saw_no_event(tmp_path: Path, minutes: tuple[Event, ...]) -> None:
    """A report alone is written as well, only without what takes a stream."""
    fold = Fold()
    for event in minutes:
        fold.add(event)
    html(tmp_path / "report.html").report(fold.report())
    assert "<svg" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_million_different_errors(tmp_path: Path) -> None:
    """Errors of which no two are alike take no more room than a few."""
    began, _ = short()
    reporter, fold = html(tmp_path / "report.html"), Fold()
    reporter.follow((began,))
    fold.add(began)
    for number in range(1_000_000):
        text = "".join(chr(97 + int(digit)) for digit in str(number))
        failed = StepEnded(0.1, 0, number, "pay", Outcome.FAILED, 0.1, ErrorInfo(text, text))
        reporter.follow((failed,))
        fold.add(failed)
    reporter.report(fold.report())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert "999,980 times" in text
    assert "(and other kinds)" in text


def test_long_texts_are_cut(tmp_path: Path) -> None:
    """Hundreds of kinds of findings and errors, each with a long text and a long stack, are a report of usual size."""
    between: list[Event] = []
    for number in range(400):
        text = f"{chr(97 + number % 26) * (number + 2)} " + "long " * 2_000
        stack = "\n".join(["a line of a stack that never ends " * 50] * 100)
        error = ErrorInfo(text, text, None, text, stack)
        between.append(StepEnded(0.1, 0, number, f"step {number % 9}", Outcome.FAILED, 0.1, error))
        between.append(Found(0.1, f"v{number % 9}", Severity.CRITICAL, text, Verdict.FAIL, 0, number, "pay", (), stack))
    text = written(short(*between), tmp_path / "report.html")
    assert len(text.encode()) < 300_000
    assert "more, in the JSON report" in text


def test_many_injectors(tmp_path: Path) -> None:
    """With more injectors than lanes, the report says how many are drawn, and names all in its table."""
    events = list(day(10))
    began = events[0]
    assert isinstance(began, RunStarted)
    fields = {name: getattr(began, name) for name in began.__struct_fields__}
    one = began.injections[0]
    many = tuple(type(one)(f"injector {number}", one.kind, {}) for number in range(30))
    text = Reader(written((RunStarted(**{**fields, "injections": many}), *events[1:]), tmp_path / "r.html")).text
    assert "injectors the first 12 are drawn" in text
    assert "injector 29" in text


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    """A path that cannot be a file is refused when the reporter is made, not after the run."""
    for path in (tmp_path, tmp_path / "missing" / "report.html"):
        with pytest.raises(ValueError, match=re.escape(str(path))):
            html(path)


def test_its_drawings_are_well_formed(report: str) -> None:
    """Each drawing is XML that another program can read, and no coordinate in it is missing."""
    drawings = re.findall(r"<svg.*?</svg>", report, re.DOTALL)
    assert len(drawings) == 4
    for drawing in drawings:
        for element in ElementTree.fromstring(drawing).iter():
            assert re.search("nan|inf|None", " ".join(element.attrib.values())) is None
