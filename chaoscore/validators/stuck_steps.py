"""Steps that do not come back."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chaoscore.events import Event, Stuck
from chaoscore.protocols import Scene, Violation
from chaoscore.units import seconds, show_seconds
from chaoscore.validators.parameters import positive, weight
from chaoscore.verdict import Severity


@attrs.frozen
class NoInfiniteLoop:
    """
    Every step returns within *limit*.

    One that does not is given up: its stack goes into the finding, and the run goes on.

    Attributes:
        limit_s: Seconds that a step may take.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "no_infinite_loop"

    limit_s: float = attrs.field(converter=seconds, validator=positive, alias="limit")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    @property
    def step_limit_s(self) -> float:
        """Return the seconds after which the executor gives a step up."""
        return self.limit_s

    def start(self, scene: Scene) -> _StuckChecker:
        """Return a checker for one run."""
        return _StuckChecker()


class _StuckChecker:
    observes: ClassVar[tuple[type[Event], ...]] = (Stuck,)

    def observe(self, event: Stuck) -> Violation:
        return Violation(
            f"step {event.step!r} did not return within {show_seconds(event.limit_s)} and was given up",
            data={"limit_s": event.limit_s},
            worker=event.worker,
            iteration=event.iteration,
            step=event.step,
            stack=event.stack,
        )
