"""How a run is judged."""

import pytest

from chaoscore.events import Event, InjectionInfo, Interrupted, Lifted, Opened, Outcome, Stopped
from chaoscore.fold import replay
from chaoscore.report import Report
from chaoscore.verdict import PRESETS, ExitCode, Severity, Thresholds, Verdict
from tests.fold.history import INJECTED, REAL, failing, found, iteration, passing, started, trouble


def run(*events: Event, ended: bool = True, **first: object) -> Report:
    """Return the report of a run of eight good iterations and *events*."""
    good = [event for number in range(8) for event in iteration(number)]
    return replay([started(**first), *good, *events, *passing()[-1:]])


def reasons(report: Report) -> list[str]:
    return [reason.text for reason in report.reasons]


def test_a_run_in_which_all_is_well_passes() -> None:
    """Faults that landed, iterations that succeeded and nothing found: pass, no reasons, nothing to reproduce."""
    report = replay(passing())
    assert (report.verdict, report.exit_code, report.reasons) == (Verdict.PASS, ExitCode.OK, ())
    assert report.passed
    assert (report.reproduce, report.reproduce_alone) == (None, None)


def test_the_worst_reason_comes_first() -> None:
    """The verdict is that of the worst reason, and reasons are ordered by it."""
    report = replay(failing())
    ranks = [reason.verdict.rank for reason in report.reasons]
    assert ranks == sorted(ranks, reverse=True)
    assert report.verdict is report.reasons[0].verdict is Verdict.FAIL


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_trouble_brings_its_verdict(verdict: Verdict) -> None:
    """A hook that failed makes the run as bad as it says."""
    report = run(trouble("validator 'x'", "check", verdict))
    assert report.verdict is verdict


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_finding_brings_its_verdict(verdict: Verdict) -> None:
    """A finding makes the run as bad as it says, whatever its severity."""
    report = run(found(verdict=verdict, severity=Severity.WARNING))
    assert report.verdict is verdict


def test_findings_of_one_validator_are_one_reason() -> None:
    """Many findings are one line with the first of them and their number."""
    report = run(found(at=0.2), found("job 18 assigned to 2 bots", at=0.3), found("another thing", at=0.4))
    assert reasons(report) == ["no-double: job 17 assigned to 3 bots (first of 3 findings)"]


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.FAIL])
def test_a_stop_brings_its_verdict(verdict: Verdict) -> None:
    """A run that stopped itself is as bad as the reason for which it did."""
    report = run(Stopped(0.9, "the steady state was broken", verdict))
    assert report.verdict is verdict
    assert report.stopped == "the steady state was broken"
    assert reasons(report) == ["stopped: the steady state was broken"]


@pytest.mark.parametrize(
    ("goals", "sentence"),
    [
        (Thresholds(min_success_rate=0.9), "success rate 80.00% is below 90.00% (8 of 10 iterations)"),
        (Thresholds(min_success_rate=0, max_failed_iterations=1), "2 iterations failed, at most 1 may"),
        (Thresholds(min_success_rate=0, max_mean="1ms"), "mean duration 10 ms is above 1 ms"),
        (Thresholds(min_success_rate=0, max_p99="2ms"), "p99 duration 10 ms is above 2 ms"),
    ],
)
def test_a_threshold_that_is_not_reached_fails_the_run(goals: Thresholds, sentence: str) -> None:
    """Each threshold fails the run by itself, with the values."""
    faulted = [event for number in (8, 9) for event in iteration(number, Outcome.FAULTED, INJECTED)]
    report = run(*faulted, thresholds=goals.as_dict())
    assert report.verdict is Verdict.FAIL
    assert reasons(report) == [sentence]
    assert [each.breach for each in report.thresholds if each.breach] == [sentence]


def test_a_threshold_that_is_reached_is_in_the_report_without_a_breach() -> None:
    """What was asked for is shown also where it was reached."""
    (rate, explained) = run().thresholds
    assert (rate.name, rate.limit, rate.breach) == ("min_success_rate", "at least 95.00% of iterations succeed", None)
    assert (explained.name, explained.verdict, explained.breach) == ("real_failure", Verdict.UNSTABLE, None)


def test_thresholds_that_cannot_be_read_are_unknown() -> None:
    """A log whose thresholds make no sense is not judged as if it had none."""
    report = run(thresholds={"min_success_rate": "most"})
    assert report.verdict is Verdict.UNKNOWN
    assert "cannot be read" in report.reasons[0].text


