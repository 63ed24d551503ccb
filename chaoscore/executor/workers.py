"""Logical workers: how iterations are driven, in threads and in tasks."""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from types import CoroutineType
from typing import Any

from chaoscore.context import CURRENT, Place
from chaoscore.errors import StuckStepError, injected_by
from chaoscore.events import IterationEnded, Outcome, StepEnded, Trouble
from chaoscore.executor.describe import error_info, task_stack, thread_stack
from chaoscore.executor.hooks import Escaped, Lane
from chaoscore.executor.running import LiveRun
from chaoscore.points import aside
from chaoscore.spec import Step
from chaoscore.verdict import Verdict

TRACEBACKS = 1_000
"""Errors whose tracebacks are formatted (60 us each); later ones are counted with their type and message."""

SLICE_S = 0.1
"""A worker that waits for its next iteration looks this often whether the run goes on."""

YIELD_S = 0.002
"""An async step that never suspends gives the loop a turn at least this often."""


class Flight:
    """A step under way, as the watch sees it."""

    __slots__ = ("_unsettled", "began", "given_up", "given_up_at", "place", "step")

    def __init__(self, place: Place, step: Step, began: float) -> None:
        self.place, self.step, self.began = place, step, began
        self.given_up: Outcome | None = None
        self.given_up_at = 0.0
        self._unsettled = [True]

    def settle(self) -> bool:
        """Tell whether the caller is the one to report how this ended; `list.pop` decides a race."""
        try:
            return self._unsettled.pop()
        except IndexError:
            return False


