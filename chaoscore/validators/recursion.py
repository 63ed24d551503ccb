"""Recursion: how deep calls, rollbacks or retries may nest."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chaoscore.events import Event, Recorded, StepEnded
from chaoscore.protocols import Scene, Violation
from chaoscore.validators.parameters import weight, whole
from chaoscore.verdict import Severity


@attrs.frozen
class RecursionDepth:
    """
    No recursion goes deeper than *limit*.

    The depth is what the system tells with `record_recursion_depth`. The first record beyond the limit in an iteration
    is a violation; the end of the run brings the deepest of all where that is deeper. A real `RecursionError` that
    comes out of a step always is one.

    Attributes:
        limit: Depth that is still allowed, 1 or more.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "recursion_depth"

    limit: int = attrs.field(validator=whole(1))
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _DepthChecker:
        """Return a checker for one run."""
        return _DepthChecker(self.limit)


class _DepthChecker:
    observes: ClassVar[tuple[type[Event], ...]] = (Recorded, StepEnded)

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._over: dict[
            int, int
        ] = {}  # worker -> the last iteration reported; a depth of 10,000 passes the limit often
        self._said = float(limit)
        self._deepest: Recorded | None = None

    def observe(self, event: Recorded | StepEnded) -> Violation | None:
        if isinstance(event, StepEnded):
            return None if event.error is None else self._raised(event)
        if event.name != "recursion_depth" or event.value is None or event.value <= self._limit:
            return None
        return self._too_deep(event, event.value)

    def conclude(self) -> Violation | None:
        deepest = self._deepest
        if deepest is None or deepest.value is None or deepest.value <= self._said:
            return None
        return self._violation(
            f"the deepest recursion went to {deepest.value:g}, at most {self._limit} allowed", deepest
        )

    def _too_deep(self, event: Recorded, depth: float) -> Violation | None:
        if self._deepest is None or self._deepest.value is None or depth > self._deepest.value:
            self._deepest = event
        if self._over.get(event.worker) == event.iteration:
            return None
        self._over[event.worker] = event.iteration
        self._said = max(self._said, depth)
        return self._violation(f"recursion went to depth {depth:g}, at most {self._limit} allowed", event)

    def _violation(self, message: str, event: Recorded) -> Violation:
        data = {"depth": event.value, "limit": self._limit}
        return Violation(message, data=data, worker=event.worker, iteration=event.iteration, step=event.step)

    def _raised(self, event: StepEnded) -> Violation | None:
        error = event.error
        if error is None or error.type != "RecursionError" or error.injected_by is not None:
            return None
        return Violation(
            f"recursion without end in step {event.step!r}: RecursionError: {error.message}",
            worker=event.worker,
            iteration=event.iteration,
            step=event.step,
            stack=error.traceback,
        )
