"""Iterations in threads and in tasks, and steps that would never end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from chaoscore import InjectedPanic, IterationEnded, Outcome, Phase, Scenario, StepEnded, Stuck, Verdict, point
from chaoscore.injectors import delay, error
from tests.executor.parts import Collect


class Once:
    """Misbehaves in one call, by its number, and returns at once in all others."""

    def __init__(self, misbehave: Callable[[], Any], call: int = 1) -> None:
        self.calls, self.misbehave, self.call = 0, misbehave, call

    def sync(self, _: Any) -> None:
        """Be a plain step."""
        self.calls += 1
        if self.calls - 1 == self.call:
            self.misbehave()

    async def task(self, _: Any) -> None:
        """Be an async step."""
        self.calls += 1
        if self.calls - 1 == self.call:
            result = self.misbehave()
            if result is not None:
                await result


def spin() -> None:
    """Loop in Python code for ever."""
    while True:
        pass


def run(step: Callable[[Any], Any], *, repeat: int = 4, workers: int = 1) -> tuple[Collect, Any]:
    """Run *step* with a limit that it exceeds when it misbehaves."""
    collect = Collect()
    chaos = Scenario("stuck").target(object()).step("work", step).limit(step="60ms", drain="100ms")
    return collect, chaos.repeat(repeat).workers(workers).run(reporters=[collect])


def assert_one_stuck(collect: Collect, report: Any, where: str) -> None:
    """One iteration is stuck and told once, its stack names *where*, and all others succeeded."""
    assert [event.iteration for event in collect.of(Stuck)] == [1]
    assert where in collect.of(Stuck)[0].stack
    assert (report.iterations.ok, report.iterations.stuck) == (3, 1)
    assert [each.outcome for each in collect.of(StepEnded)].count(Outcome.STUCK) == 1
    assert [(each.first.type, each.count) for each in report.errors] == [("stuck", 1)]


def test_a_python_loop_without_end_is_ended_and_the_run_goes_on() -> None:
    """The step is interrupted where it loops; its worker does the other iterations."""
    assert_one_stuck(*run(Once(spin).sync), where="in spin")


def test_a_blocked_thread_is_left_behind_and_replaced() -> None:
    """A step that waits for a lock cannot be ended; another worker takes over, and the late return changes nothing."""
    released = threading.Event()
    collect, report = run(Once(released.wait).sync)
    assert_one_stuck(collect, report, where="in wait")
    before = list(collect.events)
    released.set()
    for thread in threading.enumerate():
        if thread.name.startswith("chaoscore-worker"):
            thread.join()
    assert collect.events == before


def test_an_async_step_that_never_ends_is_cancelled() -> None:
    """Its stack shows what it awaits."""
    assert_one_stuck(*run(Once(lambda: asyncio.sleep(60)).task), where="in sleep")


def test_an_async_step_that_blocks_the_loop_is_ended() -> None:
    """Nothing else on the loop can run, so the watch's own thread ends it."""
    assert_one_stuck(*run(Once(spin).task), where="in spin")


def test_an_async_step_that_ignores_its_cancellation_is_left_behind() -> None:
    """Another task takes its number."""
    stop = False

    async def stubborn() -> None:
        while not stop:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    collect, report = run(Once(stubborn).task)
    stop = True
    assert_one_stuck(collect, report, where="in stubborn")


def test_a_stuck_worker_does_not_hold_the_others() -> None:
    """With two workers, the iterations go on while one is stuck."""
    collect, report = run(Once(spin).sync, repeat=200, workers=2)
    ended = [event.iteration for event in collect.of(IterationEnded)]
    assert ended.index(1) == len(ended) - 1
    assert report.iterations.ok == 199


def test_every_iteration_runs_once_however_many_workers() -> None:
    """No number is lost and none is given twice."""
    for is_async in (False, True):
        seen: list[int] = []
        numbers = iter(range(10_000))

        def work(_: Any, seen: list[int] = seen, numbers: Any = numbers) -> None:
            seen.append(next(numbers))

        async def awork(_: Any, work: Any = work) -> None:
            work(None)

        collect = Collect()
        chaos = Scenario("all").target(object()).step("work", awork if is_async else work)
        chaos.repeat(1000).workers(8).run(reporters=[collect])
        assert len(seen) == 1000
        assert sorted(event.iteration for event in collect.of(IterationEnded)) == list(range(1000))


def test_the_workload_ends_with_its_time() -> None:
    """`run_for` begins no iteration after its time, `repeat` or not."""
    calls: list[float] = []
    began = time.perf_counter()

    def work(_: Any) -> None:
        calls.append(time.perf_counter() - began)
        time.sleep(0.001)

    Scenario("timed").target(object()).step("work", work).run_for("50ms").repeat(1_000_000).run()
    assert 1 <= len(calls) <= 51


