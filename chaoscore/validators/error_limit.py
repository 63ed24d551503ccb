"""Errors: how many a run may bring."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import attrs

from chaoscore.events import Event, Outcome, Recorded, StepEnded
from chaoscore.protocols import Scene, Violation
from chaoscore.validators.parameters import weight, whole
from chaoscore.verdict import Severity

_ERRORS = (Outcome.FAILED, Outcome.FAULTED)
_TYPES = 50


@attrs.frozen
class MaxErrors:
    """
    At most *limit* errors: those that come out of steps, and those that the system recorded with `record_error`.

    An error that is recorded and raised again counts twice. The error that breaks the limit is a violation, and where
    more follow, the end of the run brings another with the total.

    Attributes:
        limit: Errors that may occur, 0 or more.
        injected: Count injected errors as well as real ones.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "max_errors"

    limit: int = attrs.field(validator=whole(0))
    injected: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool), kw_only=True)
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _ErrorChecker:
        """Return a checker for one run."""
        return _ErrorChecker(self)


class _ErrorChecker:
    observes: ClassVar[tuple[type[Event], ...]] = (StepEnded, Recorded)

    def __init__(self, validator: MaxErrors) -> None:
        self._limit, self._injected = validator.limit, validator.injected
        self._what = "errors" if validator.injected else "real errors"
        self._count = 0
        self._types: Counter[str] = Counter()

    def observe(self, event: StepEnded | Recorded) -> Violation | None:
        if isinstance(event, StepEnded):
            return None if event.error is None else self._raised(event)
        return self._recorded(event) if event.name == "error" else None

    def conclude(self) -> Violation | None:
        if self._count <= self._limit + 1:
            return None
        types = ", ".join(f"{count} x {name}" for name, count in self._types.most_common(5))
        data = {"errors": self._count, "limit": self._limit, "types": dict(self._types)}
        return Violation(f"{self._count} {self._what} in all, at most {self._limit} allowed: {types}", data=data)

    def _recorded(self, event: Recorded) -> Violation | None:
        if event.injected and not self._injected:
            return None
        return self._add(
            event, str(event.detail.get("type", "error")), str(event.detail.get("message", "")), "recorded in"
        )

    def _raised(self, event: StepEnded) -> Violation | None:
        error = event.error
        if error is None or event.outcome not in _ERRORS or (error.injected_by is not None and not self._injected):
            return None
        return self._add(event, error.type, error.message, "out of")

    def _add(self, event: StepEnded | Recorded, kind: str, message: str, how: str) -> Violation | None:
        self._count += 1
        self._types[kind if kind in self._types or len(self._types) < _TYPES else "others"] += 1
        if self._count != self._limit + 1:
            return None
        return Violation(
            f"more than {self._limit} {self._what}; the one too many, {how} step {event.step!r}, is {kind}: {message}",
            data={"errors": self._count, "limit": self._limit, "type": kind},
            worker=event.worker,
            iteration=event.iteration,
            step=event.step,
        )
