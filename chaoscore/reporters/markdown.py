"""The report as Markdown, for pull requests and the summary page of GitHub Actions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from chaoscore.report import Report
from chaoscore.reporters.files import append, optional_file_path, write_whole
from chaoscore.reporters.text import duration, landed, occurrence, outcome, success
from chaoscore.reporters.visible import date, visible
from chaoscore.units import show_seconds

SUMMARY = "GITHUB_STEP_SUMMARY"
_CELL_CHARS = 300
_MOST_ROWS = 30
_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")


@attrs.frozen
class Markdown:
    """
    Writes the report as Markdown.

    Attributes:
        path: The file; None: the one that ``$GITHUB_STEP_SUMMARY`` names, which is appended to in either case; ``-`` is
            the standard output.
    """

    path: Path | None = attrs.field(default=None, converter=optional_file_path)

    kind: ClassVar[str] = "markdown"

    def __attrs_post_init__(self) -> None:
        if self.path is None and not os.environ.get(SUMMARY):
            raise ValueError(f"markdown has no path and ${SUMMARY} is not set; give it a path")

    def report(self, report: Report) -> None:
        """Write *report*."""
        content = render(report).encode()
        summary = Path(os.environ.get(SUMMARY, ""))
        if self.path is None or self.path == summary:
            append(summary, content)
        else:
            write_whole(self.path, content)


def render(report: Report) -> str:
    """Return *report* as Markdown, in which nothing from the system under test is markup."""
    return "\n".join(_lines(report)) + "\n"


def text(value: str) -> str:
    """Return *value* so that Markdown shows it as it is, also in a table."""
    shown = visible(value, _CELL_CHARS).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", shown).replace("@", "@<!-- -->")  # nobody is to be mentioned by a report


def code(value: str) -> str:
    """Return *value* as inline code, whatever backticks are in it."""
    shown = visible(value, 10_000)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _lines(report: Report) -> Iterator[str]:
    yield f"## {text(report.scenario)}: {report.verdict.value.upper()}"
    yield ""
    for reason in report.reasons[:_MOST_ROWS]:
        yield f"- **{reason.verdict.value}** {text(reason.text)}"
    if report.reasons:
        yield ""
    yield from _table(("", ""), _summary(report))
    yield from _steps(report)
    yield from _faults(report)
    yield from _expectations(report)
    yield from _findings(report)
    yield from _errors(report)
    yield from _troubles(report)
    yield from _reproduce(report)


def _summary(report: Report) -> list[tuple[str, ...]]:
    rows = {
        "workload": text(report.workload),
        "target": text(report.target),
        "iterations": outcome(report.iterations),
        "success": success(report.iterations),
        "duration": duration(report.timing) if report.timing.count else "",
        "run": f"{text(report.run_id)}, {date(report.started_wall)}, took {show_seconds(report.duration_s)}",
        "seed": f"`{report.seed}`",
    }
    return [(name, value) for name, value in rows.items() if value]


def _steps(report: Report) -> Iterator[str]:
    if report.iterations.judged:
        rows = [(text(each.name), outcome(each.counts), duration(each.timing)) for each in report.steps]
        yield from _section("Steps", ("step", "calls", "duration"), rows)


def _faults(report: Report) -> Iterator[str]:
    rows = [(text(each.info.name), text(each.info.kind), text(landed(each))) for each in report.injections]
    yield from _section("Faults", ("injector", "kind", "evidence"), rows)


def _expectations(report: Report) -> Iterator[str]:
    rows = [(text(each.info.name), text(each.info.kind), each.verdict.value) for each in report.expectations]
    yield from _section("Expectations", ("expectation", "kind", "verdict"), rows)


def _findings(report: Report) -> Iterator[str]:
    rows = [
        (
            each.severity.value,
            text(each.validator),
            f"{each.count:,}",
            text(each.first.message),
            text(occurrence(each.first)),
            text(occurrence(each.last)) if each.count > 1 else "",
        )
        for each in report.findings
    ]
    yield from _section("Findings", ("severity", "expectation", "count", "what", "first", "last"), rows)


def _errors(report: Report) -> Iterator[str]:
    rows = [
        (
            text(each.step),
            f"{each.count:,}",
            text(f"{each.first.type}: {each.first.message}"),
            text(each.first.injected_by or ""),
            str(each.iteration),
        )
        for each in report.errors
    ]
    yield from _section("Errors out of steps", ("step", "count", "error", "injected by", "first in iteration"), rows)


def _troubles(report: Report) -> Iterator[str]:
    rows = [
        (text(each.who), text(each.hook), f"{each.count:,}", text(f"{each.error.type}: {each.error.message}"))
        for each in report.troubles
    ]
    yield from _section("Troubles", ("who", "hook", "count", "error"), rows)


def _reproduce(report: Report) -> Iterator[str]:
    if report.reproduce is not None:
        yield f"Reproduce: {code(report.reproduce)}"
    if report.reproduce_alone is not None:
        yield ""
        yield f"That iteration alone: {code(report.reproduce_alone)}"


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"### {title}"
        yield ""
        yield from _table(heads, rows[:_MOST_ROWS])
        if len(rows) > _MOST_ROWS:
            yield f"and {len(rows) - _MOST_ROWS} more, in the JSON report"
            yield ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
