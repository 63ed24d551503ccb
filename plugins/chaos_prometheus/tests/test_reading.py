"""How events become numbers."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chaoscore import (
    Checked,
    Ended,
    ErrorInfo,
    Event,
    Fired,
    Found,
    Interrupted,
    IterationEnded,
    Lifted,
    Metric,
    Opened,
    Outcome,
    Phase,
    Recorded,
    RunStarted,
    Sampled,
    Severity,
    StepEnded,
    Stopped,
    Trouble,
    Verdict,
)

Make = Callable[..., Any]
First = Callable[..., RunStarted]
ERROR = ErrorInfo("ValueError", "bad")


def fired(injector: str = "slow") -> Fired:
    return Fired(0.5, injector, "delay", "p", "a.py:1", 0, 0, (), 0)


def found(verdict: Verdict, severity: Severity = Severity.WARNING) -> Found:
    return Found(0.5, "holds", severity, "broken", verdict)


def test_what_will_be_there_is_there_from_the_beginning(book: Make) -> None:
    """Before anything happened, every outcome, injector and validator of the scenario is shown, with 0."""
    begun = book()
    assert begun.values("chaos_iterations_total") == {("s", outcome): 0 for outcome in Outcome}
    assert begun.values("chaos_steps_total") == {("s", "go", outcome): 0 for outcome in Outcome}
    assert begun.values("chaos_faults_fired_total") == {("s", "slow", "delay"): 0}
    assert begun.values("chaos_injector_active") == {("s", "slow", "delay"): 0}
    assert begun.values("chaos_validator_violations_total") == {("s", "holds", "warning"): 0}
    assert begun.value("chaos_verdict", verdict="pass") == 1
    assert begun.value("chaos_runs_under_way") == 1
    assert begun.value("chaos_run_start_timestamp_seconds") == 1000


def test_iterations_and_steps_are_counted_by_outcome(book: Make) -> None:
    """Each end counts once, for its outcome, with its duration."""
    begun = book()
    begun.read(
        StepEnded(1.0, 0, 0, "go", Outcome.OK, 0.25),
        IterationEnded(1.0, 0, 0, Outcome.OK, 0.5),
        StepEnded(1.0, 0, 1, "go", Outcome.FAILED, 0.5, ERROR),
        IterationEnded(1.0, 0, 1, Outcome.FAILED, 1.0),
    )
    assert begun.value("chaos_iterations_total", outcome="ok") == 1
    assert begun.value("chaos_iterations_total", outcome="failed") == 1
    assert begun.value("chaos_step_duration_seconds_sum", step="go") == 0.75
    assert begun.value("chaos_step_duration_seconds_bucket", le="0.33") == 1
    assert begun.value("chaos_step_duration_seconds_bucket", le="+Inf") == 2
    assert begun.value("chaos_iteration_duration_quantile_seconds", quantile="0.5") == pytest.approx(0.5, rel=0.004)


def test_asks_are_counted_while_an_injector_is_open(book: Make) -> None:
    """Samples tell how often it was asked since it opened, and its end tells last; openings add up."""
    begun = book()
    assert begun.value("chaos_faults_asked_total") is None
    begun.read(Opened(0.1, "slow"), Sampled(1.0, 1, 0.0, asked={"slow": 10}), Sampled(2.0, 1, 0.0, asked={"slow": 15}))
    assert begun.value("chaos_faults_asked_total") == 15
    begun.read(Lifted(2.5, "slow", 20, 3))
    assert begun.value("chaos_faults_asked_total") == 20
    begun.read(Opened(3.0, "slow"), Sampled(4.0, 1, 0.0, asked={"slow": 7}))
    assert begun.value("chaos_faults_asked_total") == 27
    begun.read(Lifted(5.0, "slow", 7, 0), Sampled(6.0, 1, 0.0, asked={"slow": 7}))
    assert begun.value("chaos_faults_asked_total") == 27
    assert begun.value("chaos_injector_openings_total") == 2


@pytest.mark.parametrize(("said", "shown"), [(None, 2), (2, 2), (5, 5), (1, 2)])
def test_faults_are_those_seen_or_those_it_has_evidence_for(book: Make, said: int | None, shown: int) -> None:
    """What an injector says itself at last counts where it is more than was seen; a counter never falls."""
    begun = book()
    begun.read(Opened(0.1, "slow"), fired(), fired())
    assert begun.value("chaos_faults_fired_total") == 2
    begun.read(Lifted(2.5, "slow", None, said))
    assert begun.value("chaos_faults_fired_total") == shown


def test_evidence_is_missing_until_a_fault_lands(book: Make, started: First) -> None:
    """Nothing is missing of an injector that was never open, nor of one that has struck; a new run begins anew."""
    begun = book()
    missing = "chaos_injector_evidence_missing"
    assert begun.value(missing) == 0
    begun.read(Opened(0.1, "slow"))
    assert (begun.value(missing), begun.value("chaos_injector_active")) == (1, 1)
    begun.read(Lifted(0.5, "slow", 3, 0))
    assert (begun.value(missing), begun.value("chaos_injector_active")) == (1, 0)
    begun.read(Opened(0.6, "slow"), fired())
    assert begun.value(missing) == 0
    begun.read(Lifted(0.7, "slow", 3, 1), Opened(0.8, "slow"))
    assert begun.value(missing) == 0
    begun.read(Ended(0.9))
    begun.begin(started())
    begun.read(Opened(0.1, "slow"))
    assert begun.value(missing) == 1


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        ([], "pass"),
        ([found(Verdict.UNSTABLE)], "unstable"),
        ([found(Verdict.FAIL), found(Verdict.UNSTABLE)], "fail"),
        ([Trouble(0.5, "target", "setup", ERROR, Verdict.UNKNOWN)], "unknown"),
        ([Stopped(0.5, "why", Verdict.FAIL)], "fail"),
        ([Interrupted(0.5, "SIGINT")], "unknown"),
    ],
)
def test_the_verdict_so_far_is_the_worst_that_was_found(book: Make, events: list[Event], verdict: str) -> None:
    """Exactly one verdict is 1 at any time: the worst of findings, troubles, stops and interruptions."""
    begun = book()
    begun.read(*events)
    assert [labels[1] for labels, value in begun.values("chaos_verdict").items() if value] == [verdict]


def test_the_verdict_of_the_report_stands_at_the_end(book: Make) -> None:
    """What only the report knows, such as a success rate that was too low, is the last word."""
    begun = book()
    begun.read(found(Verdict.UNSTABLE), Ended(1.0))
    begun.reader.conclude(Verdict.FAIL)
    assert begun.value("chaos_verdict", verdict="fail") == 1
    assert begun.value("chaos_runs_under_way") == 0


def test_health_is_what_the_target_said_last(book: Make) -> None:
    """Before it was asked nothing is shown, then 1 or 0; a target that raises when it is asked is not well."""
    begun = book()
    assert begun.value("chaos_target_healthy") is None
    begun.read(Checked(0.1, "target health"))
    assert begun.value("chaos_target_healthy") == 1
    begun.read(Checked(0.2, "target health", 1))
    assert begun.value("chaos_target_healthy") == 0
    assert begun.value("chaos_validator_checks_total", validator="target health") == 2
    begun.read(
        Checked(0.3, "target health"), Trouble(0.4, "validator 'target health'", "check", ERROR, Verdict.UNKNOWN)
    )
    assert begun.value("chaos_target_healthy") == 0


def test_findings_and_troubles_are_counted(book: Make) -> None:
    """Findings count by validator and severity, troubles by hook and verdict."""
    begun = book()
    begun.read(found(Verdict.UNSTABLE), found(Verdict.FAIL, Severity.CRITICAL))
    begun.read(*[Trouble(0.5, "injector 'x'", "lift", ERROR, Verdict.FAIL)] * 2)
    assert begun.value("chaos_validator_violations_total", severity="warning") == 1
    assert begun.value("chaos_validator_violations_total", severity="critical") == 1
    assert begun.values("chaos_troubles_total") == {("s", "lift", "fail"): 2}


def test_the_deadline_counts_from_the_workload(book: Make, started: First) -> None:
    """It is when the workload began, plus its time; a run without one may have a number of iterations instead."""
    begun = book()
    begun.begin(started(run_for_s=60.0))
    begun.read(Phase(2.0, "setup"))
    assert begun.value("chaos_run_deadline_timestamp_seconds") is None
    begun.read(Phase(5.0, "workload"))
    assert begun.value("chaos_run_deadline_timestamp_seconds") == 1065
    begun.begin(started("counted", iterations=40))
    begun.read(Phase(5.0, "workload"))
    assert begun.value("chaos_run_deadline_timestamp_seconds", scenario="counted") is None
    assert begun.value("chaos_run_planned_iterations", scenario="counted") == 40


def test_the_process_is_as_it_was_sampled_last(book: Make) -> None:
    """What the system does not tell is not shown."""
    begun = book()
    begun.read(Sampled(1.0, 4, 0.5, 1000, 9), Sampled(2.0, 5, 1.5, 2000, None))
    assert begun.value("chaos_process_threads") == 5
    assert begun.value("chaos_process_cpu_seconds_total") == 1.5
    assert begun.value("chaos_process_resident_memory_bytes") == 2000
    assert begun.value("chaos_process_open_descriptors") is None


def test_runs_of_one_scenario_at_the_same_time_add_up(book: Make, started: First) -> None:
    """Two runs count into the same series; what each holds goes away with it, and counters stay."""
    begun = book()
    one = begun.reader
    begun.begin(started())
    other = begun.reader
    for run in (one, other):
        run.read([Opened(0.1, "slow"), IterationEnded(1.0, 0, 0, Outcome.OK, 0.5), Sampled(1.0, 1, 0.0, in_flight=3)])
    assert begun.value("chaos_runs_under_way") == 2
    assert begun.value("chaos_injector_active") == 2
    assert begun.value("chaos_iterations_in_flight") == 6
    one.read([Ended(2.0)])
    one.conclude(Verdict.PASS)
    assert begun.value("chaos_runs_under_way") == 1
    assert begun.value("chaos_injector_active") == 1
    assert begun.value("chaos_iterations_in_flight") == 3
    assert begun.value("chaos_iterations_total", outcome="ok") == 2


def test_nothing_of_a_run_is_a_label_but_its_names(book: Make) -> None:
    """The seed is in the info, and neither the run's id nor the text of an error or a finding is anywhere."""
    begun = book()
    begun.read(
        StepEnded(1.0, 0, 1, "go", Outcome.FAILED, 0.5, ErrorInfo("ValueError", "secret-text")),
        Found(0.5, "holds", Severity.WARNING, "secret-text", Verdict.UNSTABLE),
        Trouble(0.5, "target", "setup", ErrorInfo("OSError", "secret-text"), Verdict.UNKNOWN),
    )
    from chaos_prometheus.client import text

    shown = text(begun.ledger).decode()
    assert "secret-text" not in shown
    assert "the-run" not in shown
    assert [line.partition("{")[0] for line in shown.splitlines() if 'seed="5"' in line] == ["chaos_run_info"]