class Worker:
    """
    One logical worker; a subclass drives it.

    Attributes:
        number: From 0.
        flight: The step under way, or None between steps.
        abandoned: Its step would not end; another worker has taken its number.
    """

    def __init__(
        self, number: int, run: LiveRun, done: Callable[[Worker], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.number, self.run = number, run
        self._done, self._loop = done, loop
        self.flight: Flight | None = None
        self.abandoned = False
        self._began = 0.0
        self._border = threading.Lock()  # between a step and what comes after it: an interruption must hit the step

    def start(self) -> None:
        """Begin to work; called on the loop."""
        raise NotImplementedError

    def stack(self) -> str:
        """Return where its step is."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Try to end the step under way."""
        raise NotImplementedError

    def abandon(self, outcome: Outcome) -> None:
        """Leave the step under way behind, and report it in its worker's stead."""
        flight = self.flight
        self.abandoned = True
        if flight is not None and flight.settle():
            self._report(flight, outcome, None)
            self._end(flight.place, outcome)
        self._done(self)

    def _claim(self) -> int | None:
        """Return the next iteration, or None when there is none."""
        run = self.run
        if run.stopping or self.abandoned or run.now() >= run.until:
            return None
        return next(run.claims, None)

    def _begin(self, iteration: int) -> Place:
        place = Place(self.run, self.number, iteration)
        self._began = self.run.now()
        return place

    def _step_began(self, place: Place, step: Step) -> Flight:
        place.step = step.name
        flight = self.flight = Flight(place, step, self.run.now())
        return flight

    def _step_ended(self, flight: Flight, error: BaseException | None) -> Outcome:
        """Report a step that returned or raised *error*; nothing is reported twice for one that was left behind."""
        with self._border:
            self.flight = None
        CURRENT.set(None)  # what a worker does between steps is no business of points, nor of patched functions
        flight.place.leave()
        outcome = flight.given_up or _outcome(error)
        if flight.settle():
            self._report(flight, outcome, error)
        return outcome

    def _recover(self) -> None:
        """Make up for what an interruption cut short that came when its step had just ended by itself."""
        flight, self.flight = self.flight, None
        CURRENT.set(None)
        if flight is not None and flight.settle():
            self._report(flight, Outcome.STUCK, None)
            self._end(flight.place, Outcome.STUCK)

    def _broke(self, error: Exception) -> None:
        """Report that this worker itself broke, outside any step."""
        self.run.emit(Trouble(self.run.elapsed_s(), "chaoscore", "worker", error_info(error), Verdict.UNKNOWN))

    def _raise_in(self, ident: int | None) -> None:
        with self._border:
            if self.flight is not None and ident is not None:
                raise_in_thread(ident)

    def _report(self, flight: Flight, outcome: Outcome, error: BaseException | None) -> None:
        run, info = self.run, None
        if error is not None and not (isinstance(error, StuckStepError) or _ended_by_us(flight, error)):
            run.errors += 1
            info = error_info(error, with_traceback=run.errors <= TRACEBACKS)
        now = run.now()
        place = flight.place
        at = run.elapsed_s()
        run.emit(StepEnded(at, self.number, place.iteration, flight.step.name, outcome, now - flight.began, info))

    def _end(self, place: Place, outcome: Outcome) -> None:
        place.leave()
        duration = self.run.now() - self._began
        self.run.emit(IterationEnded(self.run.elapsed_s(), self.number, place.iteration, outcome, duration))


def _ended_by_us(flight: Flight, error: BaseException) -> bool:
    """Tell whether *error* only says that the step was told to end, which its outcome says as well."""
    return flight.given_up is not None and isinstance(error, asyncio.CancelledError)


def _outcome(error: BaseException | None) -> Outcome:
    if error is None:
        return Outcome.OK
    if isinstance(error, StuckStepError):
        return Outcome.STUCK
    return Outcome.FAILED if injected_by(error) is None else Outcome.FAULTED


class ThreadWorker(Worker):
    """Drives plain steps in a thread of its own."""

    def start(self) -> None:
        """Begin to work, in a copy of the caller's context."""
        name = f"chaoscore-worker-{self.number}"
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), name=name, daemon=True)
        self._thread.start()

    def stack(self) -> str:
        """Return where its thread is."""
        return thread_stack(self._thread.ident or 0)

    def interrupt(self) -> None:
        """Raise inside the step; Python code ends there, a call into C when it returns."""
        self._raise_in(self._thread.ident)

    def _work(self) -> None:
        try:
            while (iteration := self._claim()) is not None:
                try:
                    self._iterate(iteration)
                except StuckStepError:
                    self._recover()
        except Exception as error:  # noqa: BLE001 - a bug of ours: the run must not end as if there had been nothing to do
            self._broke(error)
        finally:
            if not self.abandoned:  # then nobody waits for it, and its loop may be closed
                self._done(self)

    def _iterate(self, iteration: int) -> None:
        run = self.run
        while (wait_s := run.pace(iteration)) > 0:
            if run.stopping:
                return
            run.clock.sleep(min(wait_s, SLICE_S))
        place = self._begin(iteration)
        outcome = Outcome.OK
        for step in run.steps:
            flight = self._step_began(place, step)
            outcome = self._step_ended(flight, self._attempt(place, step))
            if outcome is not Outcome.OK:
                break
        if not self.abandoned:
            self._end(place, outcome)

    def _attempt(self, place: Place, step: Step) -> BaseException | None:
        """Run *step* and return what it raised; held in no frame, so that it goes away with its report."""
        run = self.run
        try:
            CURRENT.set(place)
            borders = run.answering["border"]
            if borders:
                place.visit("border", f"before:{step.name}")
            result = step.call(run.target)
            if result is not None and inspect.iscoroutine(result):
                raise unawaited(step, result)
            if borders:
                place.visit("border", f"after:{step.name}")
        except BaseException as error:  # noqa: BLE001 - what a step raises is data
            return error
        return None


