"""One run from start to finish, whatever fails on the way."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoscore import (
    Ask,
    BlockingCallError,
    Checked,
    Ended,
    ExitCode,
    Found,
    InvalidScenarioError,
    Moment,
    Phase,
    RunStarted,
    Scenario,
    Scene,
    Severity,
    Stopped,
    Undo,
    Verdict,
    maybe_error,
    point,
)
from chaoscore.injectors import delay, error, panic
from tests.executor.parts import Collect, Diary, Door, Looker, PlannedError, Target, step


def scenario(diary: Diary, **options: Any) -> Scenario:
    """Return a scenario of two doors and a looker."""
    return (
        Scenario("diary")
        .target(Target(diary, **options))
        .step("work", step(diary))
        .inject("a", Door(diary, "a"))
        .inject("b", Door(diary, "b"))
        .expect("looker", Looker(diary, "l"))
    )


def test_the_order_of_a_run_is_the_documented_one() -> None:
    """Set up, look, open in order, work, lift last opened first, look, conclude, tear down."""
    diary = Diary()
    report = scenario(diary).run()
    lines = [line for line in diary.lines if line != "check l during"]
    assert lines == [
        "setup",
        "start l",
        "check l before",
        "open a",
        "open b",
        "step",
        "evidence b",
        "lift b",
        "evidence a",
        "lift a",
        "check l after",
        "conclude l",
        "teardown",
    ]
    assert (report.verdict, report.exit_code) == (Verdict.PASS, ExitCode.OK)


def test_the_first_event_starts_the_run_and_the_last_ends_it() -> None:
    """A log that lacks its last event is the log of a run that died."""
    collect = Collect()
    scenario(Diary()).run(reporters=[collect])
    assert isinstance(collect.events[0], RunStarted)
    assert isinstance(collect.events[-1], Ended)
    assert [phase.name for phase in collect.of(Phase)] == [
        "setup",
        "steady state",
        "inject",
        "workload",
        "judge",
        "teardown",
    ]


def test_a_setup_that_raises_is_unknown_and_torn_down() -> None:
    """Nothing is injected, the teardown runs, and the report says what setup raised."""
    diary = Diary("setup")
    report = scenario(diary).run()
    assert diary.lines == ["setup", "teardown"]
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.UNKNOWN)
    assert report.troubles[0].who == "target"
    assert report.troubles[0].error.message == "setup"
    assert "PlannedError" in report.troubles[0].error.traceback


def test_an_injector_that_does_not_open_stops_the_run_before_any_step() -> None:
    """What was opened before it is lifted, and the verdict is unknown: it could not inject."""
    diary = Diary("open b")
    report = scenario(diary).run()
    assert "step" not in diary.lines
    assert diary.of("open", "lift") == ["open a", "open b", "lift a"]
    assert report.exit_code is ExitCode.UNKNOWN
    assert "did not open" in (report.stopped or "")


def test_a_fault_that_does_not_lift_is_the_exit_code() -> None:
    """Faults left behind outrank every other outcome, and the others are lifted all the same."""
    diary = Diary("lift b")
    report = scenario(diary).run()
    assert diary.of("lift") == ["lift b", "lift a"]
    assert (report.verdict, report.exit_code) == (Verdict.FAIL, ExitCode.FAULTS_LEFT)


def test_a_bug_in_an_injector_is_not_one_of_the_system_under_test() -> None:
    """An injector that cannot answer makes the run unknown under its own name; no step fails for it."""

    class Buggy:
        kind: ClassVar[str] = "buggy"
        undo, answers, at = Undo.KERNEL, frozenset({"point"}), None

        def answer(self, _: Ask) -> None:
            raise KeyError("no such rule")

    asking = Scenario("asking").target(object()).step("ask", lambda _: point("here"))
    report = asking.inject("rules", Buggy()).repeat(3).run(seed=1)
    assert (report.iterations.ok, report.errors) == (3, ())
    [trouble] = report.troubles
    assert (trouble.who, trouble.hook, trouble.error.type) == ("injector 'rules'", "answer", "KeyError")
    assert report.verdict == "unknown"


def test_a_second_failure_never_hides_the_first() -> None:
    """With every later hook failing as well, the first trouble is the first that happened."""
    diary = Diary("lift b", "lift a", "conclude l", "teardown")
    report = scenario(diary).run()
    assert [trouble.error.message for trouble in report.troubles] == ["lift b", "lift a", "conclude l", "teardown"]
    assert report.exit_code is ExitCode.FAULTS_LEFT


def test_a_broken_steady_state_injects_nothing() -> None:
    """What a validator finds before any fault makes the run unknown, not failed."""
    diary = Diary()
    report = scenario(diary).expect("calm", state_before("the queue is not empty")).run()
    assert diary.of("open", "step") == []
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.UNKNOWN)
    assert report.findings[0].first.message == "the queue is not empty"


def state_before(message: str) -> Looker:
    """Return a validator that finds *message* before any fault."""

    class Checker:
        moments = frozenset({Moment.BEFORE})
        every_s = 1.0

        def check(self, moment: Moment) -> str:
            return message

    class Before(Looker):
        def start(self, scene: Any) -> Any:
            return Checker()

    return Before(Diary(), "before")


def test_a_validator_that_raises_is_unknown_and_the_others_are_asked() -> None:
    """A checker that crashes never passes, and never keeps another from judging."""
    diary = Diary("conclude l")
    report = scenario(diary).expect("second", Looker(diary, "m", says="broken")).run()
    assert "conclude m" in diary.lines
    assert report.verdict is Verdict.FAIL  # by the second; the first alone makes it unknown
    assert [each.verdict for each in report.expectations] == [Verdict.UNKNOWN, Verdict.FAIL]


def test_a_checker_that_returns_false_is_an_error_of_the_checker() -> None:
    """False does not say what is wrong, so it is neither pass nor finding."""
    report = scenario(Diary()).expect("vague", Looker(Diary(), "v", says=False)).run()  # type: ignore[arg-type]
    assert report.verdict is Verdict.UNKNOWN
    assert "None, a sentence or violations" in report.troubles[0].error.message


def test_the_stream_tells_who_has_checked_what() -> None:
    """Every judgement is an event, after its findings; one that raised is none, since it could not tell."""
    told = Collect()
    judged = Scenario("judged").target(object()).step("work", lambda target: None).expect("holds", lambda target: None)
    judged.expect("fails", lambda target: "not so").expect("broken", lambda target: 1 / 0).run(reporters=[told])
    said = [each for each in told.events if isinstance(each, (Checked, Found))]
    assert [(type(each), each.validator) for each in said] == [(Checked, "holds"), (Found, "fails"), (Checked, "fails")]
    assert [each.findings for each in said if isinstance(each, Checked)] == [0, 1]


def test_a_plain_function_is_a_validator() -> None:
    """It takes the target, and False from it is a finding."""
    report = scenario(Diary()).expect("holds", lambda target: target.name != "diarist").run()
    assert report.exit_code is ExitCode.FAIL


def test_async_parts_mix_with_plain_ones() -> None:
    """Targets, steps, injectors and validators may each be sync or async in one scenario."""
    diary = Diary()
    report = (
        Scenario("mixed")
        .target(Target(diary, is_async=True))
        .step("plain", step(diary))
        .step("task", step(diary, is_async=True))
        .inject("a", Door(diary, "a", is_async=True))
        .inject("b", Door(diary, "b"))
        .expect("l", Looker(diary, "l", is_async=True))
        .expect("m", Looker(diary, "m"))
        .repeat(3)
        .workers(2)
        .run()
    )
    assert report.verdict is Verdict.PASS
    assert diary.of("step") == ["step"] * 6
    assert diary.of("lift") == ["lift b", "lift a"]


def test_a_step_that_returns_a_coroutine_is_told_so() -> None:
    """A coroutine that nobody awaits did nothing; that must not count as success."""

    async def work(_: Any) -> None:
        raise AssertionError("never reached")

    def call(target: Any) -> Any:
        return work(target)

    report = Scenario("lost").target(object()).step("work", call).run()
    assert report.iterations.failed == 1
    assert "make it `async def`" in report.errors[0].first.message


def test_the_run_stops_at_the_first_real_failure() -> None:
    """Fail fast is the default, and the failing iteration is the last one."""
    ran: list[int] = []

    def work(_: Any) -> None:
        ran.append(1)
        if len(ran) == 3:
            raise ValueError("third")

    report = Scenario("fast").target(object()).step("work", work).repeat(10).run()
    assert len(ran) == 3
    assert (report.iterations.ok, report.iterations.failed) == (2, 1)
    assert report.exit_code is ExitCode.FAIL
    assert "only_iteration=2" in (report.reproduce_alone or "")


def test_a_run_may_go_on_after_failures() -> None:
    """With `continue_on_failure` the thresholds decide."""

    def work(_: Any) -> None:
        raise ValueError("always")

    report = Scenario("slow").target(object()).step("work", work).repeat(10).continue_on_failure().run()
    assert report.iterations.failed == 10
    assert report.errors[0].count == 10


def test_injected_faults_do_not_stop_a_fail_fast_run() -> None:
    """A fault that comes out of a step counts against the success rate, and the run goes on."""
    report = Scenario("faulted").target(object()).step("work", strike).inject("e", error("OSError")).repeat(5).run()
    assert report.iterations.faulted == 5
    assert report.verdict is Verdict.FAIL


def test_a_run_in_which_no_fault_landed_is_not_green() -> None:
    """An injector that nobody asked proves nothing, and the exit code says so."""
    report = Scenario("silent").target(object()).step("work", lambda _: None).inject("d", delay("1ms")).run()
    assert (report.verdict, report.exit_code) == (Verdict.UNKNOWN, ExitCode.NOTHING_HAPPENED)


def test_a_run_without_injection_judges_what_really_happened() -> None:
    """`inject=False` leaves the injectors out, and with them the need for evidence."""
    silent = Scenario("silent").target(object()).step("work", lambda _: None).inject("d", delay("1ms"))
    report = silent.run(inject=False)
    assert report.verdict is Verdict.PASS
    assert report.injections == ()


def test_run_refuses_where_a_loop_runs() -> None:
    """The error names the awaitable form."""

    async def main() -> None:
        with pytest.raises(BlockingCallError, match="arun"):
            scenario(Diary()).run()

    asyncio.run(main())


def test_arun_runs_in_the_loop_that_is_there() -> None:
    """Steps are tasks of the caller's loop."""
    loops = []

    async def work(_: Any) -> None:
        loops.append(asyncio.get_running_loop())

    async def main() -> None:
        report = await Scenario("inside").target(object()).step("work", work).arun()
        assert report.verdict is Verdict.PASS
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_several_runs_share_a_process() -> None:
    """Runs in threads and runs in one loop keep their faults to themselves."""
    reports = []

    def work(_: Any) -> None:
        point("shared")

    def one(probability: float) -> None:
        chaos = Scenario("many").target(object()).step("work", work).inject("p", panic(probability)).repeat(50)
        reports.append((probability, chaos.run(seed=1).iterations.faulted))

    threads = [threading.Thread(target=one, args=(p,)) for p in (0.0, 1.0, 0.0, 1.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reports) == [(0.0, 0), (0.0, 0), (1.0, 50), (1.0, 50)]


def test_cancelling_arun_lifts_every_fault_first() -> None:
    """The caller gets its `CancelledError`, and the diary shows that all was undone before."""
    diary = Diary()

    began = asyncio.Event()

    async def work(_: Any) -> None:
        began.set()
        await asyncio.sleep(60)

    async def main() -> None:
        chaos = Scenario("cancelled").target(Target(diary)).step("work", work).inject("a", Door(diary, "a"))
        run = asyncio.create_task(chaos.limit(drain="10ms").arun())
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    assert diary.of("lift", "teardown") == ["lift a", "teardown"]


def test_what_cannot_run_is_refused_with_all_its_problems() -> None:
    """Missing target and missing step are told at once."""
    with pytest.raises(InvalidScenarioError) as caught:
        Scenario("empty").run()
    assert len(caught.value.problems) == 2


def test_a_stop_is_told_once() -> None:
    """Eight workers that fail at the same time stop the run once."""
    collect = Collect()

    def work(_: Any) -> None:
        raise ValueError("all of them")

    Scenario("stop").target(object()).step("work", work).repeat(100).workers(8).run(reporters=[collect])
    assert len(collect.of(Stopped)) == 1


def strike(_: Any) -> None:
    """Let errors strike."""
    maybe_error()


HOOKS = [
    "setup",
    "teardown",
    *(f"{verb} {name}" for verb in ("open", "lift", "evidence") for name in "ab"),
    *(f"{verb} {name}" for verb in ("start", "conclude") for name in "lm"),
    *(f"check {name} {moment}" for name in "lm" for moment in ("before", "after")),
    "step",
    *(f"{verb} {name}" for verb in ("follow", "report") for name in "rs"),
]


@settings(max_examples=150, deadline=None)
@given(failing=st.sets(st.sampled_from(HOOKS)), asyncs=st.lists(st.booleans(), min_size=6, max_size=6))
def test_whatever_raises_every_fault_is_lifted_once_and_the_first_error_is_told(
    failing: set[str], asyncs: list[bool]
) -> None:
    """Over any set of hooks that raise: lifted exactly once, last first; a report always; the first error is told."""
    diary = Diary(*failing)
    reporters = [Collect(diary, "r"), Collect(diary, "s")]
    report = (
        Scenario("hostile")
        .target(Target(diary, asyncs[0]))
        .step("work", step(diary, asyncs[1]))
        .inject("a", Door(diary, "a", asyncs[2]))
        .inject("b", Door(diary, "b", asyncs[3]))
        .expect("l", Looker(diary, "l", asyncs[4]))
        .expect("m", Looker(diary, "m", asyncs[5]))
        .repeat(2)
        .run(reporters=reporters)
    )
    opened = [line.split()[1] for line in diary.of("open") if line not in failing]
    lifted = [line.split()[1] for line in diary.of("lift")]
    assert lifted == opened[::-1]
    assert diary.lines.count("teardown") == 1
    hooks = [
        line for line in diary.lines if line in failing and line != "step" and not line.startswith(("follow", "report"))
    ]
    troubles = [trouble for trouble in report.troubles if not trouble.who.startswith("reporter")]
    assert bool(troubles) == bool(hooks)
    if hooks:
        assert troubles[0].error.message == hooks[0]
        assert PlannedError.__name__ in troubles[0].error.type
        assert report.verdict.rank >= Verdict.UNKNOWN.rank
    for reporter, name in zip(reporters, "rs", strict=True):
        if not failing & {f"follow {name}", f"report {name}"}:
            assert len(reporter.reports) == 1


def test_a_check_under_way_at_the_end_of_the_workload_is_heard() -> None:
    """What a validator has begun to look at counts: nothing that it finds is lost because the last step has ended."""
    looking = threading.Event()

    class Slow:
        kind: ClassVar[str] = "slow"
        severity: ClassVar[Severity] = Severity.CRITICAL
        moments: ClassVar[frozenset[Moment]] = frozenset({Moment.DURING})
        every_s: ClassVar[float] = 0.001

        def start(self, scene: Scene) -> Slow:
            return self

        def check(self, moment: Moment) -> str | None:
            if looking.is_set():
                return None
            looking.set()
            time.sleep(0.2)  # while the workload ends
            return "something is wrong"

    scenario = Scenario("s").target(object()).step("work", lambda _: looking.wait(20)).expect("slow", Slow())
    assert [each.first.message for each in scenario.run().findings] == ["something is wrong"]
