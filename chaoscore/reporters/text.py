"""A report as plain text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from chaoscore.eventlog import encode
from chaoscore.events import Found
from chaoscore.fold.judgement import faults_left, silence
from chaoscore.report import Counts, ErrorGroup, FindingGroup, InjectionReport, Report, Timing, TroubleReport
from chaoscore.reporters.visible import count, date, near, percent, visible, visible_lines
from chaoscore.stats import wilson
from chaoscore.units import show_seconds
from chaoscore.verdict import Verdict

WIDTH = 100
NARROWEST = 60
_MOST_ERRORS = 10
_MOST_FINDINGS = 20
_STACK_LINES = 12
_REASON_CHARS = 400
_NO_BREAK = "\N{NO-BREAK SPACE}"
_UNIT = re.compile(r"(?<=\d) (?=(?:s|ms|us|ns|x)\b)")
_OUTCOMES = ("failed", "faulted", "stuck", "cancelled")


class Line(NamedTuple):
    """
    One line of text.

    Attributes:
        text: Without a line break.
        style: What it is, for those who colour: a verdict, ``heading``, ``dim``, ``strong``, or nothing.
    """

    text: str
    style: str = ""


def render(report: Report, width: int = WIDTH) -> str:
    """Return *report* as text of lines no longer than *width* characters, commands excepted."""
    return "".join(f"{line.text}\n" for line in lines(report, width))


def lines(report: Report, width: int = WIDTH) -> Iterator[Line]:
    """Yield *report* line by line: what was run, how it went, and last what to make of it."""
    width = max(width, NARROWEST)
    left = faults_left(report)
    if left:
        yield from _wrapped("FAULTS LEFT BEHIND: ", f"{', '.join(left)} could not be lifted; see below", width, "fail")
        yield Line("")
    yield from _summary(report, width)
    yield from _steps(report)
    yield from _errors(report.errors, width)
    yield from _verdict(report, width)
    yield from _faults(report.injections, width)
    yield from _findings(report.findings, width)
    yield from _troubles(report.troubles, width)
    yield from _reproduce(report)


def short_lines(report: Report, width: int = WIDTH) -> Iterator[Line]:
    """Yield only the verdict, what led to it, and how to reproduce it."""
    width = max(width, NARROWEST)
    yield Line(f"{visible(report.scenario)}: {report.verdict.value.upper()} (seed {report.seed})", report.verdict.value)
    yield from _reasons(report, width)
    if report.reproduce is not None:
        yield Line(f"  {visible(report.reproduce, 10_000)}", "strong")


def outcome(counts: Counts) -> str:
    """Return counts as a phrase: ``'200: 197 ok, 3 failed'``."""
    parts = [f"{counts.ok:,} ok", *(f"{n:,} {name}" for name in _OUTCOMES if (n := getattr(counts, name)))]
    return f"{counts.judged + counts.cancelled:,}: {', '.join(parts)}"


def success(counts: Counts) -> str:
    """Return the success rate with the interval in which the true one lies."""
    if not counts.judged:
        return "nothing to judge"
    interval = wilson(counts.ok, counts.judged)
    reach = f"95% confidence {percent(interval.low)} to {percent(interval.high)}"
    return f"{percent(counts.success_rate)} ({reach})"


def duration(timing: Timing) -> str:
    """Return durations as a phrase."""
    values = {"mean": timing.mean_s, "p50": timing.p50_s, "p90": timing.p90_s, "p99": timing.p99_s, "max": timing.max_s}
    return ", ".join(f"{name} {show_seconds(value)}" for name, value in values.items())


def landed(injection: InjectionReport) -> str:
    """Return the proof that an injector's faults landed, or why none did."""
    why = silence(injection)
    if why is not None:
        return f"did not land: {visible(why)}"
    asked = "" if injection.asked is None else f" in {count(injection.asked, 'ask')}"
    openings = "" if injection.opened == 1 else f", opened {count(injection.opened, 'time')}"
    return f"landed {count(injection.fired or 0, 'time')}{asked}{openings}"