class TaskWorker(Worker):
    """Drives `async def` steps as a task; plain steps among them run in a thread that belongs to this worker."""

    _task: asyncio.Task[None] | None = None
    _yielded = 0.0

    def start(self) -> None:
        """Begin to work, in a copy of the caller's context."""
        name = f"chaoscore-worker-{self.number}"
        self._lane = Lane(name)
        self._loop_thread = threading.get_ident()
        self._task = self._loop.create_task(self._work(), name=name)

    def stack(self) -> str:
        """Return where its task is suspended, or what its thread or the loop's is doing."""
        assert self._task is not None
        flight = self.flight
        if flight is not None and not flight.step.is_async and self._lane.ident is not None:
            return thread_stack(self._lane.ident)
        coroutine = self._task.get_coro()
        if isinstance(coroutine, CoroutineType) and coroutine.cr_running:  # it blocks the loop
            return thread_stack(self._loop_thread)
        return task_stack(self._task)

    def interrupt(self) -> None:
        """Cancel the step; one that blocks the loop never sees that, so its thread is interrupted by `unblock`."""
        flight = self.flight
        if flight is not None and not flight.step.is_async and self._lane.ident is not None:
            self._raise_in(self._lane.ident)
        elif self._task is not None:
            self._loop.call_soon_threadsafe(self._cancel, flight)

    def unblock(self) -> None:
        """Raise in the loop's thread, which this worker's step blocks."""
        self._raise_in(self._loop_thread)

    def _cancel(self, flight: Flight | None) -> None:
        if self._task is not None and flight is self.flight:
            self._task.cancel()

    async def _work(self) -> None:
        try:
            while (iteration := self._claim()) is not None:
                try:
                    await self._iterate(iteration)
                except StuckStepError:
                    self._recover()
        except Exception as error:  # noqa: BLE001 - as in a thread
            self._broke(error)
        finally:
            self._lane.close()
            if not self.abandoned:
                self._done(self)

    async def _iterate(self, iteration: int) -> None:
        run = self.run
        while (wait_s := run.pace(iteration)) > 0:
            if run.stopping:
                return
            await run.clock.asleep(min(wait_s, SLICE_S))
        place = self._begin(iteration)
        if self._began - self._yielded > YIELD_S:
            await asyncio.sleep(0)
            self._yielded = self._began
        outcome = Outcome.OK
        for step in run.steps:
            flight = self._step_began(place, step)
            error = await self._attempt(place, step)
            place.leave()  # before the loop has another turn: what has not struck by now does not
            await self._uncancel()
            outcome = self._step_ended(flight, error)
            error = None
            if outcome is not Outcome.OK:
                break
        if not self.abandoned:
            self._end(place, outcome)

    async def _attempt(self, place: Place, step: Step) -> BaseException | None:
        try:
            CURRENT.set(place)
            await self._run_step(place, step)
        except Escaped as carrier:
            return carrier.error
        except BaseException as error:  # noqa: BLE001 - what a step raises is data
            return error
        return None

    async def _run_step(self, place: Place, step: Step) -> None:
        run = self.run
        borders = bool(run.answering["border"])
        if borders:
            await place.avisit("border", f"before:{step.name}")
        if step.is_async:
            await step.call(run.target)  # type: ignore[misc]  # is_async says that it is awaitable
        else:
            result = await self._lane.call(step.call, run.target)
            if inspect.iscoroutine(result):
                raise unawaited(step, result)
        if borders:
            await place.avisit("border", f"after:{step.name}")

    async def _uncancel(self) -> None:
        """Forget cancellations that were aimed at the step, so that the next one is not hit."""
        assert self._task is not None
        if self._task.cancelling():
            with aside(), suppress(asyncio.CancelledError):  # the last one still waits for an `await` to be raised in
                await asyncio.sleep(0)
        while self._task.cancelling():
            self._task.uncancel()


def unawaited(step: Step, coroutine: CoroutineType[Any, Any, Any]) -> TypeError:
    """Return the error for a plain step that gave a coroutine back, which nobody would have awaited."""
    coroutine.close()
    return TypeError(f"step {step.name!r} returned a coroutine; make it `async def` so that it is awaited")


def raise_in_thread(ident: int) -> None:
    """Raise `StuckStepError` in another thread, as soon as it executes Python code."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(StuckStepError))