# -- metrics of plugins


def _sold(event: Recorded) -> Iterator[tuple[float, tuple[str, ...]]]:
    if event.name == "sold":
        yield event.value or 0, (event.step,)


def test_a_counter_of_a_plugin_adds_up(book: Make) -> None:
    """What a plugin reads from events is shown by its labels, beside the scenario."""
    begun = book(sold=Metric(help="Sold.", observes=(Recorded,), read=_sold, labels=("step",)))
    begun.read(*(Recorded(0.1, name, 0, 0, "go", 2.5) for name in ("sold", "sold", "else")))
    assert begun.values("chaos_sold_total") == {("s", "go"): 5}


def test_a_gauge_of_a_plugin_is_the_latest(book: Make) -> None:
    """What does not add up is what was read last, negative numbers included."""
    begun = book(level=Metric(help="Level.", observes=(Recorded,), read=lambda e: [(e.value, ())], adds_up=False))
    begun.read(*(Recorded(0.1, "level", 0, 0, "go", value) for value in (3.0, -1.5)))
    assert begun.values("chaos_level") == {("s",): -1.5}


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (lambda event: 1 / 0, "ZeroDivisionError"),
        (lambda event: [(-1, ("go",))], "numbers of 0 or more, not -1"),
        (lambda event: [(float("nan"), ("go",))], "not nan"),
        (lambda event: [(1, ())], "not so many texts for them: ()"),
        (lambda event: [(1, (5,))], "not so many texts for them: (5,)"),
        (lambda event: 5, "TypeError"),
    ],
)
def test_a_metric_that_fails_is_read_no_more(book: Make, read: Any, reason: str) -> None:
    """Whatever a plugin's function does, the rest is read, and what is wrong with it is kept."""
    begun = book(bad=Metric(help="Bad.", observes=(Recorded,), read=read, labels=("step",)))
    begun.read(Recorded(0.1, "sold", 0, 0, "go"), Recorded(0.1, "sold", 0, 0, "go"), found(Verdict.FAIL))
    assert reason in begun.ledger.broken["bad"]
    assert begun.value("chaos_exporter_metric_broken", metric="bad") == 1
    assert begun.value("chaos_validator_violations_total", severity="warning") == 1
    assert begun.value("chaos_exporter_events_total") == 3


