"""The report as Markdown."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from chaoscore.events import ErrorInfo, Event, Outcome
from chaoscore.fold import replay
from chaoscore.reporters import markdown
from chaoscore.reporters.markdown import code, render, text
from tests.fold.history import failing, iteration, passing, started
from tests.fold.strategies import HOSTILE, streams
from tests.reporters.test_text import hostile_run


def test_a_run_in_which_much_goes_wrong() -> None:
    """Verdict, reasons, tables and the command are there."""
    page = render(replay(failing())).splitlines()
    assert page[0] == "## job-claim: FAIL"
    assert "- **fail** no-double: job 17 assigned to 3 bots (first of 2 findings)" in page
    assert "| pause | delay | landed 3 times |" in page
    assert (
        "| claim | 7: 3 ok, 2 failed, 1 faulted, 1 cancelled | mean 10 ms, p50 10 ms, p90 10 ms, p99 10 ms, max 10 ms |"
        in page
    )
    assert "| claim | 2 | sqlite3.OperationalError: database is locked |  | 3 |" in page
    assert page[-3] == "Reproduce: `chaoscore run jobs.py --seed 42`"
    assert page[-1] == "That iteration alone: `chaoscore run jobs.py --seed 42 --only-iteration 3`"


def test_a_run_that_passes_has_no_empty_sections() -> None:
    """What has nothing to say is not there."""
    titles = [line for line in render(replay(passing())).splitlines() if line.startswith("#")]
    assert titles == ["## job-claim: PASS", "### Steps", "### Faults"]


def test_a_path_is_written_as_a_whole(tmp_path: Path) -> None:
    """The file holds this report and no older one."""
    reporter = markdown(tmp_path / "report.md")
    for _ in range(2):
        reporter.report(replay(passing()))
    assert (tmp_path / "report.md").read_text() == render(replay(passing()))


@pytest.mark.parametrize("named", [False, True])
def test_the_summary_page_is_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    """What else the step of the job has written there stays, also where the page is given as the path."""
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    markdown(page if named else None).report(replay(passing()))
    assert page.read_text() == "before\n" + render(replay(passing()))


def test_without_a_path_and_a_summary_page_it_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says both ways out."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    with pytest.raises(ValueError, match=r"no path and \$GITHUB_STEP_SUMMARY is not set; give it a path"):
        markdown()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a | b", "a \\| b"),
        ("`code` *bold* _it_ ~no~", "\\`code\\` \\*bold\\* \\_it\\_ \\~no\\~"),
        ("[link](x)", "\\[link\\](x)"),
        ("<script> & <!--", "&lt;script&gt; &amp; &lt;!--"),
        ("two\nlines", "two\\\\nlines"),
        ("@everyone", "@<!-- -->everyone"),
    ],
)
def test_markup_in_text_is_text(value: str, shown: str) -> None:
    """Pipes, backticks, HTML, links and mentions lose their meaning."""
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a", "`a`"), ("a `b` c", "``a `b` c``"), ("`a", "`` `a ``"), ("``a`b", "``` ``a`b ```"), ("", "``")],
)
def test_code_survives_backticks(value: str, shown: str) -> None:
    """The fence is longer than any run of backticks inside."""
    assert code(value) == shown


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_does_not_break_a_table(hostile: str) -> None:
    """Every row of a table has as many cells as its head."""
    for rows in tables(render(replay(hostile_run(hostile)))):
        assert len({cells(row) for row in rows}) == 1, rows


def tables(page: str) -> list[list[str]]:
    blocks = [block.splitlines() for block in page.split("\n\n")]
    return [block for block in blocks if block and block[0].startswith("|")]


def cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row.replace("\\\\", "")))


def test_what_is_left_out_is_counted() -> None:
    """A table has at most thirty rows."""
    words = [chr(ord("a") + index % 26) * (2 + index // 26) for index in range(40)]
    steps = [event for word in words for event in iteration(1, Outcome.FAILED, ErrorInfo("E", "x"), step=word)]
    assert "and 10 more, in the JSON report" in render(replay([started(steps=()), *steps]))


@settings(max_examples=50, deadline=None)
@given(streams)
def test_any_report_is_shown(events: list[Event]) -> None:
    """Every report has a page without a tag or a control character in it."""
    page = render(replay(events)).replace("<!-- -->", "")
    assert all(line.isprintable() for line in page.splitlines())
    outside_code = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", page)
    assert "<" not in outside_code