def test_a_step_that_outlasts_the_run_is_stuck_and_told() -> None:
    """A run for a time ends although a step does not."""
    collect = Collect()
    released = threading.Event()
    chaos = Scenario("outlasting").target(object()).step("work", lambda _: released.wait(30))
    report = chaos.run_for("20ms").limit(drain="20ms").run(reporters=[collect])
    released.set()
    assert report.iterations.stuck == 1
    assert "in wait" in collect.of(Stuck)[0].stack


def test_a_rate_spaces_iterations() -> None:
    """At 1,000 per second, iteration 20 does not begin before 20 ms, whatever the workers could do."""
    collect = Collect()
    chaos = Scenario("paced").target(object()).step("work", lambda _: None).repeat(21).rate(1000).workers(3)
    chaos.run(reporters=[collect])
    (began,) = (phase.at for phase in collect.of(Phase) if phase.name == "workload")
    (last,) = (event for event in collect.of(IterationEnded) if event.iteration == 20)
    assert last.at - last.duration_s - began >= 0.02


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_step_ends_its_iteration(is_async: bool) -> None:
    """The steps after it do not run in that iteration, and run in the next."""
    ran: list[str] = []

    def first(_: Any) -> None:
        ran.append("first")
        if len(ran) == 1:
            raise SystemExit(3)

    async def afirst(target: Any) -> None:
        first(target)

    chaos = Scenario("order").target(object()).step("first", afirst if is_async else first)
    report = chaos.step("second", lambda _: ran.append("second")).repeat(2).continue_on_failure().run()
    assert ran == ["first", "first", "second"]
    assert report.errors[0].first.type == "SystemExit"


@pytest.mark.parametrize("is_async", [False, True])
def test_faults_strike_at_the_borders_of_steps(is_async: bool) -> None:
    """An error after the step comes when its work is done, and makes the iteration faulted."""
    done: list[int] = []

    async def awork(_: Any) -> None:
        done.append(1)

    chaos = Scenario("border").target(object()).step("work", awork if is_async else lambda _: done.append(1))
    chaos = chaos.inject("late", error("OSError", at="after:work")).inject("early", delay("1us", at="before:*"))
    report = chaos.repeat(2).run()
    assert len(done) == 2
    assert report.iterations.faulted == 2
    assert [(each.info.name, each.fired) for each in report.injections] == [("late", 2), ("early", 2)]


def test_border_faults_leave_other_points_alone() -> None:
    """An injector that is meant for a border is not asked inside the step."""
    chaos = Scenario("border").target(object()).step("work", lambda _: point("inside")).step("other", lambda _: None)
    report = chaos.inject("late", error("OSError", at="before:other")).run()
    assert report.injections[0].asked == 1


def test_a_panic_in_a_task_does_not_end_the_loop() -> None:
    """Whatever an async step raises is data, a panic included."""

    async def work(_: Any) -> None:
        raise InjectedPanic("own")

    report = Scenario("panic").target(object()).step("work", work).repeat(3).continue_on_failure().run()
    assert report.iterations.failed == 3  # raised by the step itself: no injector did it


def test_a_run_works_off_the_main_thread() -> None:
    """No signal is touched there, async steps and all."""
    verdicts: list[Verdict] = []

    async def work(_: Any) -> None:
        await asyncio.sleep(0)

    thread = threading.Thread(
        target=lambda: verdicts.append(Scenario("off").target(object()).step("work", work).run().verdict)
    )
    thread.start()
    thread.join()
    assert verdicts == [Verdict.PASS]


def test_a_plain_step_among_async_ones_keeps_its_thread() -> None:
    """A worker's plain steps share one thread, so that what belongs to a thread can be used by all of them."""
    threads: list[int] = []

    async def task(_: Any) -> None:
        await asyncio.sleep(0)

    chaos = Scenario("mixed").target(object()).step("task", task)
    chaos = chaos.step("one", lambda _: threads.append(threading.get_ident()))
    chaos.step("two", lambda _: threads.append(threading.get_ident())).repeat(3).run()
    assert len(threads) == 6
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_worker_that_breaks_is_told(is_async: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of the framework's own outside any step makes the run unknown, not a run that had nothing to do."""

    def broken(_: object, iteration: int) -> float:
        raise ZeroDivisionError("a bug")

    async def task(_: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("chaoscore.executor.running.LiveRun.pace", broken)
    report = Scenario("broken").target(object()).step("work", task if is_async else lambda _: None).repeat(3).run()
    assert report.verdict is Verdict.UNKNOWN
    assert [(trouble.hook, trouble.error.type) for trouble in report.troubles] == [("worker", "ZeroDivisionError")]
