"""Events folded into a report."""

import msgspec
import pytest
from hypothesis import given, settings

from chaoscore.eventlog import encode
from chaoscore.events import (
    Event,
    ExpectationInfo,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    Recorded,
    StepEnded,
    Stuck,
)
from chaoscore.fold import Fold, replay
from chaoscore.protocols import Progress
from chaoscore.report import Counts, Report
from chaoscore.verdict import ExitCode, Severity, Verdict
from tests.fold.history import INJECTED, REAL, failing, fired, found, iteration, passing, started, trouble
from tests.fold.strategies import streams


def folded(*events: Event) -> Report:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.report()


def test_counts_and_durations() -> None:
    """Every way to end is counted apart, and the counts of a step are its own."""
    report = replay(failing())
    assert report.iterations == Counts(ok=3, failed=2, faulted=1, stuck=1, cancelled=1)
    assert [step.name for step in report.steps] == ["claim", "finish"]
    assert report.steps[1].counts == Counts(stuck=1)
    assert report.steps[1].timing.max_s == 5.0
    assert report.timing.count == 7


def test_cancelled_iterations_are_not_timed() -> None:
    """An iteration that the end of the run cut short does not count as a quick one."""
    report = folded(started(), *iteration(0, took_s=2.0), *iteration(1, Outcome.CANCELLED, took_s=0.001))
    assert report.timing.count == 1
    assert report.timing.mean_s == 2.0


@pytest.mark.parametrize("duration_s", [-1.0, float("nan"), float("inf")])
def test_a_duration_that_cannot_be_is_not_timed(duration_s: float) -> None:
    """A clock that went back costs the duration, not the outcome."""
    report = folded(started(), IterationEnded(0.1, 0, 0, Outcome.OK, duration_s))
    assert report.iterations.ok == 1
    assert report.timing.count == 0


def test_progress_is_the_run_so_far() -> None:
    """Validators see counts and durations of the iterations that have ended."""
    fold = Fold()
    progress: Progress = fold
    assert (progress.succeeded, progress.failed, progress.mean_s, progress.maximum_s, progress.quantile_s(0.5)) == (
        0,
        0,
        0.0,
        0.0,
        0.0,
    )
    for event in (*iteration(0, took_s=1.0), *iteration(1, Outcome.FAULTED, took_s=3.0), *iteration(2, Outcome.STUCK)):
        fold.add(event)
    assert (progress.succeeded, progress.failed) == (1, 2)
    assert progress.maximum_s == 3.0
    assert progress.mean_s == pytest.approx(4.01 / 3)
    assert progress.quantile_s(1.0) == 3.0


def test_findings_that_say_the_same_are_one_group() -> None:
    """Two findings that differ in their numbers are counted together, the first and the last kept."""
    first, last = found(at=0.1, iteration=1), found("job 9 assigned to 2 bots", at=0.3, iteration=7)
    report = folded(started(), first, found("something else", at=0.2), last)
    group = report.findings[0]
    assert (group.count, group.first, group.last) == (2, first, last)
    assert [each.count for each in report.findings] == [2, 1]


def test_findings_are_ordered_by_weight() -> None:
    """The most severe finding comes first, whenever it was made."""
    info = found("fyi", at=0.1, severity=Severity.INFO, verdict=Verdict.PASS)
    report = folded(started(), info, found("hm", at=0.2, severity=Severity.WARNING, verdict=Verdict.UNSTABLE), found())
    assert [group.severity for group in report.findings] == [Severity.CRITICAL, Severity.WARNING, Severity.INFO]


def test_errors_are_grouped_by_step_and_message() -> None:
    """Errors out of one step that say the same are one group, the most frequent first."""
    report = folded(*failing())
    assert [(group.step, group.count, group.iteration) for group in report.errors] == [
        ("claim", 2, 3),
        ("claim", 1, 4),
        ("finish", 1, 6),
    ]
    assert report.errors[0].first == REAL
    assert (report.errors[0].first_at, report.errors[0].last_at) == (0.4, 0.6)


def test_a_stuck_step_keeps_its_stack() -> None:
    """Where a step was stuck stands among the errors, even where no validator asked for it."""
    report = folded(started(), Stuck(1.0, 0, 3, "claim", 5.0, "  File x, line 3, in wait\n"))
    (group,) = report.errors
    assert group.first.type == "stuck"
    assert group.first.message == "did not return within 5 s"
    assert "in wait" in group.first.traceback


def test_evidence_is_what_an_injector_says_when_it_is_lifted() -> None:
    """Openings add up, and places are counted from the faults seen."""
    info = InjectionInfo("pause", "delay", {})
    report = folded(
        started(injections=(info,)),
        Opened(0.1, "pause"),
        fired(),
        fired(point="maybe_delay", where="jobs.py:3 in claim"),
        Lifted(0.2, "pause", 5, 2),
        Opened(0.3, "pause"),
        Lifted(0.4, "pause", 7, 4, {"bytes": 9}),
    )
    (injection,) = report.injections
    assert (injection.opened, injection.asked, injection.fired) == (2, 12, 6)
    assert injection.detail == {"bytes": 9}
    assert injection.where == (("before:claim", 1), ("maybe_delay at jobs.py:3 in claim", 1))


def test_evidence_before_an_injector_is_lifted_is_what_was_seen() -> None:
    """A live report counts the faults that landed since the injector last spoke."""
    fold = Fold()
    events = [started(injections=(InjectionInfo("pause", "delay", {}),)), Opened(0.1, "pause"), fired()]
    for event in (*events, Lifted(0.2, "pause", 1, 1), Opened(0.3, "pause"), fired(n=1), fired(n=2)):
        fold.add(event)
    assert fold.report().injections[0].fired == 3
    assert fold.faults == 3
    assert fold.open_injectors == ("pause",)


