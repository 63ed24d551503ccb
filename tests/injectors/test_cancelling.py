"""Cancelling tasks, and letting synchronous code run into a deadline."""

import asyncio
import re
import threading
import time
from typing import Any

import pytest

from chaoscore.errors import InjectedTimeout, is_injected
from chaoscore.events import Fired, Outcome, Recorded, StepEnded
from chaoscore.injectors import cancellation, error
from chaoscore.points import amaybe_cancel, apoint, maybe_cancel, point, record_event
from chaoscore.spec import window
from tests.runs import Finished, HandClock, finish, ran, scenario

WAIT_S = 0.05


def messages(run: Finished) -> list[Any]:
    return [info and (info.type, info.injected_by, info.panic) for info in run.errors]


CANCELLED = ("asyncio.exceptions.CancelledError", "it", False)


@pytest.mark.parametrize("call", [amaybe_cancel, lambda: apoint("here")])
def test_cancel(call: Any) -> None:
    """A task is cancelled at the point; that is an injected fault, and neither a panic nor a real failure."""
    behind: list[int] = []

    async def step(target: Any) -> None:
        await call()
        behind.append(1)

    run = ran(step, cancellation(), repeat=3)
    assert behind == []
    assert (run.outcomes, messages(run)) == ([Outcome.FAULTED] * 3, [CANCELLED] * 3)
    assert run.report.iterations.cancelled == 0


def test_blocking_form_in_a_task() -> None:
    """The plain call cancels the task as well; it takes effect at the next `await`."""
    behind: list[str] = []

    async def step(target: Any) -> None:
        maybe_cancel()
        behind.append("at once")
        await asyncio.sleep(0)
        behind.append("after an await")

    run = ran(step, cancellation())
    assert (run.outcomes, run.lifted().fired) == ([Outcome.FAULTED], 1)
    assert behind == ["at once"]


