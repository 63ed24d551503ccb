"""The sections of the report: what it says, in which order, of which things."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chaos_dashboard.figures import hue, spreads, time_line
from chaos_dashboard.markup import Markup, block, command, join, tag
from chaos_dashboard.timeline import AFTER, BEFORE, DURING, Timeline
from chaoscore import Report, Verdict, show_bytes, show_seconds
from chaoscore.reporters import count, date, landed, near, occurrence, percent, success

if TYPE_CHECKING:
    from chaoscore.report import ErrorGroup, FindingGroup, InjectionReport, ThresholdReport

MOST_ROWS = 40
STACK_LINES = 14
_OUTCOMES = ("failed", "faulted", "stuck", "cancelled")


def head(report: Report) -> Markup:
    """Return what was run, and the verdict with everything that led to it."""
    verdict = report.verdict.value
    facts = [report.workload, f"target {report.target}", date(report.started_wall), f"took {show_seconds(report.duration_s)}"]
    reasons = [
        tag("li", tag("b", each.verdict.value), tag("span", each.text), class_=each.verdict.value)
        for each in report.reasons[:MOST_ROWS]
    ]
    if not reasons:
        reasons = [tag("li", tag("span", "Everything that was expected held, and every fault landed."), class_="pass")]
    return tag(
        "header",
        tag("div", tag("h1", report.scenario or "A run"), tag("span", verdict.upper(), class_="pill"), class_="top"),
        tag("p", "  ·  ".join(facts), class_="mute"),
        tag("ul", reasons),
        _commands(report),
        class_=f"card {verdict}",
    )


def _commands(report: Report) -> Markup:
    """Return what reproduces the first failure, or runs the same again where there was none."""
    named = [("Reproduce", report.reproduce), ("That iteration alone", report.reproduce_alone)]
    if report.reproduce is None:
        named = [("Again with this seed", report.rerun)]
    rows = [tag("div", tag("span", name), command(text), class_="command") for name, text in named if text]
    return join(rows)


def numbers(report: Report, timeline: Timeline) -> Markup:
    """Return the few numbers that one looks for first."""
    counts, timing = report.iterations, report.timing
    ways = ", ".join(f"{n:,} {name}" for name in _OUTCOMES if (n := getattr(counts, name)))
    interval = success(counts).partition("(")[2].rstrip(")") if counts.judged else ""
    fired = [each.fired for each in report.injections if each.fired is not None]
    findings = sum(each.count for each in report.findings)
    peaks = [b.sample.rss_bytes for _, b in timeline.series if b.sample and b.sample.rss_bytes]
    tiles: list[tuple[str, str, str]] = [
        ("Iterations", f"{counts.judged + counts.cancelled:,}", ways or "all succeeded" if counts.judged else ""),
        ("Success", percent(counts.success_rate) if counts.judged else "–", interval.replace("confidence ", "")),
        ("p50", show_seconds(timing.p50_s) if timing.count else "–", f"mean {show_seconds(timing.mean_s)}"),
        ("p99", show_seconds(timing.p99_s) if timing.count else "–", f"slowest {show_seconds(timing.max_s)}"),
        ("Faults landed", f"{sum(fired):,}", f"of {count(len(report.injections), 'injector')}"),
        ("Findings", f"{findings:,}", f"of {count(len(report.findings), 'kind')}" if findings else "none"),
    ]
    if peaks:
        first = next(b.sample.rss_bytes for _, b in timeline.series if b.sample and b.sample.rss_bytes)
        tiles.append(("Peak memory", show_bytes(max(peaks)), f"{show_bytes(first)} at first"))
    shown = [
        tag("div", tag("dt", name), tag("dd", value, class_="big"), tag("dd", more, class_="mute"))
        for name, value, more in tiles
    ]
    return tag("dl", shown, class_="tiles")


def over_time(report: Report, timeline: Timeline) -> Markup | None:
    """Return the run over time."""
    if not any(timeline.series):
        return None
    reduced = timeline.series.width_s
    note = "Shaded: an injector was open. Ticks on its lane: faults landed."
    if timeline.marks:
        note += " Triangles: something was found."
    if reduced > 1:
        note += f" Reduced to spans of {show_seconds(reduced)}."
    legend = tag("span", tag("i", class_="p50"), "p50 ", tag("i", class_="p99"), "p99", class_="legend")
    drawing = tag("div", time_line(timeline, report.duration_s), class_="wide")
    return _section("The run over time", legend, drawing, tag("p", note, class_="note"))


def faults(report: Report) -> Markup:
    """Return what was injected, and the proof that it landed."""
    if not report.injections:
        return _section("Faults", tag("p", "This run injected nothing.", class_="note"))
    rows = [_fault(each, index) for index, each in enumerate(report.injections[:MOST_ROWS])]
    return _section(
        "What was injected, and proof that it landed",
        _table(("Injector", "Fault", "When", "Proof"), rows, len(report.injections)),
    )


def _fault(each: InjectionReport, index: int) -> Sequence[Markup]:
    info = each.info
    parameters = ", ".join(f"{name}={_value(value)}" for name, value in info.parameters.items())
    places = [tag("div", f"{times:,} × {near(place)}", class_="mute small") for place, times in each.where[:5]]
    details = [tag("div", f"{name} {_value(value)}", class_="mute small") for name, value in each.detail.items()]
    scope = f"scope {info.scope}" if info.scope else None
    tone = "" if each.fired else "unstable"
    return (
        tag("td", tag("span", info.name, class_=f"chip {hue(index)}"), scope and tag("div", scope, class_="mute small")),
        tag("td", info.kind, tag("div", tag("code", parameters), class_="mute")),
        tag("td", info.window, info.undo and tag("div", f"undone by: {info.undo}", class_="mute small")),
        tag("td", tag("span", landed(each), class_=f"proof {tone}"), places, details),
    )


def exposures(timeline: Timeline) -> Markup | None:
    """Return how durations spread before, during and after each fault."""
    figures = [
        tag("figure", tag("figcaption", tag("span", name, class_=f"chip {hue(index)}")), drawing, _quantiles(exposure))
        for index, (name, exposure) in enumerate(timeline.exposures.items())
        if (drawing := spreads(exposure, index)) is not None
    ]
    if not figures:
        return None
    note = "Durations of iterations that ended before the injector was opened first, while it was open, and after it was lifted or between its windows. Lines: p50 and p99."
    return _section("Latency before, during and after each fault", tag("div", figures[:MOST_ROWS], class_="pair"), tag("p", note, class_="note"))


def _quantiles(exposure: Any) -> Markup:
    rows = []
    for name in (BEFORE, DURING, AFTER):
        spread = exposure.spreads[name]
        found = [show_seconds(each) if each is not None else "–" for each in spread.quantiles(0.5, 0.9, 0.99)]
        cells = [tag("td", text, class_="num") for text in (f"{spread.count:,}", *found)]
        rows.append(tag("tr", tag("th", name, scope="row"), cells))
    heads = [tag("th", text, class_="num", scope="col") for text in ("iterations", "p50", "p90", "p99")]
    return tag("table", tag("thead", tag("tr", tag("th"), heads)), tag("tbody", rows), class_="dense")


def steps(report: Report) -> Markup | None:
    """Return the table of steps."""
    if not report.steps:
        return None
    names = [name for name in _OUTCOMES if any(getattr(step.counts, name) for step in report.steps)]
    heads = ("Step", "#Calls", "#ok", *(f"#{name}" for name in names), "#mean", "#p50", "#p90", "#p99", "#slowest")
    rows = []
    for step in report.steps[:MOST_ROWS]:
        counts, timing = step.counts, step.timing
        calls = [counts.judged + counts.cancelled, counts.ok, *(getattr(counts, name) for name in names)]
        durations = (timing.mean_s, timing.p50_s, timing.p90_s, timing.p99_s, timing.max_s)
        shown = [show_seconds(each) if timing.count else "–" for each in durations]
        cells = [tag("td", text, class_="num") for text in (*(f"{n:,}" for n in calls), *shown)]
        rows.append((tag("td", tag("b", step.name)), *cells))
    return _section("Steps", _table(heads, rows, len(report.steps)))


def goals(report: Report) -> Markup | None:
    """Return what was expected and what the run had to reach, each against what it was."""
    rows = [
        (
            tag("td", tag("b", each.info.name)),
            tag("td", each.info.kind, tag("div", tag("code", _parameters(each.info.parameters)), class_="mute")),
            tag("td", count(each.findings, "finding") if each.findings else "held" if each.verdict is Verdict.PASS else ""),
            _verdict(each.verdict),
        )
        for each in report.expectations[:MOST_ROWS]
    ]
    rows += [
        (
            tag("td", tag("b", each.name.removesuffix("_s").replace("_", " "))),
            tag("td", each.limit),
            tag("td", each.breach or _reached(report, each)),
            _verdict(each.verdict if each.breach else Verdict.PASS),
        )
        for each in report.thresholds
    ]
    total = len(report.expectations) + len(report.thresholds)
    return _section("Expectations and thresholds", _table(("What", "Limit", "Was", "Verdict"), rows, total)) if rows else None


def _reached(report: Report, threshold: ThresholdReport) -> str:
    """Return the value that was compared with a threshold."""
    counts, timing = report.iterations, report.timing
    if not counts.judged:
        return "nothing to compare"
    values = {
        "min_success_rate": percent(counts.success_rate),
        "max_failed_iterations": f"{counts.unsuccessful:,}",
        "max_mean_s": show_seconds(timing.mean_s),
        "max_p99_s": show_seconds(timing.p99_s),
        "real_failure": count(counts.failed + counts.stuck, "failure"),
    }
    return values.get(threshold.name, "reached")


def findings(report: Report) -> Markup | None:
    """Return what validators found, each kind with its first and last example."""
    if not report.findings:
        return None
    shown = [_finding(each) for each in report.findings[:MOST_ROWS]]
    return _section("Findings", *shown, _left_out(len(report.findings)))


def _finding(group: FindingGroup) -> Markup:
    first, last = group.first, group.last
    data = ", ".join(f"{name} {_value(value)}" for name, value in first.data.items())
    parts = [
        tag("div", tag("b", group.validator), tag("span", f"{group.severity.value}, {_times(group.count)}", class_="mute")),
        tag("p", first.message),
        tag("p", f"first: {occurrence(first)}", class_="mute small"),
    ]
    if group.count > 1:
        parts += [tag("p", f"last: {last.message}", class_="small"), tag("p", occurrence(last), class_="mute small")]
    if data:
        parts.append(tag("p", tag("code", data), class_="mute"))
    if first.stack:
        parts.append(block(first.stack, STACK_LINES))
    return tag("article", parts, class_=_tone(group.verdict))


def errors(report: Report) -> Markup | None:
    """Return what came out of steps, real errors before injected ones."""
    if not report.errors:
        return None
    ordered = sorted(report.errors, key=lambda group: group.first.injected_by is not None)
    return _section("Errors out of steps", *map(_error, ordered[:MOST_ROWS]), _left_out(len(ordered)))


def _error(group: ErrorGroup) -> Markup:
    error = group.first
    origin = f"injected by {error.injected_by}" if error.injected_by else "not injected"
    if error.while_handling:
        origin += f", raised while an error injected by {error.while_handling} was handled"
    at = f", at {near(error.where)}" if error.where else ""
    last = f", last at {show_seconds(group.last_at)}" if group.count > 1 else ""
    place = f"step {group.step}{at}; first in iteration {group.iteration} at {show_seconds(group.first_at)}{last}"
    parts = [
        tag("div", tag("b", error.type), tag("span", f"{_times(group.count)}, {origin}", class_="mute")),
        tag("p", error.message) if error.message else None,
        tag("p", place, class_="mute small"),
        block(error.traceback, STACK_LINES) if error.traceback else None,
    ]
    return tag("article", parts, class_="info" if error.injected_by else "fail")


def troubles(report: Report) -> Markup | None:
    """Return hooks that failed."""
    if not report.troubles:
        return None
    shown = [
        tag(
            "article",
            tag("div", tag("b", each.who), tag("span", f"{each.hook} failed {_times(each.count)}", class_="mute")),
            tag("p", f"{each.error.type}: {each.error.message}"),
            tag("p", f"first at {show_seconds(each.at)}", class_="mute small"),
            block(each.error.traceback, STACK_LINES) if each.error.traceback else None,
            class_=_tone(each.verdict),
        )
        for each in report.troubles[:MOST_ROWS]
    ]
    return _section("Troubles of the run itself", *shown, _left_out(len(report.troubles)))


def environment(report: Report) -> Markup:
    """Return where it ran, and what is needed to run it again."""
    facts = {"seed": str(report.seed), "run": report.run_id, "exit code": str(int(report.exit_code)), **report.environment}
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in facts.items()]
    if report.rerun:
        rows.append(tag("tr", tag("th", "again", scope="row"), tag("td", command(report.rerun))))
    return _section("Environment", tag("table", tag("tbody", rows), class_="facts"))


# -- pieces


def _section(title: str, *content: Markup | None) -> Markup:
    return tag("section", tag("h2", title), *content, class_="card")


def _table(heads: Sequence[str], rows: Sequence[Iterable[Markup]], total: int) -> Markup:
    """Return a table; a head that begins with ``#`` stands above numbers."""
    shown = [
        tag("th", name.removeprefix("#"), scope="col", class_="num" if name.startswith("#") else None) for name in heads
    ]
    body = tag("tbody", [tag("tr", row) for row in rows])
    table = tag("table", tag("thead", tag("tr", shown)), body)
    return tag("div", table, _left_out(total), class_="wide")


def _left_out(total: int) -> Markup | None:
    return tag("p", f"and {total - MOST_ROWS:,} more, in the JSON report", class_="note") if total > MOST_ROWS else None


def _verdict(verdict: Verdict) -> Markup:
    return tag("td", tag("span", verdict.value, class_=f"pill {verdict.value}"))


def _tone(verdict: Verdict) -> str:
    return "info" if verdict is Verdict.PASS else verdict.value


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _parameters(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in parameters.items())


def _value(value: object) -> str:
    """Return what an event holds, which is JSON or stands for it, as text."""
    return value if isinstance(value, str) else json.dumps(value, default=repr, ensure_ascii=False)


def document(report: Report, timeline: Timeline) -> Iterator[Markup | None]:
    """Yield all sections."""
    yield head(report)
    yield numbers(report, timeline)
    yield over_time(report, timeline)
    yield findings(report)
    yield faults(report)
    yield exposures(timeline)
    yield steps(report)
    yield goals(report)
    yield errors(report)
    yield troubles(report)
    yield environment(report)