@pytest.mark.parametrize(
    ("preset", "verdict"), [("strict", Verdict.FAIL), ("default", Verdict.UNSTABLE), ("relaxed", Verdict.PASS)]
)
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.STUCK])
def test_a_failure_that_no_fault_explains_brings_what_the_thresholds_say(
    preset: str, verdict: Verdict, outcome: Outcome
) -> None:
    """One real failure or stuck step in a hundred weighs by the preset."""
    many = [event for number in range(100) for event in iteration(number)]
    report = run(*many, *iteration(9, outcome, REAL), thresholds=PRESETS[preset].as_dict())  # type: ignore[index]
    assert report.verdict is verdict


def test_an_injected_failure_within_the_thresholds_is_none() -> None:
    """A fault that came out of a step is what the success rate is there for."""
    many = [event for number in range(100) for event in iteration(number)]
    assert run(*many, *iteration(9, Outcome.FAULTED, INJECTED)).verdict is Verdict.PASS


def test_a_run_without_an_iteration_is_unknown() -> None:
    """Nothing happened: not green, with an exit code of its own, and no threshold is held against it."""
    report = replay([started(), *iteration(0, Outcome.CANCELLED), *passing()[-1:]])
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.NOTHING_HAPPENED)
    assert reasons(report) == ["nothing happened: no iteration came to its end (1 were cancelled)"]


def test_a_run_in_which_nothing_succeeded_is_unknown_at_least() -> None:
    """Where thresholds allow every iteration to fail, the run is still not green."""
    report = replay(
        [started(thresholds={"min_success_rate": 0}), *iteration(0, Outcome.FAULTED, INJECTED), *passing()[-1:]]
    )
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.UNKNOWN)
    assert reasons(report) == ["nothing succeeded: not one of 1 iterations did"]


def injections(*parameters: dict[str, object], kind: str = "delay") -> tuple[InjectionInfo, ...]:
    return tuple(InjectionInfo(f"i{number}", kind, each) for number, each in enumerate(parameters))


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "never opened (active the whole run)"),
        (
            [Opened(0.1, "i0"), Lifted(0.2, "i0", 0, 0)],
            "opened but never asked: call maybe_delay() in a step or give it at=",
        ),
        ([Opened(0.1, "i0"), Lifted(0.2, "i0", 12, 0)], "asked 12 times, fired 0"),
        (
            [Opened(0.1, "i0"), Lifted(0.2, "i0", 12, 0, armed=5)],
            (
                "armed 5 times, never struck: the step ended, or the injector was lifted, first; shorten after=, or "
                "let the step reach an `await` (in a task) or a point (in plain code) that late"
            ),
        ),
        ([Opened(0.1, "i0"), Lifted(0.2, "i0", 1, 0)], "asked once, fired 0"),
        ([Opened(0.1, "i0"), Lifted(0.2, "i0")], "opened, but it has no evidence that anything happened"),
    ],
)
def test_a_run_in_which_no_fault_landed_says_why(events: list[Event], why: str) -> None:
    """No configured fault landed: unknown, exit 5, and for each injector what was missing."""
    report = run(*events, injections=injections({"at": None}))
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.NOTHING_HAPPENED)
    assert reasons(report) == [f"no configured fault landed: 'i0' {why}"]


def test_an_injector_whose_points_do_not_exist_says_which() -> None:
    """An `at` that matches nothing is named, not the general remedy."""
    events = [Opened(0.1, "i0"), Lifted(0.2, "i0", 0, 0)]
    (reason,) = reasons(run(*events, injections=injections({"at": "before:clam"})))
    assert "no point is named like 'before:clam'" in reason


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("error", "call maybe_error() in a step"),
        ("cancellation", "call maybe_cancel() in a step"),
        ("network", "call maybe_network_chaos(host, port) in a step"),
        ("sql.delay", "no step came to where it strikes"),
    ],
)
def test_the_remedy_is_the_call_that_its_kind_answers(kind: str, remedy: str) -> None:
    """An injector without `at` is not told to use it, one of a plugin strikes elsewhere than at the core's calls."""
    events = [Opened(0.1, "i0"), Lifted(0.2, "i0", 0, 0)]
    (reason,) = reasons(run(*events, injections=injections({}, kind=kind)))
    assert reason.endswith(f"opened but never asked: {remedy}")


def test_the_remedy_names_the_scope_and_the_window() -> None:
    """An injector that only some points ask, or only at times, is told which and when."""
    events = [Opened(0.1, "db.slow"), Lifted(0.2, "db.slow", 0, 0)]
    info = InjectionInfo("db.slow", "delay", {"at": None}, "db", "in 5% of iterations")
    (reason,) = reasons(run(*events, injections=(info,)))
    assert reason.endswith(
        "call maybe_delay() in a step, at a point of the component 'db', while it is active (in 5% of iterations) "
        "or give it at="
    )