def test_an_injector_without_evidence_stays_without() -> None:
    """No number is made up for an injector that cannot tell."""
    (injection,) = folded(Opened(0.1, "x"), Lifted(0.2, "x")).injections
    assert (injection.asked, injection.fired) == (None, None)


def test_an_expectation_is_as_bad_as_its_worst_finding_or_failure() -> None:
    """Findings of a validator and its own troubles both count against it, and nobody else's do."""
    names = ("held", "found", "crashed")
    report = folded(
        started(expectations=tuple(ExpectationInfo(name, "kind", {}) for name in names)),
        found(validator="found", severity=Severity.WARNING, verdict=Verdict.UNSTABLE),
        trouble("validator 'crashed'", "check"),
    )
    verdicts = {each.info.name: each.verdict for each in report.expectations}
    assert verdicts == {"held": Verdict.PASS, "found": Verdict.UNSTABLE, "crashed": Verdict.UNKNOWN}
    assert [each.findings for each in report.expectations] == [0, 1, 0]


def test_the_first_trouble_of_a_hook_is_kept_and_the_others_counted() -> None:
    """A hook that fails again does not hide what it failed of first, but may make the verdict worse."""
    report = folded(
        trouble("target", "setup", Verdict.UNSTABLE, "first"), trouble("target", "setup", Verdict.FAIL, "second")
    )
    (only,) = report.troubles
    assert (only.count, only.error.message, only.verdict) == (2, "first", Verdict.FAIL)


def test_a_live_report_takes_the_present_time() -> None:
    """The duration of a run that goes on is what the caller says, but never before the latest event."""
    fold = Fold()
    fold.add(Phase(2.0, "workload"))
    assert (fold.phase, fold.phase_at) == ("workload", 2.0)
    assert fold.report(now_at=7.0).duration_s == 7.0
    assert fold.report(now_at=1.0).duration_s == 2.0
    assert fold.report().duration_s == 2.0


def test_a_report_before_the_first_event_exists() -> None:
    """A run of which nothing is known yet has a report that says so."""
    report = Fold().report()
    assert report.verdict is Verdict.UNKNOWN
    assert report.exit_code is ExitCode.NOTHING_HAPPENED


def test_what_nobody_folds_is_passed_over() -> None:
    """Events that the report has no room for, also of unknown types, change nothing but the time."""

    class Novelty(Event, frozen=True):
        """An event of a later version."""

    report = folded(Recorded(0.5, "depth", 0, 0, "claim", 3.0), Novelty(0.7))
    assert report.duration_s == 0.7
    assert report.errors == ()


def test_events_that_break_off_are_a_killed_run() -> None:
    """A log without an end is unknown at best and names the injectors that were open."""
    events = passing()[:-2]
    report = replay(events)
    assert report.verdict is Verdict.UNKNOWN
    assert report.interrupted == "its events end before the run does; injector 'pause' was still open"
    assert replay(passing()).interrupted is None


def test_the_first_interruption_and_stop_are_kept() -> None:
    """A second signal does not replace the first."""
    report = folded(started(), Interrupted(0.1, "SIGINT"), Interrupted(0.2, "SIGTERM"))
    assert report.interrupted == "SIGINT"


@settings(max_examples=300, deadline=None)
@given(streams)
def test_any_sequence_of_events_has_a_report_that_survives_json(events: list[Event]) -> None:
    """No event, whatever is in it and whenever it comes, raises; and the report reads back as it was written."""
    fold = Fold()
    for event in events:
        fold.add(event)
        fold.report()
    report = fold.report()
    written = encode(report)
    again = msgspec.json.decode(written, type=Report)
    assert encode(again) == written
    assert (again.verdict, again.exit_code, again.iterations) == (report.verdict, report.exit_code, report.iterations)


def test_size_does_not_depend_on_the_length_of_the_run() -> None:
    """After 200,000 events that all say something new the report is as small as after 2,000."""
    fold, sizes = Fold(), []
    fold.add(started())
    for number in range(200_000):
        fold.add(noise(number))
        if number in (1_999, 199_999):
            sizes.append(len(encode(fold.report())))
    report = fold.report()
    assert len(report.findings) == 21
    assert len(report.errors) == 3 * 21, "real, injected and stuck ones each have their own room"
    assert len(report.injections[0].where) == 10
    assert sum(group.count for group in report.findings) == 40_000
    assert sizes[1] < sizes[0] * 1.1


def noise(number: int) -> Event:
    """Return an event that says something which none before it said."""
    word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    error = msgspec.structs.replace(INJECTED if number % 2 else REAL, message=word)
    return [
        StepEnded(0.1, 0, number, "claim", Outcome.FAILED, 0.001 * number, error),
        IterationEnded(0.1, 0, number, Outcome.FAILED, 0.001 * number),
        found(word),
        fired(point=word),
        Stuck(0.1, 0, number, "claim", 1.0, word),
    ][number % 5]


def test_groups_for_all_the_rest_say_so() -> None:
    """What found no group of its own is counted, and its message is marked."""
    words = [chr(ord("a") + index) * 3 for index in range(25)]
    report = folded(started(), *(found(word) for word in words))
    rest = max(report.findings, key=lambda group: group.count)
    assert rest.count == 5
    assert rest.first.message == "(and other kinds) uuu"
    assert rest.last.message == "yyy"
    assert isinstance(rest.first, Found)
