"""Panics: the system has to recover from every one of them."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chaoscore.events import Event, Recorded, StepEnded
from chaoscore.protocols import Scene, Violation
from chaoscore.validators.parameters import weight
from chaoscore.verdict import Severity


@attrs.frozen
class PanicRecovery:
    """
    No panic comes out of a step.

    A panic is an exception that `except Exception` does not swallow; cancellations and steps that were given up are
    none. One that the system caught and told the run of (`record_panic`) is recovered; each that escapes a step is a
    violation, which says whether it was injected or real.

    Attributes:
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "panic_recovery"

    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _PanicChecker:
        """Return a checker for one run."""
        return _PanicChecker()


class _PanicChecker:
    observes: ClassVar[tuple[type[Event], ...]] = (StepEnded, Recorded)

    def __init__(self) -> None:
        self._recovered = 0

    def observe(self, event: StepEnded | Recorded) -> Violation | None:
        if isinstance(event, StepEnded):
            return None if event.error is None or not event.error.panic else self._escaped(event)
        self._recovered += event.name == "panic"
        return None

    def _escaped(self, event: StepEnded) -> Violation:
        error = event.error
        assert error is not None
        origin = "a real panic" if error.injected_by is None else f"a panic injected by {error.injected_by!r}"
        return Violation(
            f"{origin} escaped step {event.step!r}: {error.type}: {error.message}",
            data={"type": error.type, "injected_by": error.injected_by, "recovered_before": self._recovered},
            worker=event.worker,
            iteration=event.iteration,
            step=event.step,
            stack=error.traceback,
        )
