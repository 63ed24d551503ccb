"""What the parts of a run need of it: events, hooks with deadlines, sites to inject at, scenes to judge."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from chaoscore.draw import once
from chaoscore.errors import EndingError, ScenarioError
from chaoscore.events import Event, Trouble
from chaoscore.executor.describe import error_info
from chaoscore.executor.guard import Guard
from chaoscore.executor.hooks import Lane, call
from chaoscore.executor.judges import Judge
from chaoscore.executor.log import RunLogger
from chaoscore.executor.openings import FAILED, Openings
from chaoscore.executor.options import Options
from chaoscore.executor.provisions import Provisions
from chaoscore.executor.running import LiveRun
from chaoscore.protocols import Progress, Scene, Site
from chaoscore.safety.permission import both, resolve
from chaoscore.spec import Injection, Provision, Spec
from chaoscore.verdict import Verdict

OVERDUE_S = 2.0
"""So long after its deadline something that did not come shows that the loop is blocked."""


class Deadlines:
    """What has to come by when; another thread can tell from it whether the loop is blocked."""

    def __init__(self) -> None:
        self._due: dict[object, float] = {}

    def expect(self, seconds: float) -> object:
        """Expect something within *seconds*; return what `met` takes when it came."""
        what = object()
        self._due[what] = time.monotonic() + seconds
        return what

    def met(self, what: object) -> None:
        """Expect it no more."""
        del self._due[what]

    def missed(self) -> bool:
        """Tell whether anything is long past its deadline: a hook, or an interruption that nobody heard."""
        return any(due + OVERDUE_S < time.monotonic() for due in tuple(self._due.values()))


class Host:
    """
    One run, as its injectors and validators meet it.

    Whatever goes wrong in a hook becomes a `Trouble` in the stream, and the run goes on to undo what it did, so that a
    second failure never hides the first.

    Attributes:
        log: The run's own logger.
        lane: Where plain hooks are called.
        deadlines: When they have to return.
        openings: The injections that are open.
        provisions: What is there for target and injectors.
        guard: What undoes faults that the kernel would not; None where there are none such, or no more.
    """

    def __init__(self, spec: Spec, options: Options, run: LiveRun, progress: Progress) -> None:
        self._spec, self._options, self._run, self._progress = spec, options, run, progress
        self.log = RunLogger(options.logger or logging.getLogger("chaoscore"), spec.name, run.run_id)
        self.lane = Lane("chaoscore-hooks")
        self.deadlines = Deadlines()
        self.openings = Openings(run, self, spec.injections if options.inject else (), spec.limits.faults)
        self.provisions = Provisions(self, spec.provisions)
        self.guard: Guard | None = None

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
        found = list(judge.findings(judgement, self.elapsed_s(), self.openings.names, verdict))
        self.emit(*found)
        return len(found)

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
        limit_s = deadline_s or self._spec.limits.hook_s
        returning = self.deadlines.expect(limit_s)
        try:
            return await call(lane or self.lane, who, hook, limit_s, function, *args)
        except BaseException as error:  # hooks are others' code; what they raise is reported
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            self.trouble(who, hook, error, verdict)
            return FAILED
        finally:
            self.deadlines.met(returning)

    def site(self, part: Injection | Provision, opening: int, landed: Callable[[str, str, str], None]) -> Site:
        """Return where *part* is opened for the time number *opening*, from 0."""
        run = self._run
        networks = both(self._spec.allowed, self._options.allow)

        def draw(*identity: object) -> float:
            return once(run.seed, part.name, opening, *identity)

        return Site(
            injection=part.name,
            scenario=self._spec.name,
            run_id=run.run_id,
            seed=run.seed,
            target=run.target,
            clock=run.clock,
            log=self.log.for_part(part.name),
            draw=draw,
            landed=landed,
            elapsed_s=run.elapsed_s,
            share=self._spec.limits.share,
            resolve=lambda host, port: resolve(host, port, networks),
            undoing=partial(self._undoing, part.name),
            scope=part.scope if isinstance(part, Injection) else None,
            provided=dict(self.provisions.values),
        )

    def scene(self, expectation: str) -> Scene:
        """Return what the validator of that name sees."""
        run = self._run
        return Scene(
            expectation=expectation,
            scenario=self._spec.name,
            target=run.target,
            clock=run.clock,
            elapsed_s=run.elapsed_s,
            progress=self._progress,
            log=self.log.for_part(expectation),
        )

    @contextmanager
    def _undoing(self, injector: str, undo: str, args: Mapping[str, Any], **how: Any) -> Iterator[None]:
        if self.guard is None:
            problem = "it asks for an undo, but neither it nor a provider says `undo = Undo.JOURNAL`"
            raise ScenarioError(f"injector {injector!r}", problem, "declare it, so that a watchdog stands by")
        self._check_open()
        with self.guard.undoing(injector, undo, args, **how):
            self._check_open()  # again: the disk may have taken its time to record the intent
            yield

    def _check_open(self) -> None:
        if self.openings.closed:
            raise EndingError(self._run.run_id)
