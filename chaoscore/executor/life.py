"""The life of one run: set up, look, inject, drive, lift, judge, tear down, report."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from chaoscore.errors import UndoError
from chaoscore.events import (
    Ended,
    Found,
    Interrupted,
    IterationEnded,
    Outcome,
    Phase,
    Stopped,
)
from chaoscore.executor.crew import GRACE_S, Crew, Watch
from chaoscore.executor.guard import Guard, Terms
from chaoscore.executor.host import Host
from chaoscore.executor.introduction import introduction
from chaoscore.executor.log import EventLogging
from chaoscore.executor.openings import FAILED
from chaoscore.executor.options import Options
from chaoscore.executor.panel import Panel
from chaoscore.executor.provisions import who
from chaoscore.executor.running import LiveRun
from chaoscore.executor.sampling import EVERY_S, sample
from chaoscore.executor.stream import Delivery
from chaoscore.fold import Fold
from chaoscore.plugins import catalogue
from chaoscore.propagation import followed
from chaoscore.protocols import Injector, Moment, Provider, Undo
from chaoscore.report import Report
from chaoscore.spec import Injection, Spec
from chaoscore.verdict import Severity, Verdict

_T = TypeVar("_T")

GUARD_S = 60.0
"""More than the guard takes to start, or to end with a watchdog that has much to undo."""


class Execution:
    """
    One run.

    Attributes:
        run_id: Names the run.
    """

    def __init__(self, spec: Spec, options: Options) -> None:
        self._spec, self._options = spec, options
        self._run = LiveRun(spec, options)
        self.run_id = self._run.run_id
        self._fold = Fold()
        self._host = Host(spec, options, self._run, self._fold)
        self._openings = self._host.openings
        self._panel = Panel(spec, self._host)
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._interrupts: list[str] = []
        self._watch: Watch | None = None
        self._driving = False
        self._told = self._ended = False

    # -- from start to finish

    async def live(self) -> Report:
        """Run from start to finish and return the report; raises nothing that a scenario can cause."""
        run, limits = self._run, self._spec.limits
        deliveries = [Delivery(reporter, limits.hook_s) for reporter in self._options.reporters]
        run.stream.deliver_to(deliveries)
        run.stream.subscribe(self._fold.add)
        run.stream.subscribe(self._stop_on_failure, (IterationEnded, Found))
        logged = EventLogging(self._host.log)
        run.stream.subscribe(logged, logged.types)
        run.emit(introduction(self._spec, self._options, run, self._openings.all))
        with followed(self._loop), self._limited(limits.run_s):
            try:
                await self._stages()
            except Exception as error:  # noqa: BLE001 - a bug of ours: reported like all else, never a lost report
                self._host.trouble("chaoscore", "run", error, Verdict.UNKNOWN)
        return await self._finish(deliveries)

    @contextmanager
    def _limited(self, limit_s: float | None) -> Iterator[None]:
        """Interrupt a run that exceeds its limit, by a thread: the loop may be what is blocked."""
        if limit_s is None:
            yield
            return
        reason = f"the limit of {limit_s:g} s for a run"
        timer = threading.Timer(min(limit_s, threading.TIMEOUT_MAX), self.interrupt, [reason])
        timer.daemon, timer.name = True, "chaoscore-limit"
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    async def _stages(self) -> None:
        began = False
        try:
            self._phase("setup")
            began = await self._provide()
            if began and await self._set_up() and await self._steady():
                try:
                    await self._workload()
                finally:
                    await self._openings.lift_all()
                self._phase("judge")
                await self._panel.conclude()
        finally:
            if began:
                self._phase("teardown")
                await self._tear_down()
            await self._host.provisions.close_all()
            if self._host.guard is not None:
                await self._release(self._host.guard)
            self._host.lane.close()

    async def _provide(self) -> bool:
        """Make what has to be there before the target; tell whether the target may be set up."""
        if not await self._guarded(each.provider for each in self._spec.provisions):
            return False
        return await self._host.provisions.open_all(lambda: self._run.stopping)

    async def _set_up(self) -> bool:
        target = self._run.target
        setup, provided = getattr(target, "setup", None), self._host.provisions.arguments(target)
        return not callable(setup) or await self._forward("target", "setup", _with(setup, provided)) is not FAILED

    async def _tear_down(self) -> None:
        teardown = getattr(self._run.target, "teardown", None)
        if callable(teardown):
            await self._host.hook("target", "teardown", Verdict.UNKNOWN, teardown)

    async def _steady(self) -> bool:
        self._phase("steady state")
        self._panel.start(self._run.stream.subscribe)
        if not await self._panel.look(Moment.BEFORE, Verdict.UNKNOWN):
            self._stop("the steady state was broken before any fault; nothing was injected", Verdict.UNKNOWN)
        return not self._run.stopping

    async def _workload(self) -> None:
        self._phase("inject")
        if not await self._guarded(each.injector for each in self._openings.all) or not await self._openings.open_all():
            self._stop("an injector did not open; the workload was not started", Verdict.UNKNOWN)
        if self._run.stopping:
            return
        self._phase("workload")
        run = self._run
        run.begin_workload()
        crew = Crew(run, self._spec.workload.workers)
        self._watch = Watch(crew, run, self._panel.step_limits_s(), self.interrupt, bool(self._openings.all))
        self._driving = True
        crew.start()
        self._watch.start()
        over = asyncio.Event()
        beside = [_task(each) for each in self._beside(over, crew)]
        try:
            await self._until_over(crew, self._watch)
        finally:
            self._driving = False
            over.set()
            await asyncio.wait(beside)
            self._watch.close()

    async def _guarded(self, parts: Iterable[Injector | Provider]) -> bool:
        """Start the watchdog where the kernel would not undo what *parts* do; tell whether the run is safe."""
        if self._host.guard is not None or all(each.undo is not Undo.JOURNAL for each in parts):
            return True
        guard = await self._own_hook(self._start_guard)
        if guard is FAILED:
            return False
        self._host.guard = guard
        return True

    def _start_guard(self) -> Guard:
        limit_s = self._spec.limits.run_s
        terms = Terms() if limit_s is None else Terms(limit_s=limit_s)
        actions = catalogue().undos.by_name()
        return Guard(self.run_id, self._spec.name, actions, self.interrupt, terms, self._host.deadlines.missed)

    async def _own_hook(self, function: Callable[[], Any]) -> Any:
        """Call what starts or ends the watchdog, which knows how long that may take whatever the scenario says."""
        return await self._host.hook("chaoscore", "watchdog", Verdict.UNKNOWN, function, deadline_s=GUARD_S)

    async def _release(self, guard: Guard) -> None:
        """Let the watchdog go; what could not be undone, not even by it, is in the report with what a person can do."""
        left = await self._own_hook(guard.close)
        self._host.guard = None
        for intent, error in () if left is FAILED else left:
            is_injector = any(each.name == intent.injector for each in self._openings.all)
            owner = f"injector {intent.injector!r}" if is_injector else who(intent.injector)
            self._host.trouble(
                f"{owner}, {intent.target}", "lift", UndoError(intent.undo, error, intent.manual), Verdict.FAIL
            )

    def _beside(self, over: asyncio.Event, crew: Crew) -> list[Any]:
        """Return what goes on beside the workers: windows that open and close, validators that keep looking."""

        async def wait(seconds: float) -> bool:
            return await self._sleep(seconds, over)

        async def wait_until(offset_s: float) -> bool:
            return await wait(self._run.until_offset(offset_s))

        async def keep(injection: Injection) -> None:
            if not await self._openings.keep_to_window(injection, wait_until):
                self._stop(f"injector {injection.name!r} did not open in its window", Verdict.UNKNOWN)

        return [
            self._watch_until(over, wait),
            self._keep_sampling(over, crew),
            *(keep(each) for each in self._openings.timed()),
        ]

    async def _keep_sampling(self, over: asyncio.Event, crew: Crew) -> None:
        """Say what this process holds and does, by real time: another clock changes nothing about that."""
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), EVERY_S)
                return
            self._run.emit(sample(self._run.elapsed_s(), crew.in_flight, self._openings.asked))

    async def _watch_until(self, over: asyncio.Event, wait: Callable[[float], Any]) -> None:
        watching, ending = _task(self._panel.watch(wait)), _task(self._ending.wait())
        await over.wait()
        # a check under way is let finish, as what it finds is found; a run that is told to end does not wait for it
        await asyncio.wait((watching, ending), return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, ending):
            task.cancel()
        await asyncio.wait((watching, ending))

    async def _until_over(self, crew: Crew, watch: Watch) -> None:
        """Return when all workers have left: at the end, or after a stop, a signal or the time, and a grace."""
        finished = _task(crew.finished())
        ending = _task(self._ending.wait())
        timer = _task(self._sleep(self._run.until - self._run.now(), self._ending))
        await asyncio.wait((finished, ending, timer), return_when=asyncio.FIRST_COMPLETED)
        if self._interrupts:
            watch.wait()
            await self._openings.lift_all()
        if not finished.done():
            grace_s = 0.0 if len(self._interrupts) > 1 else self._spec.limits.drain_s
            watch.drain(grace_s, Outcome.CANCELLED if self._run.stopping else Outcome.STUCK)
            await finished
        for task in (ending, timer):
            task.cancel()
        await asyncio.wait((ending, timer))

    async def _finish(self, deliveries: list[Delivery]) -> Report:
        for delivery in deliveries:
            if delivery.failure is not None:
                self._reporter_failed(delivery)
        told = {each for each in deliveries if each.failure is not None}
        self._ended = True
        self._run.emit(Ended(self._run.elapsed_s()))
        self._run.stream.flush()
        for delivery in deliveries:  # in their order: each is told how those before it failed
            await self._host.lane.call(delivery.finish, self._fold.report())
            if delivery.failure is not None and delivery not in told:
                self._reporter_failed(delivery)
        self._host.lane.close()
        return self._fold.report()

    def _reporter_failed(self, delivery: Delivery) -> None:
        assert delivery.failure is not None
        hook, error = delivery.failure
        self._host.trouble(delivery.who, hook, error, Verdict.UNSTABLE)

    # -- ending early

    def interrupt(self, reason: str) -> None:
        """
        End in good order, from any thread or signal handler.

        Strike no more, lift, let steps under way end, judge, tear down.

        A second call drops only the grace for steps under way; what was injected is lifted all the same.
        """
        self._run.stopping = True
        self._openings.silence()
        if self._watch is not None and not self._told:
            self._watch.drain(GRACE_S, Outcome.CANCELLED)  # for a step that blocks the loop, so that nobody hears this
        self._told, heard = True, self._host.deadlines.expect(GRACE_S)
        with suppress(RuntimeError):  # the loop is closed: it was over anyway
            self._loop.call_soon_threadsafe(self._interrupted, reason, heard)

    def _interrupted(self, reason: str, heard: object) -> None:
        self._host.deadlines.met(heard)
        if self._ended and self._options.handle_signals:
            return  # the report is made, and the exit code is the one that it tells
        self._interrupts.append(reason)
        self._ending.set()
        if len(self._interrupts) == 1:
            self._run.emit(Interrupted(self._run.elapsed_s(), reason))
        elif self._watch is not None:
            self._watch.drain(0.0, Outcome.CANCELLED)

    def hand_over(self, code: int) -> None:
        """
        End this process now, with the exit *code*, where the watchdog undoes what is open; without one, go on undoing.

        The watchdog is not told: it sees that the process is gone, whatever state that was in.
        """
        if self._host.guard is not None and self._host.guard.covers:
            self._host.guard.leave()
            with suppress(OSError):
                os.write(2, b"chaoscore: the watchdog undoes the rest; see `chaoscore status`\n")
            os._exit(code)

    def _stop(self, reason: str, verdict: Verdict) -> None:
        if self._run.stopping:
            return
        self._run.stopping = True
        self._run.emit(Stopped(self._run.elapsed_s(), reason, verdict))
        self._loop.call_soon_threadsafe(self._ending.set)

    def _stop_on_failure(self, event: IterationEnded | Found) -> None:
        if not self._spec.fail_fast or not self._driving:
            return
        if isinstance(event, Found):
            if event.severity is Severity.CRITICAL and event.verdict is Verdict.FAIL:
                self._stop(f"at the first critical finding, of {event.validator!r}", Verdict.FAIL)
        elif event.outcome is Outcome.FAILED:
            self._stop(f"at the first failure, in iteration {event.iteration}", Verdict.FAIL)

    # -- helpers

    async def _forward(self, who: str, hook: str, function: Callable[..., Any]) -> Any:
        """Call a hook on the way in, which an interruption need not wait for."""
        calling = _task(self._host.hook(who, hook, Verdict.UNKNOWN, function))
        ending = _task(self._ending.wait())
        await asyncio.wait((calling, ending), return_when=asyncio.FIRST_COMPLETED)
        for task in (calling, ending):
            if not task.done():
                task.cancel()
        await asyncio.wait((calling, ending))
        return FAILED if calling.cancelled() else calling.result()

    async def _sleep(self, seconds: float, over: asyncio.Event) -> bool:
        """Sleep on the run's clock; False when *over* came first."""
        if seconds == float("inf"):
            await over.wait()
            return False
        sleeping = _task(self._run.clock.asleep(max(0.0, seconds)))
        ending = _task(over.wait())
        await asyncio.wait((sleeping, ending), return_when=asyncio.FIRST_COMPLETED)
        for task in (sleeping, ending):
            task.cancel()
        await asyncio.wait((sleeping, ending))
        return not over.is_set()

    def _phase(self, name: str) -> None:
        self._run.emit(Phase(self._run.elapsed_s(), name))


def _with(setup: Callable[..., Any], provided: Mapping[str, object]) -> Callable[..., Any]:
    """Return *setup* with what is *provided* to it; as it is where that is nothing, with whatever it says of itself."""
    return partial(setup, **provided) if provided else setup


def _task(coroutine: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Start a task of the run's own, told by its name from those of the system under test."""
    return asyncio.create_task(coroutine, name="chaoscore-run")