# -- bounds


@pytest.mark.slow
def test_a_million_distinct_texts_take_no_room(book: Make) -> None:
    """A million errors, and names and findings among them, that all differ leave no more series than a few of them."""
    by_name = Metric(help="Names.", observes=(Recorded,), read=lambda event: [(1, (event.name,))], labels=("name",))
    begun = book(recorded=by_name)

    def read(numbers: range) -> int:
        for first in numbers[::1_000]:
            texts = {number: f"error number {number}" for number in range(first, first + 1_000)}
            begun.read(
                *(StepEnded(1.0, 0, n, "go", Outcome.FAILED, 0.5, ErrorInfo("ValueError", texts[n])) for n in texts),
                *(Recorded(1.0, texts[n], 0, n, "go") for n in range(first, first + 1_000, 10)),
                Found(1.0, texts[first], Severity.CRITICAL, texts[first], Verdict.FAIL),
            )
        return len(begun.values("chaos_recorded_total"))

    assert read(range(20_000)) == 201
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    try:
        assert read(range(20_000, 30_000)) == 201
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 1 << 20
    assert read(range(30_000, 1_000_000)) == 201
    assert sum(begun.values("chaos_recorded_total").values()) == 100_000
    assert begun.value("chaos_steps_total", outcome="failed") == 1_000_000
    assert len(begun.values("chaos_validator_violations_total")) == 201
    assert begun.value("chaos_exporter_label_sets_limit") == 200
    assert begun.value("chaos_exporter_label_sets_folded_total", part="recorded") == 100_000 - 200
