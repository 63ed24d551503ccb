"""The run as points and workers see it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

from msgspec import structs

from chaoscore.clock import SystemClock
from chaoscore.context import Active, Place, Run, Strike
from chaoscore.draw import fresh_seed
from chaoscore.events import Event, Fired, Recorded, Trouble
from chaoscore.executor.describe import MESSAGE_CHARS, caller, error_info, redact, shorten
from chaoscore.executor.options import Options
from chaoscore.executor.stream import Stream
from chaoscore.spec import Spec
from chaoscore.verdict import Verdict


class LiveRun(Run):
    """
    What is shared by everything that happens in one run.

    Attributes:
        run_id: Names the run.
        target: The system under test.
        steps: The steps, in order.
        stream: Takes every event.
        emit: Appends events to the stream.
        now: Reads the run's clock, seconds.
        claims: Hands out the numbers of iterations; one `next` is one claim, whatever the thread.
        until: When the last iteration may begin, on the run's clock.
        stopping: No further iteration begins.
        errors: How many errors came out of steps.
    """

    def __init__(self, spec: Spec, options: Options) -> None:
        seed = next((each for each in (options.seed, spec.fixed_seed) if each is not None), None)
        super().__init__(fresh_seed() if seed is None else seed, options.clock or SystemClock())
        self.run_id = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(self.clock.wall()))}-{secrets.token_hex(3)}"
        self.target, self.steps = spec.subject, spec.step_list
        self.now: Callable[[], float] = self.clock.monotonic
        self.stream = Stream()
        self.emit: Callable[..., None] = self.stream.emit if not spec.secrets else self._emit_redacted
        self.claims = _claims(spec, options)
        self.until = float("inf")
        self.stopping = False
        self.errors = 0
        self._secrets = spec.secrets
        self._rate = spec.workload.rate
        self._run_for_s = None if options.only_iteration is not None else spec.workload.run_for_s
        self._origin = self._began = self.now()

    def begin_workload(self) -> None:
        """Let time run for the workload from here."""
        self._began = self.now()
        if self._run_for_s is not None:
            self.until = self._began + self._run_for_s

    def elapsed_s(self) -> float:
        """Return seconds since the run started."""
        return self.now() - self._origin

    def until_offset(self, offset_s: float) -> float:
        """Return seconds from now to *offset_s* after the beginning of the workload."""
        return self._began + offset_s - self.now()

    def pace(self, iteration: int) -> float:
        """Return seconds to wait before *iteration* may begin; 0 without a rate."""
        return 0.0 if self._rate is None else self._began + iteration / self._rate - self.now()

    def landed(self, strike: Strike) -> None:
        """Count the fault and put it into the stream."""
        strike.ask.active.fired += 1
        self._put(self._fired(strike))

    def armed(self, strike: Strike) -> Callable[[], None]:
        """Count the fault; what is returned does as `landed`, with the identity of this ask."""
        active, waiting = strike.ask.active, [self._fired(strike)]  # now: the ask turns to the next point
        active.armed += 1

        def landed() -> None:
            with suppress(IndexError):  # it struck before, in another thread of the task
                fired = waiting.pop()
                active.fired += 1
                self._put(structs.replace(fired, at=self.elapsed_s()))

        return landed

    def recorded(self, place: Place, name: str, value: float | None, detail: dict[str, Any], injected: bool) -> None:
        """Put what the system under test said into the stream."""
        at = self.elapsed_s()
        for key, text in detail.items():
            if isinstance(text, str):
                detail[key] = shorten(text, MESSAGE_CHARS)
        self._put(Recorded(at, name, place.worker, place.iteration, place.step, value, detail, injected))

    def broke(self, active: Active, error: Exception) -> None:
        """Put the injection that could not answer into the stream."""
        info = error_info(error)
        self._put(Trouble(self.elapsed_s(), f"injector {active.name!r}", "answer", info, Verdict.UNKNOWN))

    def _fired(self, strike: Strike) -> Fired:
        ask, place, fault = strike.ask, strike.place, strike.fault
        return Fired(
            self.elapsed_s(),
            strike.injector,
            fault.kind,
            ask.point,
            "" if ask.kind == "border" else caller(),
            place.worker,
            place.iteration,
            place.path,
            ask.n,
            fault.describe(),
            place.step,
        )

    def _put(self, event: Event) -> None:
        self.stream.put(redact(event, self._secrets) if self._secrets else event)

    def _emit_redacted(self, *events: Event) -> None:
        self.stream.emit(*(redact(event, self._secrets) for event in events))


def _claims(spec: Spec, options: Options) -> Iterator[int]:
    if options.only_iteration is not None:
        return iter((options.only_iteration,))
    iterations = spec.workload.iterations
    return count() if iterations is None else iter(range(iterations))
