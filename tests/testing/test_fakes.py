"""The fakes do what a run does, without one."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, ClassVar

import attrs
import pytest

from chaoscore import (
    Cancel,
    Delay,
    Fired,
    InjectedError,
    InjectedTimeout,
    IterationEnded,
    Moment,
    Opened,
    Outcome,
    Raise,
    Scenario,
    Scene,
    Severity,
    injected_by,
    injectors,
    validators,
)
from chaoscore.errors import ChaosError, ForbiddenTargetError, UnknownNameError
from chaoscore.fold import Fold
from chaoscore.offers import Offer, Offers
from chaoscore.testing import (
    FakeClock,
    HostileTarget,
    RecordingReporter,
    RecordingTarget,
    answers,
    ask,
    builders,
    hostile_run,
    judge,
    run_once,
    scene,
    site,
    strike,
)

# -- the clock


def test_the_clock_stands_still() -> None:
    """Between two readings nothing passes but what was advanced or slept."""
    clock = FakeClock(now=5, wall=1000)
    assert (clock.monotonic(), clock.wall()) == (5, 1000)
    clock.advance("1m")
    clock.sleep(2.5)
    assert (clock.monotonic(), clock.wall()) == (67.5, 1062.5)
    assert clock.slept == [2.5]


def test_tasks_sleep_on_the_clock_by_turns() -> None:
    """Who sleeps in a task lets other tasks go on."""
    clock, order = FakeClock(), []

    async def sleeper(name: str) -> None:
        for _ in range(2):
            order.append(name)
            await clock.asleep(3600)

    async def main() -> None:
        await asyncio.gather(sleeper("a"), sleeper("b"))

    asyncio.run(main())
    assert order == ["a", "b", "a", "b"]
    assert clock.monotonic() == 4 * 3600


def test_no_sleep_is_lost_between_threads() -> None:
    """However many threads sleep, all of their time passes."""
    clock = FakeClock()

    def sleep_often() -> None:
        for _ in range(1000):
            clock.sleep(1)

    threads = [threading.Thread(target=sleep_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() == 4000 == len(clock.slept)


def test_an_injected_hour_takes_no_time() -> None:
    """On a fake clock, a run with injected delays sleeps on it alone."""
    clock = FakeClock()
    recording = run_once(inject=injectors.delay("1h", at="before:step"), repeat=3, clock=clock)
    assert recording.report.iterations.ok == 3
    assert clock.slept == [3600.0] * 3


# -- recorders


def test_the_target_writes_down_its_calls() -> None:
    """A recording target knows what was asked of it, in order."""
    target = RecordingTarget("shop")
    report = Scenario("s").target(target).step("use", RecordingTarget.run_once).repeat(2).run()
    assert target.calls == ["setup", "run_once", "run_once", "teardown"]
    assert report.target == "shop"


def test_the_target_fails_where_it_was_told_to() -> None:
    """A recording target can be told which of its methods raise."""
    target = RecordingTarget(failing=["setup"])
    report = Scenario("s").target(target).step("use", RecordingTarget.run_once).run()
    assert target.calls == ["setup", "teardown"]
    assert [each.hook for each in report.troubles] == ["setup"]


def test_the_reporter_keeps_everything() -> None:
    """A recording reporter has the events and the report of every run."""
    recorder = RecordingReporter()
    scenario = Scenario("s").target(RecordingTarget()).step("use", RecordingTarget.run_once)
    reports = [scenario.run(reporters=[recorder]) for _ in range(2)]
    assert recorder.reports == reports
    assert [each.iteration for each in recorder.of(IterationEnded)] == [0, 0]


# -- builders


def test_an_ask_draws_what_a_run_would_draw() -> None:
    """An ask made by hand draws the same as the ask of a run with the same identity."""
    injector = injectors.delay("1ms", "1s")
    recording = run_once(inject=attrs.evolve(injector, at="before:step"), repeat=3, seed=5, clock=FakeClock())
    faults = [injector.answer(ask(seed=5, iteration=iteration)) for iteration in range(3)]
    by_hand = [fault.describe() for fault in faults if fault is not None]
    assert [each.detail for each in recording.of(Fired)] == by_hand
    assert len(set(by_hand)) == 3


def test_an_ask_says_where_it_is() -> None:
    """What is passed to `ask` is what the injector sees."""
    clock = FakeClock()
    asked = ask("db.read", kind="delay", tags={"table": "jobs"}, iteration=4, n=2, clock=clock)
    clock.advance(3)
    assert (asked.point, asked.kind, asked.tags["table"]) == ("db.read", "delay", "jobs")
    assert (asked.iteration, asked.n, asked.elapsed_s) == (4, 2, 3.0)


def test_a_delay_is_applied_to_the_fake_clock() -> None:
    """A fault applied by hand acts on the clock that was passed."""
    clock = FakeClock()
    fault = Delay(0.5)
    fault.apply(strike(fault, clock=clock))
    asyncio.run(_applied(fault, clock))
    assert clock.slept == [0.5, 0.5]


async def _applied(fault: Delay, clock: FakeClock) -> None:
    await fault.aapply(strike(fault, ask(clock=clock)))


def test_a_raised_fault_names_its_injector() -> None:
    """An error raised by hand carries the mark of the injector that asked."""
    fault = Raise(InjectedError)
    with pytest.raises(InjectedError) as raised:
        fault.apply(strike(fault, ask(name="breaker")))
    assert injected_by(raised.value) == "breaker"


def test_a_cancellation_by_hand_is_a_deadline() -> None:
    """Cancelling synchronous code by hand raises at once, as in a run."""
    fault = Cancel()
    with pytest.raises(InjectedTimeout):
        fault.apply(strike(fault))


def test_a_site_writes_down_what_it_is_told() -> None:
    """What an injector says to its site can be read there, and its draws follow the seed."""
    where = site("the target", seed=3)
    where.landed("cut", "a wire", "red")
    assert where.landings == [("cut", "a wire", "red")]
    assert where.target == "the target"
    assert where.draw("x") == site(seed=3).draw("x") != site(seed=4).draw("x")
    assert where.choose(["a", "b"], count=2) == ("a", "b")


def test_faults_by_hand_go_to_loopback_only() -> None:
    """A site made by hand resolves nothing beyond this machine."""
    assert site().resolve("127.0.0.1", 1) == "127.0.0.1"
    with pytest.raises(ForbiddenTargetError):
        site().resolve("192.0.2.1", 80)


def test_a_fault_held_by_hand_needs_an_undo_action() -> None:
    """An undo that nobody offers is refused before the fault is applied."""
    with pytest.raises(UnknownNameError), site().undoing("no such undo", {}, target="x", manual="x"):
        pytest.fail("the fault was applied")


def test_a_fault_held_by_hand_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that an injector holds by its site is taken back by the action of that name when its block ends."""
    undone: list[Any] = []

    class Action:
        def undo(self, args: Any) -> str:
            undone.append(args)
            return "undone"

        def in_effect(self, args: Any) -> bool:
            return False

    offers = Offers("undo action", (Offer("door.close", Action(), "door", "chaos-door 1"),))
    monkeypatch.setattr(builders, "catalogue", lambda: SimpleNamespace(undos=offers))
    where = site()
    with where.undoing("door.close", {"door": 1}, target="door 1", manual="close it"):
        assert undone == []
    assert undone == [{"door": 1}]
    assert where.undone == [("door.close", {"door": 1})]