def occurrence(found: Found) -> str:
    """Return where and when a finding was made: ``'iteration 12, worker 3, at 520 ms, with pause open'``."""
    places = {"step": found.step and repr(found.step), "iteration": found.iteration, "worker": found.worker}
    parts = [f"{name} {value}" for name, value in places.items() if value is not None and value != ""]
    parts.append(f"at {show_seconds(found.at)}")
    if found.active:
        parts.append(f"with {', '.join(found.active)} open")
    return visible(", ".join(parts))


# -- sections ----------------------------------------------------------------------------------------------------------


def _summary(report: Report, width: int) -> Iterator[Line]:
    rows = {
        "scenario": visible(report.scenario),
        "target": visible(report.target),
        "workload": visible(report.workload),
        "seed": str(report.seed),
        "run": f"{visible(report.run_id)}, {date(report.started_wall)}, took {show_seconds(report.duration_s)}",
        "system": visible(", ".join(f"{name} {value}" for name, value in report.environment.items())),
        "iterations": outcome(report.iterations),
        "success": success(report.iterations),
        "duration": duration(report.timing) if report.timing.count else "",
    }
    for name, value in rows.items():
        if value:
            yield from _wrapped(f"{name:<12}", value, width)


def _steps(report: Report) -> Iterator[Line]:
    if not report.iterations.judged or not report.steps:
        return
    shown = [name for name in _OUTCOMES if any(getattr(step.counts, name) for step in report.steps)]
    table = [["step", "calls", "ok", *shown, "mean", "p50", "p99", "max"]]
    for step in report.steps:
        counts, timing = step.counts, step.timing
        numbers = [counts.judged + counts.cancelled, counts.ok, *(getattr(counts, name) for name in shown)]
        times = [timing.mean_s, timing.p50_s, timing.p99_s, timing.max_s]
        table.append([visible(step.name, 40), *(f"{n:,}" for n in numbers), *map(show_seconds, times)])
    yield from _heading("STEPS")
    for index, row in enumerate(aligned(table)):
        yield Line(f"  {row}", "" if index else "dim")


def _errors(errors: Sequence[ErrorGroup], width: int) -> Iterator[Line]:
    """Yield real errors before injected ones, and the traceback of the first."""
    if not errors:
        return
    yield from _heading("ERRORS out of steps")
    ordered = sorted(errors, key=lambda group: group.first.injected_by is not None)
    for index, group in enumerate(ordered[:_MOST_ERRORS]):
        error = group.first
        origin = f" (injected by {error.injected_by!r})" if error.injected_by else ""
        text = f"{error.type}: {error.message}".removesuffix(": ")
        yield from _wrapped(f"  {group.count:>5,} x  ", visible(text) + visible(origin), width)
        at = f", at {near(error.where)}" if error.where else ""
        last = "" if group.count == 1 else f", last at {show_seconds(group.last_at)}"
        first = f"iteration {group.iteration} at {show_seconds(group.first_at)}"
        yield from _wrapped(" " * 11, f"step {visible(repr(group.step))}{at}; first in {first}{last}", width, "dim")
        if error.traceback and (index == 0 or error.type == "stuck"):
            yield from _block(" " * 11, error.traceback)
    yield from _more(len(ordered) - _MOST_ERRORS, "kind", "of error")


