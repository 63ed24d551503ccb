"""How a run is judged: every rule that leads from what happened to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import attrs

from chaoscore.events import WHOLE_RUN
from chaoscore.report import Counts, InjectionReport, Reason, Report, ThresholdReport, Timing
from chaoscore.units import show_seconds
from chaoscore.verdict import ExitCode, Thresholds, Verdict, exit_code, worst

_SIGNALS = {"SIGHUP": ExitCode.SIGHUP, "SIGINT": ExitCode.SIGINT, "SIGTERM": ExitCode.SIGTERM}
_LEAVES = ("injector ", "provider ")
_CALLS = {
    "delay": "maybe_delay()",
    "error": "maybe_error()",
    "panic": "maybe_panic()",
    "cancellation": "maybe_cancel()",
    "composite": "what one of its parts answers",
    "network": "maybe_network_chaos(host, port)",
}


def judge(report: Report, stops: Iterable[Reason]) -> tuple[Verdict, ExitCode, tuple[Reason, ...]]:
    """
    Return the verdict that a run deserves, the exit code, and why it is not better, worst first.

    Args:
        report: Everything else about the run; its own verdict is not looked at.
        stops: Why it stopped itself early, if it did.
    """
    happened = [
        *_troubles(report),
        *_findings(report),
        *stops,
        *_thresholds(report),
        *_nothing_succeeded(report),
        *_interruption(report),
    ]
    missing = [*_nothing_happened(report), *_no_fault_landed(report)]
    reasons = sorted((*happened, *missing), key=lambda reason: -reason.verdict.rank)
    verdict = worst(reason.verdict for reason in reasons)
    return verdict, _exit_code(report, verdict, happened), tuple(reasons)


def threshold_reports(thresholds: dict[str, Any], counts: Counts, timing: Timing) -> Iterator[ThresholdReport]:
    """Yield each of a run's *thresholds*, as its first event has them, and how it was not reached."""
    try:
        goals = Thresholds.from_dict(thresholds)
    except (TypeError, ValueError, AttributeError) as error:
        problem = f"the run's thresholds cannot be read: {error}"
        yield ThresholdReport("thresholds", "what the run had to reach", Verdict.UNKNOWN, problem)
        return
    for name, limit in _limits(goals):
        alone = attrs.evolve(_NO_LIMITS, **{name.removesuffix("_s"): getattr(goals, name)})
        breaches = alone.breaches(
            succeeded=counts.ok, failed=counts.unsuccessful, mean_s=timing.mean_s, p99_s=timing.p99_s
        )
        yield ThresholdReport(name, limit, Verdict.FAIL, next(breaches, None) if counts.judged else None)
    if goals.real_failure is not Verdict.PASS:
        limit = "every failure is explained by an injected fault"
        yield ThresholdReport("real_failure", limit, goals.real_failure, _real_failures(counts))


def faults_left(report: Report) -> tuple[str, ...]:
    """Return the injectors that could not be lifted, and the providers whose things could not be taken away."""
    return tuple(each.who for each in report.troubles if each.hook == "lift" and each.who.startswith(_LEAVES))


def silence(injection: InjectionReport) -> str | None:
    """Return why no fault of an injector landed, and what to do about it; None where one did."""
    if injection.fired:
        return None
    info = injection.info
    if not injection.opened:
        return f"never opened (active {info.window})"
    if injection.asked is None:
        return "opened, but it has no evidence that anything happened"
    if injection.armed:
        return (
            f"armed {_times(injection.armed)}, never struck: the step ended, or the injector was lifted, first; "
            "shorten after=, or let the step reach an `await` (in a task) or a point (in plain code) that late"
        )
    if injection.asked:
        return f"asked {_times(injection.asked)}, fired 0"
    if info.parameters.get("at"):
        return f"opened but never asked: no point is named like {info.parameters['at']!r}; correct its at="
    if "." in info.kind:  # a plugin's, whose documentation says where it strikes
        return "opened but never asked: no step came to where it strikes"
    where = "" if info.scope is None else f", at a point of the component {info.scope!r}"
    when = "" if info.window == WHOLE_RUN else f", while it is active ({info.window})"
    or_at = " or give it at=" if "at" in info.parameters else ""
    return f"opened but never asked: call {_CALLS.get(info.kind, 'point(name)')} in a step{where}{when}{or_at}"


# -- the rules ---------------------------------------------------------------------------------------------------------


