"""How validators are asked during a run, and how what they return becomes findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chaoscore.events import Event, Found
from chaoscore.protocols import Checks, Concludes, Moment, Observes, Scene, Violation
from chaoscore.spec import Expectation
from chaoscore.verdict import Severity, Verdict


class Judge:
    """
    One expectation in one run.

    Attributes:
        name: Its name in the scenario.
        severity: What its findings weigh, thresholds considered.
        checker: What its validator started.
    """

    def __init__(self, expectation: Expectation, severity: Severity, scene: Scene) -> None:
        self.name, self.severity = expectation.name, severity
        self.checker: Any = expectation.validator.start(scene)

    @property
    def who(self) -> str:
        """Return what troubles call it."""
        return f"validator {self.name!r}"

    @property
    def observes(self) -> tuple[type[Event], ...]:
        """Return the event types it wants to see."""
        return self.checker.observes if isinstance(self.checker, Observes) else ()

    @property
    def concludes(self) -> bool:
        """Tell whether it judges the run as a whole."""
        return isinstance(self.checker, Concludes)

    @property
    def every_s(self) -> float:
        """Return seconds between its checks during the workload."""
        return float(self.checker.every_s)

    def checks_at(self, moment: Moment) -> bool:
        """Tell whether it wants to look at the system then."""
        return isinstance(self.checker, Checks) and moment in self.checker.moments

    def findings(
        self, judgement: Any, at: float, active: tuple[str, ...], verdict: Verdict | None = None
    ) -> Iterator[Found]:
        """Yield what *judgement* says as events; *verdict* stands instead of the severity's own where it is given."""
        for violation in violations(judgement):
            yield Found(
                at=at,
                validator=self.name,
                severity=self.severity,
                message=violation.message,
                verdict=verdict or violation.verdict or self.severity.verdict,
                worker=violation.worker,
                iteration=violation.iteration,
                step=violation.step,
                active=active,
                stack=violation.stack,
                data=dict(violation.data),
            )


def violations(judgement: Any) -> Iterable[Violation]:
    """
    Return what a checker returned as violations.

    Raises:
        TypeError: It is nothing that a checker may return, such as False, which does not say what is wrong.
    """
    if judgement is None or judgement is True:
        return ()
    if isinstance(judgement, str):
        return (Violation(judgement),)
    if isinstance(judgement, Violation):
        return (judgement,)
    if isinstance(judgement, Iterable):
        return [each if isinstance(each, Violation) else Violation(str(each)) for each in judgement]
    raise TypeError(f"a checker returns None, a sentence or violations, not {judgement!r}")


class Observer:
    """Shows events to one judge, and takes it out of the stream when it fails."""

    def __init__(
        self, judge: Judge, emit: Callable[[Judge, Any], None], fail: Callable[[Judge, str, BaseException], None]
    ) -> None:
        self._judge, self._emit, self._fail = judge, emit, fail
        self._observe = judge.checker.observe

    def __call__(self, event: Event) -> None:
        """Show it *event*; costs a call when there is nothing to say."""
        try:
            judgement = self._observe(event)
            if judgement is not None:
                self._emit(self._judge, judgement)
        except Exception as error:  # noqa: BLE001 - becomes a trouble with verdict unknown
            self._observe = _ignore
            self._fail(self._judge, "observe", error)


def _ignore(_: Event) -> None:
    return None
