"""The report: what it says, in which order, of which things."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_dashboard.axes import lasting
from chaos_dashboard.evidence import exposures, faults
from chaos_dashboard.failures import errors, findings, troubles
from chaos_dashboard.figures import MOST_LANES, time_line
from chaos_dashboard.markup import Markup, command, join, tag
from chaos_dashboard.pieces import MOST_ROWS, pill, section, settings, table
from chaos_dashboard.timeline import Timeline
from chaoscore import Report, ThresholdReport, Verdict, show_bytes, show_seconds
from chaoscore.reporters import count, date, percent, success

_OUTCOMES = ("failed", "faulted", "stuck", "cancelled")
_HELD = {Verdict.PASS: "held", Verdict.UNKNOWN: "could not be told"}


def document(report: Report, timeline: Timeline) -> Iterator[Markup]:
    """Yield the sections of the report that have something to say."""
    sections = (
        head(report),
        numbers(report, timeline),
        over_time(report, timeline),
        findings(report),
        faults(report),
        exposures(timeline),
        steps(report),
        goals(report),
        errors(report),
        troubles(report),
        environment(report),
    )
    yield from (each for each in sections if each is not None)


def head(report: Report) -> Markup:
    """Return what was run, and the verdict with everything that led to it."""
    verdict = report.verdict.value
    facts = [
        report.workload,
        f"target {report.target}",
        date(report.started_wall),
        f"took {lasting(report.duration_s)}",
    ]
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
    spans = len(list(timeline.series))
    if spans < 2:
        short = tag("p", "This run was too short to be drawn over time.", class_="note")
        return section("The run over time", short) if spans else None
    reduced_s = timeline.series.width_s
    note = "Bars: an injector was open, shaded behind the curves where that was not all the time. Ticks: faults landed."
    if timeline.marks:
        note += " Triangles: something was found."
    if len(timeline.exposures) > MOST_LANES:
        note += f" Of {len(timeline.exposures):,} injectors the first {MOST_LANES} are drawn."
    if reduced_s > 1:
        note += f" Reduced to spans of {lasting(reduced_s)}."
    legend = tag("span", tag("i", class_="p50"), "p50 ", tag("i", class_="p99"), "p99", class_="legend")
    drawing = tag("div", time_line(timeline, report.duration_s), class_="wide")
    return section("The run over time", legend, drawing, tag("p", note, class_="note"))


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
    return section("Steps", table(heads, rows, len(report.steps)))


def goals(report: Report) -> Markup | None:
    """Return what was expected and what the run had to reach, each against what it was."""
    rows = [
        (
            tag("td", tag("b", each.info.name)),
            tag("td", each.info.kind, tag("div", tag("code", settings(each.info.parameters)), class_="mute")),
            tag(
                "td",
                count(each.findings, "finding") if each.findings else "held" if each.verdict is Verdict.PASS else "",
            ),
            pill(each.verdict),
        )
        for each in report.expectations[:MOST_ROWS]
    ]
    rows += [
        (
            tag("td", tag("b", each.name.removesuffix("_s").replace("_", " "))),
            tag("td", each.limit),
            tag("td", each.breach or _reached(report, each)),
            pill(each.verdict if each.breach else Verdict.PASS),
        )
        for each in report.thresholds
    ]
    total = len(report.expectations) + len(report.thresholds)
    return (
        section("Expectations and thresholds", table(("What", "Limit", "Was", "Verdict"), rows, total))
        if rows
        else None
    )


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


def environment(report: Report) -> Markup:
    """Return where it ran, and what is needed to run it again."""
    facts = {
        "seed": str(report.seed),
        "run": report.run_id,
        "exit code": str(int(report.exit_code)),
        **report.environment,
    }
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in facts.items()]
    if report.rerun:
        rows.append(tag("tr", tag("th", "again", scope="row"), tag("td", command(report.rerun))))
    return section("Environment", tag("table", tag("tbody", rows), class_="facts"))
