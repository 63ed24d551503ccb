"""Validators that break one promise each."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from chaoscore import IterationEnded, Moment, Scene, Severity, Violation, seconds
from tests.testing import lost


@attrs.frozen
class Good:
    """No iteration is slow."""

    kind: ClassVar[str] = "good"

    limit_s: float = attrs.field(default=1.0, converter=seconds, alias="limit")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=Severity, kw_only=True)

    def start(self, scene: Scene) -> Any:
        """Return a checker."""
        return Checker(self.limit_s)


class Checker:
    """Looks at each iteration, and says at the end what it has seen."""

    observes: Any = (IterationEnded,)

    def __init__(self, limit_s: float) -> None:
        self.limit_s, self.slow = limit_s, 0

    def observe(self, event: IterationEnded) -> Any:
        """Count."""
        self.slow += event.duration_s > self.limit_s

    def conclude(self) -> Any:
        """Say how many there were."""
        return Violation(f"{self.slow} iterations were slow") if self.slow else None


# -- what it says of itself


class Nameless(Good):
    """Has no kind."""

    kind: ClassVar[str] = ""


@attrs.frozen
class Weightless:
    """Has a fixed severity."""

    kind: ClassVar[str] = "weightless"
    severity: ClassVar[Severity] = Severity.WARNING

    def start(self, scene: Scene) -> Checker:
        """Return a checker."""
        return Checker(1.0)


def _critical(value: Severity) -> Severity:
    return Severity.CRITICAL


@attrs.frozen
class AlwaysCritical(Good):
    """Ignores the severity that it is given."""

    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=_critical, kw_only=True)


@attrs.frozen
class AnySeverity(Good):
    """Takes any severity."""

    severity: Any = attrs.field(default=Severity.CRITICAL, kw_only=True)


@attrs.frozen
class TextSeverity(Good):
    """Has a text for a severity."""

    severity: Any = attrs.field(default="critical", kw_only=True)


@attrs.frozen
class Credulous(Good):
    """Takes any limit for granted."""

    limit_s: float = attrs.field(default=1.0, alias="limit")


# -- what it starts


class StartsNothing(Good):
    """Starts what can do nothing."""

    def start(self, scene: Scene) -> Any:
        """Return nothing of use."""
        return object()


class StartsItself(Good):
    """Starts itself."""

    observes: ClassVar[Any] = (IterationEnded,)

    def start(self, scene: Scene) -> Any:
        """Return itself."""
        return self

    def observe(self, event: IterationEnded) -> Any:
        """Judge."""
        return "slow" if event.duration_s > 1 else None


class FailsToStart(Good):
    """Raises when it is started."""

    def start(self, scene: Scene) -> Any:
        """Raise."""
        raise OSError("not today")


def starting(name: str, make: Any, about: str = "Starts a broken checker.") -> type[Good]:
    """Return a validator that starts what *make* returns."""
    return type(name, (Good,), {"start": make, "__doc__": about})


class ObservesList(Checker):
    observes = [IterationEnded]  # noqa: RUF012


class ObservesNames(Checker):
    observes = ("IterationEnded",)


class MomentsInList(Checker):
    moments: Any = [Moment.AFTER]  # noqa: RUF012
    every_s: float = 1.0

    def check(self, moment: Moment) -> Any:
        return None


class NeverAgain(MomentsInList):
    moments = frozenset({Moment.DURING})
    every_s = 0.0


# -- how it judges


class FindsAlways(Checker):
    def conclude(self) -> Any:
        return "it is all wrong"


class FindsNever(Checker):
    def conclude(self) -> Any:
        return None


class FindsInSilence(Checker):
    def conclude(self) -> Any:
        return Violation(" ") if self.slow else None


class Divides(Checker):
    """Needs an iteration."""

    iterations = 0

    def observe(self, event: IterationEnded) -> Any:
        self.iterations += 1
        self.slow += event.duration_s > self.limit_s

    def conclude(self) -> Any:
        return "too many were slow" if self.slow / self.iterations > 0.5 else None


class Explodes(Checker):
    def observe(self, event: IterationEnded) -> Any:
        raise OSError("it cannot look")


class ExplodesAtTrouble(Checker):
    def conclude(self) -> Any:
        if self.slow:
            raise OSError("it cannot bear it")


class Remembers(Checker):
    """Counts in its class."""

    total: ClassVar[list[int]] = []

    def observe(self, event: IterationEnded) -> Any:
        if event.duration_s > self.limit_s:
            self.total.append(event.iteration)

    def conclude(self) -> Any:
        return "some were slow" if self.total else None


class Overhears(Checker):
    """Counts in its class, from the start of the last one on."""

    total: ClassVar[list[int]] = []

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.total.clear()

    observe = Remembers.observe
    conclude = Remembers.conclude


class Swallows(Checker):
    """Takes a target that cannot be asked for one that is well."""

    moments = frozenset({Moment.AFTER})
    every_s = 1.0

    def __init__(self, limit_s: float, target: Any) -> None:
        super().__init__(limit_s)
        self.target = target

    def check(self, moment: Moment) -> Any:
        try:
            return None if self.target.name and self.target.calls else "nobody called"
        except Exception:  # noqa: BLE001 - the bug that is to be caught
            return None


class Admits(Swallows):
    """Says that it cannot tell."""

    def check(self, moment: Moment) -> Any:
        return None if self.target.calls else "nobody called"


class LeavesThread(Checker):
    def conclude(self) -> Any:
        lost.thread()
        return super().conclude()