def _troubles(report: Report) -> Iterator[Reason]:
    """Every hook that failed brings its own verdict."""
    for each in report.troubles:
        if each.verdict is not Verdict.PASS:
            times = "" if each.count == 1 else f" {_times(each.count)}, first"
            error = f"{each.error.type}: {each.error.message}".removesuffix(": ")
            yield Reason(each.verdict, f"{each.who}: {each.hook} failed{times}: {error}")


def _findings(report: Report) -> Iterator[Reason]:
    """Every finding brings its own verdict; one reason for all of a validator that bring the same."""

    def who(group: Any) -> tuple[str, Verdict]:
        return group.validator, group.verdict

    for (validator, verdict), groups in groupby(sorted(report.findings, key=who), who):
        same = sorted(groups, key=lambda group: group.first.at)
        if verdict is not Verdict.PASS:
            count = sum(group.count for group in same)
            more = "" if count == 1 else f" (first of {count:,} findings)"
            yield Reason(verdict, f"{validator}: {same[0].first.message}{more}")


def _thresholds(report: Report) -> Iterator[Reason]:
    """A threshold that was not reached brings its verdict, and so does a failure that no fault explains."""
    for each in report.thresholds:
        if each.breach is not None:
            yield Reason(each.verdict, each.breach)


def _nothing_happened(report: Report) -> Iterator[Reason]:
    """A run without an iteration that came to its end says nothing."""
    counts = report.iterations
    if not counts.judged:
        cancelled = f" ({counts.cancelled:,} were cancelled)" if counts.cancelled else ""
        yield Reason(Verdict.UNKNOWN, f"nothing happened: no iteration came to its end{cancelled}")


def _nothing_succeeded(report: Report) -> Iterator[Reason]:
    """A system that never works without faults cannot be judged under them."""
    counts = report.iterations
    if counts.judged and not counts.ok:
        yield Reason(Verdict.UNKNOWN, f"nothing succeeded: not one of {counts.judged:,} iterations did")


def _no_fault_landed(report: Report) -> Iterator[Reason]:
    """Where no configured fault landed, nothing was tested; where only some did, less than it looks."""
    silent = [(each.info.name, why) for each in report.injections if (why := silence(each)) is not None]
    if not report.iterations.judged:
        return  # that nothing happened is reason enough
    if silent and len(silent) == len(report.injections):
        whys = "; ".join(f"{name!r} {why}" for name, why in silent)
        yield Reason(Verdict.UNKNOWN, f"no configured fault landed: {whys}")
    elif silent:
        yield from (Reason(Verdict.UNSTABLE, f"injector {name!r} did not land: {why}") for name, why in silent)


def _interruption(report: Report) -> Iterator[Reason]:
    """A run that was cut short has not shown what it was to show."""
    if report.interrupted is not None:
        yield Reason(Verdict.UNKNOWN, f"interrupted: {report.interrupted}")


# -- helpers -----------------------------------------------------------------------------------------------------------


def _exit_code(report: Report, verdict: Verdict, happened: list[Reason]) -> ExitCode:
    if faults_left(report):
        return ExitCode.FAULTS_LEFT
    if report.interrupted in _SIGNALS:
        return _SIGNALS[report.interrupted]
    if verdict is Verdict.UNKNOWN and not any(reason.verdict is Verdict.UNKNOWN for reason in happened):
        return ExitCode.NOTHING_HAPPENED
    return exit_code(verdict)


_NO_LIMITS = Thresholds(min_success_rate=0)


def _limits(goals: Thresholds) -> Iterator[tuple[str, str]]:
    """Yield the name of each threshold that is set, and what it asks for."""
    if goals.min_success_rate:
        yield "min_success_rate", f"at least {goals.min_success_rate:.2%} of iterations succeed"
    if goals.max_failed_iterations is not None:
        yield "max_failed_iterations", f"at most {goals.max_failed_iterations:,} iterations fail"
    if goals.max_mean_s is not None:
        yield "max_mean_s", f"mean duration at most {show_seconds(goals.max_mean_s)}"
    if goals.max_p99_s is not None:
        yield "max_p99_s", f"p99 duration at most {show_seconds(goals.max_p99_s)}"


def _real_failures(counts: Counts) -> str | None:
    parts = [f"{counts.failed:,} failed"] if counts.failed else []
    if counts.stuck:
        parts.append(f"{counts.stuck:,} got stuck")
    return f"of {counts.judged:,} iterations, {' and '.join(parts)} without an injected fault" if parts else None


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