def _verdict(report: Report, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line(f"VERDICT {report.verdict.value.upper()}", report.verdict.value)
    yield from _reasons(report, width)
    held = [each.info.name for each in report.expectations if each.verdict is Verdict.PASS and not each.findings]
    if held and report.iterations.judged:
        yield from _wrapped("  held      ", visible(", ".join(held)), width)


def _reasons(report: Report, width: int) -> Iterator[Line]:
    for reason in report.reasons:
        yield from _wrapped(f"  {reason.verdict.value:<10}", visible(reason.text, _REASON_CHARS), width)


def _faults(injections: Sequence[InjectionReport], width: int) -> Iterator[Line]:
    if not injections:
        return
    yield from _heading("FAULTS")
    named = aligned([[visible(each.info.name, 40), visible(each.info.kind, 40)] for each in injections])
    for name, each in zip(named, injections, strict=True):
        yield from _wrapped(f"  {name}  ", landed(each), width, "" if each.fired else "unstable")
        if each.detail:
            detail = ", ".join(f"{key} {encode(value).decode()}" for key, value in each.detail.items())
            yield from _wrapped("    ", visible(detail), width, "dim")
        for place, times in each.where[:3]:
            yield from _wrapped("    ", f"{times:,} x {near(place)}", width, "dim")
        yield from _more(len(each.where) - 3, "place", indent="    ")


def _findings(findings: Sequence[FindingGroup], width: int) -> Iterator[Line]:
    if not findings:
        return
    yield from _heading("FINDINGS")
    for group in findings[:_MOST_FINDINGS]:
        head = f"  {group.severity.value:<10}"
        yield from _wrapped(
            head, f"{visible(group.validator)}, {count(group.count, 'time')}", width, group.verdict.value
        )
        yield from _finding("first", group.first, width)
        if group.count > 1:
            yield from _finding("last", group.last, width)
        yield from _block(" " * 19, group.first.stack)
    yield from _more(len(findings) - _MOST_FINDINGS, "kind", "of finding")


def _finding(which: str, found: Found, width: int) -> Iterator[Line]:
    yield from _wrapped(f"            {which:<7}", visible(found.message), width)
    yield from _wrapped(" " * 19, occurrence(found), width, "dim")


def _troubles(troubles: Sequence[TroubleReport], width: int) -> Iterator[Line]:
    if not troubles:
        return
    yield from _heading("TROUBLES, the first first")
    for each in troubles:
        times = "" if each.count == 1 else f" {count(each.count, 'time')}"
        error = f"{each.error.type}: {each.error.message}".removesuffix(": ")
        text = f"{each.who}: {each.hook} failed{times} at {show_seconds(each.at)}: {error}"
        yield from _wrapped(f"  {each.verdict.value:<10}", visible(text), width)
        if each.error.where:
            yield from _wrapped(" " * 12, f"at {near(each.error.where)}", width, "dim")


def _reproduce(report: Report) -> Iterator[Line]:
    if report.reproduce is None:
        return
    yield from _heading("REPRODUCE")
    yield Line(f"  {visible(report.reproduce, 10_000)}", "strong")
    if report.reproduce_alone is not None:
        yield Line(f"  that iteration alone: {visible(report.reproduce_alone, 10_000)}")


# -- layout ------------------------------------------------------------------------------------------------------------


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table as text: the first column and others of words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    words = [not any(row[i][:1].isdigit() for row in table[1:] or table) for i in range(len(widths))]
    words[0] = True
    cells = [
        [cell.ljust(width) if word else cell.rjust(width) for cell, width, word in zip(row, widths, words, strict=True)]
        for row in table
    ]
    return ["  ".join(row) for row in cells]


def _heading(text: str) -> Iterable[Line]:
    return Line(""), Line(text, "heading")


def _wrapped(head: str, text: str, width: int, style: str = "") -> Iterator[Line]:
    """Yield *text* after *head*, broken at *width*, with the further lines below the first."""
    room = max(width - len(head), 30)
    indent = " " * len(head)
    together = _UNIT.sub(_NO_BREAK, text)
    for index, part in enumerate(textwrap.wrap(together, room, break_on_hyphens=False) or [""]):
        yield Line(f"{indent if index else head}{part}".replace(_NO_BREAK, " ").rstrip(), style)


def _block(indent: str, text: str) -> Iterator[Line]:
    for line in visible_lines(text, _STACK_LINES):
        yield Line(f"{indent}{line}", "dim")


def _more(left_out: int, noun: str, rest: str = "", indent: str = "  ") -> Iterator[Line]:
    if left_out > 0:
        yield Line(f"{indent}and {count(left_out, f'more {noun}')} {rest}".rstrip() + ", in the JSON report", "dim")