def test_a_silent_injector_among_others_makes_the_run_unstable() -> None:
    """Where some faults landed, each injector that was silent is named."""
    events = [Opened(0.1, "i0"), Lifted(0.2, "i0", 9, 3), Opened(0.1, "i1"), Lifted(0.2, "i1", 9, 0)]
    report = run(*events, injections=injections({}, {}, {}))
    assert (report.verdict, report.exit_code) == (Verdict.UNSTABLE, ExitCode.OK)
    assert reasons(report) == [
        "injector 'i1' did not land: asked 9 times, fired 0",
        "injector 'i2' did not land: never opened (active the whole run)",
    ]


def test_a_run_without_injectors_needs_no_evidence() -> None:
    """A load test without faults is judged by the rest."""
    assert run().verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("SIGINT", ExitCode.SIGINT),
        ("SIGTERM", ExitCode.SIGTERM),
        ("cancelled", ExitCode.UNKNOWN),
    ],
)
def test_an_interrupted_run_is_unknown_at_least(reason: str, code: ExitCode) -> None:
    """What was cut short has not shown what it was to show; the shell is told by which signal."""
    report = run(Interrupted(0.9, reason))
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, code)


def test_a_signal_before_anything_happened_keeps_its_exit_code() -> None:
    """An interruption is told apart from an empty run."""
    assert replay([started(), Interrupted(0.9, "SIGINT"), *passing()[-1:]]).exit_code is ExitCode.SIGINT
    assert replay([started(), Interrupted(0.9, "cancelled"), *passing()[-1:]]).exit_code is ExitCode.UNKNOWN


def test_faults_left_behind_are_said_before_all_else() -> None:
    """A fault that would not lift decides the exit code, also of a run that was interrupted."""
    report = run(trouble("injector 'cpu'", "lift", Verdict.FAIL), Interrupted(0.9, "SIGINT"))
    assert report.exit_code is ExitCode.FAULTS_LEFT
    assert run(trouble("target", "lift", Verdict.FAIL)).exit_code is ExitCode.FAIL


class TestReproduce:
    """Which command reproduces the first failure."""

    def test_the_iteration_of_a_finding(self) -> None:
        """The first finding that knows its iteration offers to run that alone, beside the whole run that led to it."""
        report = run(found(), found(iteration=5), found(iteration=6), workers=1)
        assert report.reproduce == "chaoscore run jobs.py --seed 42"
        assert report.reproduce_alone == "chaoscore run jobs.py --seed 42 --only-iteration 5"

    def test_a_real_failure_before_an_injected_one(self) -> None:
        """An injected fault that got out does not take the place of a real failure."""
        faulted = iteration(2, Outcome.FAULTED, INJECTED)
        report = run(*faulted, *iteration(4, Outcome.STUCK), *iteration(5, Outcome.FAILED), workers=1)
        assert report.reproduce_alone == "chaoscore run jobs.py --seed 42 --only-iteration 4"

    def test_an_injected_failure_where_there_is_no_other(self) -> None:
        """Where too many faults got out, the first of those iterations is run."""
        events = [event for number in (3, 4) for event in iteration(number, Outcome.FAULTED, INJECTED)]
        report = run(*events, workers=1)
        assert report.reproduce == "chaoscore run jobs.py --seed 42 --only-iteration 3"
        assert report.reproduce_alone is None

    def test_a_finding_about_the_whole_run(self) -> None:
        """A finding that belongs to no iteration needs the whole run, whatever faults got out."""
        report = run(*iteration(3, Outcome.FAULTED, INJECTED), found(), workers=1)
        assert report.reproduce == "chaoscore run jobs.py --seed 42"

    def test_several_workers(self) -> None:
        """An interleaving does not show in one iteration alone, so the whole run comes first."""
        report = run(found(iteration=5), workers=2)
        assert report.reproduce == "chaoscore run jobs.py --seed 42"
        assert report.reproduce_alone == "chaoscore run jobs.py --seed 42 --only-iteration 5"

    def test_a_command_with_braces(self) -> None:
        """Only the place of the iteration is filled in."""
        report = run(found(iteration=5), workers=1, rerun_one="run {x} {iteration}")
        assert report.reproduce_alone == "run {x} 5"

    def test_no_command(self) -> None:
        """A run that does not know how it was started offers nothing."""
        assert run(found(iteration=5), rerun="", rerun_one="").reproduce is None

    def test_what_weighs_nothing(self) -> None:
        """Information is no failure."""
        info = found(iteration=5, severity=Severity.INFO, verdict=Verdict.PASS)
        assert run(info, *iteration(9, Outcome.FAILED), workers=1).reproduce_alone == (
            "chaoscore run jobs.py --seed 42 --only-iteration 9"
        )
