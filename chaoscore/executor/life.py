"""The life of one run: set up, look, inject, drive, lift, judge, tear down, report."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from chaoscore.draw import once
from chaoscore.errors import EndingError, ScenarioError, UndoError
from chaoscore.events import (
    SCHEMA,
    Ended,
    Event,
    ExpectationInfo,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Outcome,
    Phase,
    RunStarted,
    Stopped,
    Trouble,
)
from chaoscore.executor.crew import GRACE_S, Crew, Watch
from chaoscore.executor.describe import error_info, parameters
from chaoscore.executor.guard import Guard, Terms
from chaoscore.executor.hooks import Lane, call
from chaoscore.executor.judges import Judge
from chaoscore.executor.log import EventLogging, RunLogger
from chaoscore.executor.openings import FAILED, Openings
from chaoscore.executor.options import Options
from chaoscore.executor.panel import Panel
from chaoscore.executor.running import LiveRun
from chaoscore.executor.stream import Delivery
from chaoscore.fold import Fold
from chaoscore.plugins import catalogue
from chaoscore.propagation import followed
from chaoscore.protocols import Moment, Scene, Site, Undo
from chaoscore.report import Report
from chaoscore.safety.permission import both, resolve
from chaoscore.spec import Injection, Spec
from chaoscore.verdict import Severity, Verdict
from chaoscore.version import __version__

_T = TypeVar("_T")

GUARD_S = 60.0
"""More than the guard takes to start, or to end with a watchdog that has much to undo."""

OVERDUE_S = 2.0
"""So long after its deadline a hook, or an interruption that nobody heard, shows that something blocks the loop."""


class Execution:
    """
    One run.

    Whatever goes wrong in a hook becomes a `Trouble` in the stream and the run goes on to undo what it did, so a second
    failure never hides the first.

    Attributes:
        run_id: Names the run.
    """

    def __init__(self, spec: Spec, options: Options) -> None:
        self._spec, self._options = spec, options
        self._run = LiveRun(spec, options)
        self.run_id = self._run.run_id
        self._fold = Fold()
        self._lane = Lane("chaoscore-hooks")
        self._log = RunLogger(options.logger or logging.getLogger("chaoscore"), spec.name, self.run_id)
        self._injections = spec.injections if options.inject else ()
        self._openings = Openings(self._run, self, self._injections, spec.limits.faults)
        self._panel = Panel(spec, self)
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._interrupts: list[str] = []
        self._watch: Watch | None = None
        self._guard: Guard | None = None
        self._driving = False
        self._told = self._ended = False
        self._due: dict[object, float] = {}

    # -- from start to finish

    async def live(self) -> Report:
        """Run from start to finish and return the report; raises nothing that a scenario can cause."""
        run, limits = self._run, self._spec.limits
        deliveries = [Delivery(reporter, limits.hook_s) for reporter in self._options.reporters]
        run.stream.deliver_to(deliveries)
        run.stream.subscribe(self._fold.add)
        run.stream.subscribe(self._stop_on_failure, (IterationEnded, Found))
        logged = EventLogging(self._log)
        run.stream.subscribe(logged, logged.types)
        self.emit(self._started())
        with followed(self._loop), self._limited(limits.run_s):
            try:
                await self._stages()
            except Exception as error:  # noqa: BLE001 - a bug of ours: reported like all else, never a lost report
                self.trouble("chaoscore", "run", error, Verdict.UNKNOWN)
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
            began = True
            if await self._set_up() and await self._steady():
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
            if self._guard is not None:
                await self._release(self._guard)
            self._lane.close()

    async def _set_up(self) -> bool:
        setup = getattr(self._run.target, "setup", None)
        return not callable(setup) or await self._forward("target", "setup", setup) is not FAILED

    async def _tear_down(self) -> None:
        teardown = getattr(self._run.target, "teardown", None)
        if callable(teardown):
            await self.hook("target", "teardown", Verdict.UNKNOWN, teardown)

    async def _steady(self) -> bool:
        self._phase("steady state")
        self._panel.start(self._run.stream.subscribe)
        if not await self._panel.look(Moment.BEFORE, Verdict.UNKNOWN):
            self._stop("the steady state was broken before any fault; nothing was injected", Verdict.UNKNOWN)
        return not self._run.stopping

    async def _workload(self) -> None:
        self._phase("inject")
        if not await self._guarded() or not await self._openings.open_all():
            self._stop("an injector did not open; the workload was not started", Verdict.UNKNOWN)
        if self._run.stopping:
            return
        self._phase("workload")
        run = self._run
        run.begin_workload()
        crew = Crew(run, self._spec.workload.workers)
        self._watch = Watch(crew, run, self._panel.step_limits_s(), self.interrupt, bool(self._injections))
        self._driving = True
        crew.start()
        self._watch.start()
        over = asyncio.Event()
        beside = [_task(each) for each in self._beside(over)]
        try:
            await self._until_over(crew, self._watch)
        finally:
            self._driving = False
            over.set()
            await asyncio.wait(beside)
            self._watch.close()

    async def _guarded(self) -> bool:
        """Start the watchdog where the kernel would not undo every fault; tell whether the run is safe."""
        if all(each.injector.undo is not Undo.JOURNAL for each in self._injections):
            return True
        guard = await self._own_hook(self._start_guard)
        if guard is FAILED:
            return False
        self._guard = guard
        return True

    def _start_guard(self) -> Guard:
        limit_s = self._spec.limits.run_s
        terms = Terms() if limit_s is None else Terms(limit_s=limit_s)
        actions = catalogue().undos.by_name()
        return Guard(self.run_id, self._spec.name, actions, self.interrupt, terms, self._hangs)

    async def _release(self, guard: Guard) -> None:
        """Let the watchdog go; what could not be undone, not even by it, is in the report with what a person can do."""
        left = await self._own_hook(guard.close)
        self._guard = None
        for intent, error in () if left is FAILED else left:
            who = f"injector {intent.injector!r}, {intent.target}"
            self.trouble(who, "lift", UndoError(intent.undo, error, intent.manual), Verdict.FAIL)

    def _beside(self, over: asyncio.Event) -> list[Any]:
        """Return what goes on beside the workers: windows that open and close, validators that keep looking."""

        async def wait(seconds: float) -> bool:
            return await self._sleep(seconds, over)

        async def wait_until(offset_s: float) -> bool:
            return await wait(self._run.until_offset(offset_s))

        async def keep(injection: Injection) -> None:
            if not await self._openings.keep_to_window(injection, wait_until):
                self._stop(f"injector {injection.name!r} did not open in its window", Verdict.UNKNOWN)

        return [self._watch_until(over, wait), *(keep(each) for each in self._openings.timed())]

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
        self.emit(Ended(self.elapsed_s()))
        self._run.stream.flush()
        report = self._fold.report()
        for delivery in deliveries:
            await self._lane.call(delivery.finish, report)
            if delivery.failure is not None and delivery not in told:
                self._reporter_failed(delivery)
        self._lane.close()
        return self._fold.report()

    def _reporter_failed(self, delivery: Delivery) -> None:
        assert delivery.failure is not None
        hook, error = delivery.failure
        self.trouble(delivery.who, hook, error, Verdict.UNSTABLE)

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
        self._told, heard = True, object()
        self._due[heard] = time.monotonic() + GRACE_S
        with suppress(RuntimeError):  # the loop is closed: it was over anyway
            self._loop.call_soon_threadsafe(self._interrupted, reason, heard)

    def _interrupted(self, reason: str, heard: object) -> None:
        del self._due[heard]
        if self._ended and self._options.handle_signals:
            return  # the report is made, and the exit code is the one that it tells
        self._interrupts.append(reason)
        self._ending.set()
        if len(self._interrupts) == 1:
            self.emit(Interrupted(self.elapsed_s(), reason))
        elif self._watch is not None:
            self._watch.drain(0.0, Outcome.CANCELLED)

    def hand_over(self, code: int) -> None:
        """
        End this process now, with the exit *code*, where the watchdog undoes what is open; without one, go on undoing.

        The watchdog is not told: it sees that the process is gone, whatever state that was in.
        """
        if self._guard is not None and self._guard.covers:
            self._guard.leave()
            with suppress(OSError):
                os.write(2, b"chaoscore: the watchdog undoes the rest; see `chaoscore status`\n")
            os._exit(code)

    def _hangs(self) -> bool:
        """Tell whether something blocks the loop for ever: a hook that is long past its deadline, or a deaf step."""
        return any(due + OVERDUE_S < time.monotonic() for due in tuple(self._due.values()))

    def _stop(self, reason: str, verdict: Verdict) -> None:
        if self._run.stopping:
            return
        self._run.stopping = True
        self.emit(Stopped(self.elapsed_s(), reason, verdict))
        self._loop.call_soon_threadsafe(self._ending.set)

    def _stop_on_failure(self, event: IterationEnded | Found) -> None:
        if not self._spec.fail_fast or not self._driving:
            return
        if isinstance(event, Found):
            if event.severity is Severity.CRITICAL and event.verdict is Verdict.FAIL:
                self._stop(f"at the first critical finding, of {event.validator!r}", Verdict.FAIL)
        elif event.outcome is Outcome.FAILED:
            self._stop(f"at the first failure, in iteration {event.iteration}", Verdict.FAIL)

    # -- what the parts of the run need of it

    def emit(self, *events: Event) -> None:
        """Append *events* to the stream."""
        self._run.emit(*events)

    def elapsed_s(self) -> float:
        """Return seconds since the run started."""
        return self._run.elapsed_s()

    def trouble(self, who: str, hook: str, error: BaseException, verdict: Verdict) -> None:
        """Put a hook that failed into the stream."""
        self.emit(Trouble(self.elapsed_s(), who, hook, error_info(error), verdict))

    def found(self, judge: Judge, judgement: Any, verdict: Verdict | None = None) -> int:
        """Put what a validator said into the stream; return how many findings that was."""
        found = list(judge.findings(judgement, self.elapsed_s(), self._openings.names, verdict))
        self.emit(*found)
        return len(found)

    async def _own_hook(self, function: Callable[[], Any]) -> Any:
        """Call what starts or ends the watchdog, which knows how long that may take whatever the scenario says."""
        return await self.hook("chaoscore", "watchdog", Verdict.UNKNOWN, function, deadline_s=GUARD_S)

    async def hook(
        self,
        who: str,
        hook: str,
        verdict: Verdict,
        function: Callable[..., Any],
        *args: Any,
        lane: Lane | None = None,
        deadline_s: float | None = None,
    ) -> Any:
        """Call a hook and return its value; one that fails is put into the stream, and `FAILED` returned."""
        calling, limit_s = object(), deadline_s or self._spec.limits.hook_s
        self._due[calling] = time.monotonic() + limit_s
        try:
            return await call(lane or self._lane, who, hook, limit_s, function, *args)
        except BaseException as error:  # hooks are others' code; what they raise is reported
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            self.trouble(who, hook, error, verdict)
            return FAILED
        finally:
            del self._due[calling]

    def site(self, injection: Injection, opening: int, landed: Callable[[str, str, str], None]) -> Site:
        """Return where *injection* is opened for the time number *opening*, from 0."""
        run = self._run
        networks = both(self._spec.allowed, self._options.allow)

        def draw(*identity: object) -> float:
            return once(run.seed, injection.name, opening, *identity)

        return Site(
            injection=injection.name,
            scenario=self._spec.name,
            run_id=self.run_id,
            seed=run.seed,
            target=run.target,
            clock=run.clock,
            log=self._log.for_part(injection.name),
            draw=draw,
            landed=landed,
            elapsed_s=run.elapsed_s,
            share=self._spec.limits.share,
            resolve=lambda host, port: resolve(host, port, networks),
            undoing=partial(self._undoing, injection.name),
        )

    @contextmanager
    def _undoing(self, injector: str, undo: str, args: Mapping[str, Any], **how: Any) -> Iterator[None]:
        if self._guard is None:
            problem = "it asks for an undo, but does not say `undo = Undo.JOURNAL`"
            raise ScenarioError(f"injector {injector!r}", problem, "declare it, so that a watchdog stands by")
        self._check_open()
        with self._guard.undoing(injector, undo, args, **how):
            self._check_open()  # again: the disk may have taken its time to record the intent
            yield

    def _check_open(self) -> None:
        if self._openings.closed:
            raise EndingError(self.run_id)

    def scene(self, expectation: str) -> Scene:
        """Return what the validator of that name sees."""
        run = self._run
        return Scene(
            expectation=expectation,
            scenario=self._spec.name,
            target=run.target,
            clock=run.clock,
            elapsed_s=run.elapsed_s,
            progress=self._fold,
            log=self._log.for_part(expectation),
        )

    # -- helpers

    async def _forward(self, who: str, hook: str, function: Callable[..., Any]) -> Any:
        """Call a hook on the way in, which an interruption need not wait for."""
        calling = _task(self.hook(who, hook, Verdict.UNKNOWN, function))
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
        self.emit(Phase(self.elapsed_s(), name))

    def _started(self) -> RunStarted:
        spec, run = self._spec, self._run
        rerun = f"scenario.run(seed={run.seed})"
        rerun_one = f"scenario.run(seed={run.seed}, only_iteration={{iteration}})"
        if self._options.rerun is not None:
            rerun = self._options.rerun.replace("{seed}", str(run.seed))
            rerun_one = f"{rerun} --only-iteration {{iteration}}"
        return RunStarted(
            at=0.0,
            schema=SCHEMA,
            run_id=run.run_id,
            scenario=spec.name,
            seed=run.seed,
            wall=run.clock.wall(),
            workload=spec.workload.describe(),
            target=spec.target_name,
            steps=tuple(step.name for step in spec.step_list),
            injections=tuple(injection_info(each) for each in self._injections),
            expectations=tuple(self._expectation_info()),
            thresholds=spec.goals.as_dict(),
            environment=_environment(),
            rerun=rerun,
            rerun_one=rerun_one,
            workers=spec.workload.workers,
            iterations=spec.workload.iterations,
            run_for_s=spec.workload.run_for_s,
        )

    def _expectation_info(self) -> list[ExpectationInfo]:
        return [
            ExpectationInfo(
                each.name,
                each.validator.kind,
                parameters(each.validator),
                self._spec.goals.severity(each.name, each.validator.severity),
            )
            for each in self._spec.expectations
        ]


def injection_info(injection: Injection) -> InjectionInfo:
    """Return an injection as data, for the first event and for `chaoscore plan`."""
    injector = injection.injector
    return InjectionInfo(
        injection.name,
        injector.kind,
        parameters(injector),
        injection.scope,
        injection.window.describe(),
        injector.undo.value,
    )


def _task(coroutine: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Start a task of the run's own, told by its name from those of the system under test."""
    return asyncio.create_task(coroutine, name="chaoscore-run")


def _environment() -> dict[str, str]:
    return {
        "chaoscore": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count() or 1),
    }
