"""States of the target that must hold."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ClassVar

import attrs

from chaoscore.protocols import Moment, Scene, Violation
from chaoscore.units import optional_seconds
from chaoscore.validators.answers import violations
from chaoscore.validators.parameters import function, positive, weight
from chaoscore.verdict import Severity

_MOST = 100
"""Violations that one answer may bring: a function may return every row of a table."""

_BROKEN = {
    Moment.BEFORE: "no steady state before any fault",
    Moment.DURING: "steady state lost",
    Moment.AFTER: "no steady state again after all faults were lifted",
}


@attrs.frozen
class StateConsistency:
    """
    A function of the target says that its state is consistent.

    It is asked when all faults are lifted, and with *every* during the workload as well, where what it says is reported
    once as long as it goes on saying so. It returns None, True or an empty list where all is well, else False, a
    sentence or sentences. Where it raises, nobody can tell: *unknown*.

    Attributes:
        call: Takes the target; plain or `async def`.
        every_s: Seconds between two questions during the workload; None: none.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "state_consistency"

    call: Callable[[Any], object] = attrs.field(converter=function)
    every_s: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=positive, alias="every", kw_only=True
    )
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _Asking:
        """Return a checker for one run."""
        return _ConsistencyChecker(self.call, scene.target, self.every_s)


@attrs.frozen
class SteadyState:
    """
    A function of the target says that the system is well: before any fault, during the workload, and after all faults.

    What it says before any fault ends the run as *unknown* with nothing injected. During the workload each loss of the
    steady state is reported once. It returns what the function of a `state_consistency` does; where it raises, nobody
    can tell.

    Attributes:
        call: Takes the target; plain or `async def`.
        every_s: Seconds between two questions during the workload; None: none, for a system that may suffer but has to
            recover.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "steady_state"

    call: Callable[[Any], object] = attrs.field(converter=function)
    every_s: float | None = attrs.field(default=1.0, converter=optional_seconds, validator=positive, alias="every")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _Asking:
        """Return a checker for one run."""
        return _SteadinessChecker(self.call, scene.target, self.every_s, Moment.BEFORE)


class _Asking:
    """Asks the function, and lets a subclass judge its answer."""

    def __init__(self, call: Callable[[Any], object], target: Any, every_s: float | None, *moments: Moment) -> None:
        self._call, self._target = call, target
        self._otherwise = f"{getattr(call, '__qualname__', type(call).__qualname__)} returned False"
        self.moments = frozenset({*moments, Moment.AFTER} | ({Moment.DURING} if every_s is not None else set()))
        self.every_s = every_s or 1.0
        if iscoroutinefunction(call):  # the executor then stays on the loop
            self.check = self._check_async  # type: ignore[method-assign]  # a narrower check

    def check(self, moment: Moment) -> list[Violation] | Awaitable[list[Violation]]:
        answer = self._call(self._target)
        return self._later(answer, moment) if isawaitable(answer) else self._read(answer, moment)

    async def _check_async(self, moment: Moment) -> list[Violation]:
        return self._read(await self._call(self._target), moment)  # type: ignore[misc]  # it is async

    def judge(self, found: list[Violation], moment: Moment) -> list[Violation]:
        raise NotImplementedError

    async def _later(self, answer: Awaitable[object], moment: Moment) -> list[Violation]:
        return self._read(await answer, moment)

    def _read(self, answer: object, moment: Moment) -> list[Violation]:
        return self.judge(violations(answer, self._otherwise, _MOST), moment)


class _ConsistencyChecker(_Asking):
    _known: frozenset[str] = frozenset()

    def judge(self, found: list[Violation], moment: Moment) -> list[Violation]:
        if moment is not Moment.DURING:
            return found
        known, self._known = self._known, frozenset(each.message for each in found)
        return [_prefixed("while the workload ran", each) for each in found if each.message not in known]


class _SteadinessChecker(_Asking):
    _well = True

    def judge(self, found: list[Violation], moment: Moment) -> list[Violation]:
        said, self._well = not self._well and moment is Moment.DURING, not found
        return [] if said else [_prefixed(_BROKEN[moment], each) for each in found]


def _prefixed(prefix: str, violation: Violation) -> Violation:
    return attrs.evolve(violation, message=f"{prefix}: {violation.message}")
