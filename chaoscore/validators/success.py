"""How many iterations have to succeed."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from chaoscore.protocols import Progress, Scene, Violation
from chaoscore.units import probability
from chaoscore.validators.parameters import weight, whole
from chaoscore.verdict import Severity, Verdict

_ROUNDING = 1e-9
"""`99.9 / 100` is a little more than `0.999`: 999 of 1000 must be enough for "99.9%"."""


def _possible(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.alias} must be more than 0: a success rate of 0 holds for every run")


@attrs.frozen
class SuccessRate:
    """
    At least *minimum* of the iterations succeed; those that the end of the run cut short do not count.

    Judged at the end of the run, by the plain share. With fewer than *at_least* iterations it cannot tell: *unknown*.

    Attributes:
        minimum: Least share that succeeds, more than 0, up to 1.
        at_least: Iterations that it takes to tell, 1 or more.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "success_rate"

    minimum: float = attrs.field(converter=probability, validator=_possible)
    at_least: int = attrs.field(default=1, validator=whole(1), kw_only=True)
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _RateChecker:
        """Return a checker for one run."""
        return _RateChecker(self, scene.progress)


class _RateChecker:
    def __init__(self, validator: SuccessRate, progress: Progress) -> None:
        self._minimum, self._at_least = validator.minimum, validator.at_least
        self._progress = progress

    def conclude(self) -> Violation | None:
        succeeded = self._progress.succeeded
        total = succeeded + self._progress.failed
        data = {"succeeded": succeeded, "iterations": total, "minimum": self._minimum}
        if total < self._at_least:
            message = f"{total} iterations ended, too few to tell the success rate (at least {self._at_least} needed)"
            return Violation(message, data=data, verdict=Verdict.UNKNOWN)
        if succeeded >= (self._minimum - _ROUNDING) * total:
            return None
        return Violation(
            f"success rate {succeeded / total:.2%} is below {self._minimum:.2%} ({succeeded} of {total} iterations)",
            data=data,
        )