def test_next_steps_are_not_poisoned() -> None:
    """A cancellation ends with its step, whether it was delivered, swallowed, or still waited for an `await`."""
    cancelling: list[int] = []

    async def delivered(target: Any) -> None:
        try:
            await amaybe_cancel()
        except asyncio.CancelledError:
            record_event("swallowed")

    async def pending(target: Any) -> None:
        maybe_cancel()

    async def innocent(target: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        cancelling.append(task.cancelling())
        async with asyncio.timeout(5):
            await asyncio.sleep(0)

    trial = scenario(delivered, cancellation(), repeat=3)
    trial = trial.step("innocent", innocent).step("pending", pending).step("innocent too", innocent)
    run = finish(trial)
    assert run.report.iterations.ok == 3
    assert cancelling == [0] * 6
    assert (run.lifted().armed, run.lifted().fired) == (6, 3)
    assert {fired.step for fired in run.fired} == {"step"}


def test_next_iterations_are_not_poisoned() -> None:
    """After an iteration that was cancelled the worker goes on, and only those that are struck fail."""

    async def step(target: Any) -> None:
        await amaybe_cancel()
        await asyncio.sleep(0)

    run = ran(step, cancellation(0.3), repeat=50, workers=4)
    struck = {fired.iteration for fired in run.fired}
    assert run.report.iterations.faulted == len(struck)
    assert run.report.iterations.ok == 50 - len(struck)
    assert 5 < len(struck) < 30


def test_delayed() -> None:
    """A delayed cancellation hits what the task waits for then."""

    async def step(target: Any) -> None:
        await amaybe_cancel()
        await asyncio.sleep(WAIT_S)

    run = ran(step, cancellation(after="5ms"), repeat=2)
    assert messages(run) == [CANCELLED] * 2


def test_delayed_never_hits_later() -> None:
    """A delayed cancellation whose step has ended hits neither the next step nor a later iteration."""

    async def armed(target: Any) -> None:
        await amaybe_cancel()

    async def long(target: Any) -> None:
        await asyncio.sleep(0.02)

    trial = scenario(armed, cancellation(after="5ms"), repeat=2)
    run = finish(trial.step("long", long).step("plain", lambda target: time.sleep(0.01)))
    assert run.outcomes == [Outcome.OK] * 6
    assert (run.lifted().armed, run.lifted().fired, run.fired) == (2, 0, [])
    assert run.report.verdict == "unknown"
    assert "armed 2 times, never struck" in run.report.reasons[0].text


def test_delayed_is_evident_when_it_strikes() -> None:
    """The evidence of a delayed cancellation is as late as that, and names the point and the ask that decided it."""

    async def step(target: Any) -> None:
        await amaybe_cancel("here")
        record_event("armed")
        await apoint("there")
        await asyncio.sleep(5)

    run = ran(step, cancellation(after="5ms", at="here"), repeat=3)
    kinds = [type(event) for event in run.events if isinstance(event, Recorded | Fired | StepEnded)]
    assert kinds == [Recorded, Fired, StepEnded] * 3
    assert [(fired.point, fired.iteration, fired.n, fired.step) for fired in run.fired] == [
        ("here", iteration, 0, "step") for iteration in range(3)
    ]
    assert {fired.where for fired in run.fired} == {
        f"{__file__}:{step.__code__.co_firstlineno + 1} in {step.__qualname__}"
    }


@pytest.mark.parametrize("swallows", [False, True])
def test_child_that_awaits_nothing(swallows: bool) -> None:
    """A child that ends without any `await` is cancelled all the same, unless it ends with an error of its own."""
    ends: list[type[BaseException]] = []

    async def child() -> None:
        maybe_cancel()
        if swallows:
            raise KeyError

    async def step(target: Any) -> None:
        try:
            await asyncio.create_task(child())
        except (asyncio.CancelledError, KeyError) as error:
            ends.append(type(error))

    run = ran(step, cancellation())
    assert ends == [KeyError if swallows else asyncio.CancelledError]
    assert (run.lifted().armed, run.lifted().fired) == (1, 0 if swallows else 1)


def test_delayed_in_a_child() -> None:
    """A delayed cancellation hits the task that reached the point, not the step that started it."""
    ends: list[Any] = []

    async def child() -> None:
        await amaybe_cancel()
        await asyncio.sleep(WAIT_S)

    async def step(target: Any) -> None:
        try:
            await asyncio.create_task(child())
        except asyncio.CancelledError as error:
            ends.append(error)

    run = ran(step, cancellation(after="5ms"))
    assert run.outcomes == [Outcome.OK]
    assert [is_injected(each) for each in ends] == [True]
    assert run.fired[0].path == (0,)


def test_lifted_before_it_is_due() -> None:
    """A delayed cancellation does not strike when its window has closed before."""

    async def step(target: Any) -> None:
        await amaybe_cancel()
        await asyncio.sleep(WAIT_S)

    run = ran(step, cancellation(after="40ms"), window=window(until="10ms"))
    assert (run.outcomes, run.fired) == ([Outcome.OK], [])


def test_in_a_group() -> None:
    """A task of a group that is cancelled ends alone; the step itself, cancelled in its group, ends as injected."""

    async def child() -> None:
        await apoint("child")

    async def alone(target: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())

    async def together(target: Any) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(5))
            await apoint("parent")

    assert ran(alone, cancellation()).outcomes == [Outcome.OK]
    assert messages(ran(together, cancellation())) == [CANCELLED]


def test_in_a_timeout() -> None:
    """An injected cancellation is not mistaken for a time-out that the code has set."""

    async def step(target: Any) -> None:
        async with asyncio.timeout(5):
            await amaybe_cancel()

    assert messages(ran(step, cancellation())) == [CANCELLED]


def test_while_waiting_for_a_child() -> None:
    """A cancellation that travels through tasks that wait for each other keeps its mark."""

    async def inner() -> None:
        await asyncio.sleep(WAIT_S)

    async def step(target: Any) -> None:
        await amaybe_cancel()
        await asyncio.wait_for(asyncio.gather(asyncio.create_task(inner()), asyncio.to_thread(int)), 5)

    assert messages(ran(step, cancellation(after="5ms"))) == [CANCELLED]


def test_converted() -> None:
    """An error raised from an injected cancellation is injected; one raised while cleaning up after it is real."""

    async def converted(target: Any) -> None:
        try:
            await amaybe_cancel()
        except asyncio.CancelledError as caught:
            raise TimeoutError from caught

    async def broken(target: Any) -> None:
        try:
            await amaybe_cancel()
        finally:
            raise KeyError("clean-up")

    assert messages(ran(converted, cancellation())) == [("TimeoutError", "it", False)]
    (info,) = ran(broken, cancellation()).errors
    assert info is not None
    assert (info.type, info.injected_by, info.while_handling) == ("KeyError", None, "it")


