"""The sections about faults: what was injected, the proof that it landed, and what that did to latency."""

from __future__ import annotations

from collections.abc import Sequence

from chaos_dashboard.figures import hue, spreads
from chaos_dashboard.markup import Markup, tag
from chaos_dashboard.pieces import MOST_ROWS, section, settings, table, value
from chaos_dashboard.timeline import AFTER, BEFORE, DURING, Exposure, Timeline
from chaoscore import InjectionReport, Report, show_seconds
from chaoscore.reporters import landed, near


def faults(report: Report) -> Markup:
    """Return what was injected, and the proof that it landed."""
    if not report.injections:
        return section("Faults", tag("p", "This run injected nothing.", class_="note"))
    rows = [_fault(each, index) for index, each in enumerate(report.injections[:MOST_ROWS])]
    return section(
        "What was injected, and proof that it landed",
        table(("Injector", "Fault", "When", "Proof"), rows, len(report.injections)),
    )


def _fault(each: InjectionReport, index: int) -> Sequence[Markup]:
    info = each.info
    places = [tag("div", f"{times:,} × {near(place)}", class_="mute small") for place, times in each.where[:5]]
    details = [tag("div", f"{name} {value(held)}", class_="mute small") for name, held in each.detail.items()]
    scope = f"scope {info.scope}" if info.scope else None
    proof = "proof" if each.fired else "proof unstable"
    return (
        tag(
            "td", tag("span", info.name, class_=f"chip {hue(index)}"), scope and tag("div", scope, class_="mute small")
        ),
        tag("td", info.kind, tag("div", tag("code", settings(info.parameters)), class_="mute")),
        tag("td", info.window, info.undo and tag("div", f"undone by: {info.undo}", class_="mute small")),
        tag("td", tag("span", landed(each), class_=proof), places, details),
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
    note = (
        "Durations of iterations that ended before the injector was opened first, while it was open, and after it was "
        "lifted or between its windows. Lines: p50 and p99."
    )
    drawn = tag("div", figures[:MOST_ROWS], class_="pair")
    return section("Latency before, during and after each fault", drawn, tag("p", note, class_="note"))


def _quantiles(exposure: Exposure) -> Markup:
    rows = []
    for name in (BEFORE, DURING, AFTER):
        spread = exposure.spreads[name]
        found = [show_seconds(each) if each is not None else "–" for each in spread.quantiles(0.5, 0.9, 0.99)]
        cells = [tag("td", text, class_="num") for text in (f"{spread.count:,}", *found)]
        rows.append(tag("tr", tag("th", name, scope="row"), cells))
    heads = [tag("th", text, class_="num", scope="col") for text in ("iterations", "p50", "p90", "p99")]
    return tag("table", tag("thead", tag("tr", tag("th"), heads)), tag("tbody", rows), class_="dense")