def test_a_scene_shows_the_target() -> None:
    """A checker started by hand sees what was passed, and a run in which nothing happened."""
    clock = FakeClock()
    seen = scene("the target", clock=clock)
    clock.advance(2)
    assert (seen.target, seen.elapsed_s(), seen.progress.succeeded) == ("the target", 2.0, 0)


# -- by hand


def test_answers_are_those_of_one_task() -> None:
    """An injector asked by hand strikes as often as its probability says, the same for one seed."""
    injector = injectors.error(probability=0.5)
    found = [fault is not None for fault in answers(injector, 200, seed=1)]
    assert 70 < sum(found) < 130
    assert found == [fault is not None for fault in answers(injector, 200, seed=1)]
    assert found != [fault is not None for fault in answers(injector, 200, seed=2)]


class Watching:
    """A validator that says when it looked."""

    kind: ClassVar[str] = "watching"
    severity = Severity.INFO

    def start(self, scene: Scene) -> Any:
        return WatchingChecker(scene)


class WatchingChecker:
    observes = (IterationEnded, Opened)
    moments = frozenset(Moment)
    every_s = 1.0

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    async def check(self, moment: Moment) -> str:
        return f"{moment} at {self.scene.elapsed_s():g}"

    def observe(self, event: IterationEnded) -> str:
        return f"iteration {event.iteration} at {self.scene.elapsed_s():g}, {self.scene.progress.succeeded} ok"

    def conclude(self) -> None:
        return None


def test_a_validator_is_asked_in_the_order_of_a_run() -> None:
    """Judged by hand, a checker looks before, at each event, during, and after, with the clock at each event."""
    events = [IterationEnded(float(n), 0, n, Outcome.OK, 0.1) for n in (1, 2)]
    found = judge(Watching(), events)
    assert [each.message for each in found] == [
        "before at 0",
        "iteration 1 at 1, 1 ok",
        "iteration 2 at 2, 2 ok",
        "during at 2",
        "after at 2",
    ]


def test_what_a_checker_raises_is_raised() -> None:
    """Judged by hand, an error of the checker is no finding."""
    with pytest.raises(AttributeError):
        judge(validators.state_consistency(lambda target: target.nothing), target=object())


# -- runs


def test_a_run_of_one_step_is_recorded() -> None:
    """One call runs a step under an injector and a validator, and returns the report and the events."""
    recording = run_once(
        RecordingTarget.run_once,
        inject=injectors.error(at="before:step"),
        expect=lambda target: target.calls.count("run_once") == 0,
        repeat=4,
    )
    assert recording.report.iterations.faulted == 4
    assert [each.point for each in recording.of(Fired)] == ["before:step"] * 4
    assert recording.report.findings == ()


def test_a_run_that_the_framework_fails_is_no_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the framework itself fails, that is the error, and no part is blamed."""
    monkeypatch.setattr("chaoscore.executor.life.Crew", None)
    with pytest.raises(ChaosError, match="the run failed: run: TypeError"):
        run_once()


# -- what is hostile


def test_a_hostile_target_raises_whatever_it_is_asked() -> None:
    """A hostile target can be asked for nothing, and writes down what was tried."""
    target: Any = HostileTarget()
    for ask_for in (lambda: target.size, lambda: target[0], target, lambda: list(target),
                    lambda: len(target), lambda: 5 in target):  # fmt: skip
        with pytest.raises(Exception, match="cannot be asked for"):
            ask_for()
    assert target.asked == ["its 'size'", "its [0]", "a call", "its items", "its length", "what is in it"]


def test_a_hostile_run_is_one_that_can_be_folded() -> None:
    """Everything that can go wrong goes wrong in a hostile run, and a report can be made of it."""
    fold = Fold()
    for event in hostile_run("\x1b[2J"):
        fold.add(event)
    report = fold.report()
    assert report.verdict == "fail"
    assert report.findings[0].first.message == "\x1b[2J"
    assert report.interrupted == "SIGINT"
