"""The sections about what went wrong: findings, errors out of steps, and troubles of the run itself."""

from __future__ import annotations

from chaos_dashboard.axes import moment
from chaos_dashboard.markup import Markup, block, tag
from chaos_dashboard.pieces import left_out, section, times, tone, value
from chaoscore import ErrorGroup, FindingGroup, Found, Report
from chaoscore.reporters import near

EXAMPLES = 20
"""Kinds of each that are shown."""

STACK_LINES = 14


def findings(report: Report) -> Markup | None:
    """Return what validators found, each kind with its first and last example."""
    if not report.findings:
        return None
    shown = [_finding(each) for each in report.findings[:EXAMPLES]]
    return section("Findings", *shown, left_out(len(report.findings), EXAMPLES))


def _finding(group: FindingGroup) -> Markup:
    first, last = group.first, group.last
    data = ", ".join(f"{name} {value(held)}" for name, held in first.data.items())
    parts = [
        tag(
            "div",
            tag("b", group.validator),
            tag("span", f"{group.severity.value}, {times(group.count)}", class_="mute"),
        ),
        tag("p", first.message),
        tag("p", f"first: {_occurrence(first)}", class_="mute small"),
    ]
    if group.count > 1:
        parts += [tag("p", f"last: {last.message}", class_="small"), tag("p", _occurrence(last), class_="mute small")]
    if data:
        parts.append(tag("p", tag("code", data), class_="mute"))
    if first.stack:
        parts.append(block(first.stack, STACK_LINES))
    return tag("article", parts, class_=tone(group.verdict))


def _occurrence(found: Found) -> str:
    """Return where and when a finding was made, and under which faults."""
    places = {"step": found.step, "iteration": found.iteration, "worker": found.worker}
    parts = [f"{name} {place}" for name, place in places.items() if place is not None and place != ""]
    under = f"under {', '.join(found.active)}" if found.active else "with no fault active"
    return ", ".join([f"at {moment(found.at)}", *parts, under])


def errors(report: Report) -> Markup | None:
    """Return what came out of steps, real errors before injected ones."""
    if not report.errors:
        return None
    ordered = sorted(report.errors, key=lambda group: group.first.injected_by is not None)
    return section("Errors out of steps", *map(_error, ordered[:EXAMPLES]), left_out(len(ordered), EXAMPLES))


def _error(group: ErrorGroup) -> Markup:
    error = group.first
    origin = f"injected by {error.injected_by}" if error.injected_by else "not injected"
    if error.while_handling:
        origin += f", raised while an error injected by {error.while_handling} was handled"
    at = f", at {near(error.where)}" if error.where else ""
    last = f", last at {moment(group.last_at)}" if group.count > 1 else ""
    place = f"step {group.step}{at}; first in iteration {group.iteration} at {moment(group.first_at)}{last}"
    parts: list[Markup | None] = [
        tag("div", tag("b", error.type), tag("span", f"{times(group.count)}, {origin}", class_="mute")),
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
            tag("div", tag("b", each.who), tag("span", f"{each.hook} failed {times(each.count)}", class_="mute")),
            tag("p", f"{each.error.type}: {each.error.message}"),
            tag("p", f"first at {moment(each.at)}", class_="mute small"),
            block(each.error.traceback, STACK_LINES) if each.error.traceback else None,
            class_=tone(each.verdict),
        )
        for each in report.troubles[:EXAMPLES]
    ]
    return section("Troubles of the run itself", *shown, left_out(len(report.troubles), EXAMPLES))