def test_own_cancellation_is_real() -> None:
    """A task that cancels itself, and code that raises a cancellation, have failed for real."""

    async def step(target: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    def plain(target: Any) -> None:
        raise asyncio.CancelledError

    assert ran(step, cancellation(), repeat=2).outcomes == [Outcome.FAILED] * 2
    assert ran(plain, cancellation(), repeat=2).outcomes == [Outcome.FAILED] * 2


# -- synchronous code


def test_deadline() -> None:
    """In synchronous code the first point past the deadline raises a time-out, which ordinary handlers catch."""
    clock, caught = HandClock(), []

    def step(target: Any) -> None:
        maybe_cancel("first")
        for number in range(10):
            clock.now_s += 0.3
            try:
                maybe_cancel(f"point {number}")
            except TimeoutError as timeout:
                caught.append((number, timeout))
                return

    run = ran(step, cancellation(after="1s"), clock=clock)
    assert run.outcomes == [Outcome.OK]
    ((number, timeout),) = caught
    assert (number, type(timeout), is_injected(timeout)) == (3, InjectedTimeout, True)
    assert [(fired.point, fired.n) for fired in run.fired] == [("first", 0)]
    assert (run.lifted().asked, run.lifted().fired) == (4, 1)


def test_deadline_of_any_point() -> None:
    """Any point observes the deadline, also one that no injector answers."""

    def step(target: Any) -> None:
        maybe_cancel()
        time.sleep(0.006)
        point("other")

    run = ran(step, cancellation(after="5ms", at="maybe_cancel"))
    assert messages(run) == [("chaoscore.errors.InjectedTimeout", "it", False)]


def test_deadline_ends_with_its_step() -> None:
    """A deadline strikes neither in the next step nor in a later iteration."""

    def late(target: Any) -> None:
        time.sleep(0.006)
        point("late")

    trial = scenario(lambda target: maybe_cancel(), cancellation(after="5ms", at="maybe_cancel"), repeat=2)
    run = finish(trial.step("late", late))
    assert run.outcomes == [Outcome.OK] * 4
    assert (run.lifted().armed, run.lifted().fired, run.fired) == (2, 0, [])
    assert run.report.verdict == "unknown"


def test_deadline_of_threads_is_one_fault() -> None:
    """A deadline that is raised in a step and in the threads that it has started is one fault."""
    clock = HandClock()
    struck: list[str] = []

    def reach(name: str) -> None:
        try:
            point(name)
        except InjectedTimeout:
            struck.append(name)

    def step(target: Any) -> None:
        maybe_cancel()
        thread = threading.Thread(target=reach, args=("thread",))
        clock.now_s += 2
        thread.start()
        thread.join()
        reach("step")

    run = ran(step, cancellation(after=1, at="maybe_cancel"), clock=clock)
    assert struck == ["thread", "step"]
    assert [(fired.point, fired.path) for fired in run.fired] == [("maybe_cancel", ())]


def test_plain_step_among_tasks() -> None:
    """A plain step beside `async def` ones runs in a thread, so it gets a deadline."""

    async def other(target: Any) -> None:
        await asyncio.sleep(0)

    run = finish(scenario(lambda target: maybe_cancel(), cancellation()).step("other", other))
    assert messages(run) == [("chaoscore.errors.InjectedTimeout", "it", False)]


def test_loop_inside_a_plain_step() -> None:
    """A task in a loop that a plain step runs by itself is cancelled, and known as injected."""
    run = ran(lambda target: asyncio.run(amaybe_cancel()), cancellation(), repeat=2)
    assert messages(run) == [CANCELLED] * 2


@pytest.mark.parametrize("injector", [cancellation(0), cancellation(at="other")])
def test_evidence_absent(injector: Any) -> None:
    """A cancellation that never strikes has no evidence, and no task is cancelled."""

    async def step(target: Any) -> None:
        await amaybe_cancel()
        await asyncio.sleep(0)

    run = ran(step, injector, error(probability=0), repeat=3)
    assert (run.lifted().fired, run.outcomes) == (0, [Outcome.OK] * 3)


@pytest.mark.parametrize(
    ("args", "how", "kind", "text"),
    [
        ((2,), {}, ValueError, "between 0 and 1"),
        ((), {"after": "later"}, ValueError, "'later' is not a duration"),
        ((), {"after": -1}, ValueError, "must be finite and not negative"),
        ((), {"at": ["a"]}, TypeError, "a glob is text"),
    ],
)
def test_refused(args: tuple[Any, ...], how: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A wrong cancellation cannot be built."""
    with pytest.raises(kind, match=re.escape(text)):
        cancellation(*args, **how)
