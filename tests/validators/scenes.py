"""Hand-made runs: a scene, and events as the executor emits them."""

import logging
from collections.abc import Callable
from typing import Any

import attrs

from chaoscore.clock import SystemClock
from chaoscore.events import ErrorInfo, Event, IterationEnded, Outcome, Recorded, StepEnded, Stuck
from chaoscore.protocols import Scene, Validator, Violation
from chaoscore.validators.answers import violations


@attrs.frozen(kw_only=True)
class FakeProgress:
    succeeded: int = 0
    failed: int = 0
    mean_s: float = 0.0
    maximum_s: float = 0.0
    quantiles_s: dict[float, float] = attrs.field(factory=dict)

    def quantile_s(self, q: float) -> float:
        return self.quantiles_s.get(q, 0.0)


class FakeElapsed:
    """Time since the run started, moved by hand."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def scene(
    target: Any = None, progress: FakeProgress | None = None, elapsed_s: Callable[[], float] = lambda: 0.0
) -> Scene:
    return Scene(
        expectation="it",
        scenario="scenario",
        target=target,
        clock=SystemClock(),
        elapsed_s=elapsed_s,
        progress=progress or FakeProgress(),
        log=logging.getLogger("tests.validators"),
    )


def start(validator: Validator, **parts: Any) -> Any:
    """Start *validator* in a fresh scene."""
    return validator.start(scene(**parts))


def shown(checker: Any, *events: Event) -> list[Violation]:
    """Return what *checker* says to *events*."""
    return [violation for event in events for violation in violations(checker.observe(event))]


def step(
    *,
    error: ErrorInfo | None = None,
    outcome: Outcome | None = None,
    worker: int = 0,
    iteration: int = 0,
    name: str = "execute",
) -> StepEnded:
    if outcome is None:
        outcome = Outcome.OK if error is None else Outcome.FAILED if error.injected_by is None else Outcome.FAULTED
    return StepEnded(0.0, worker, iteration, name, outcome, 0.001, error)


def iteration(duration_s: float = 0.001, *, at: float = 0.0, number: int = 0) -> IterationEnded:
    return IterationEnded(at, 0, number, Outcome.OK, duration_s)


def recorded(
    name: str,
    value: float | None = None,
    *,
    worker: int = 0,
    iteration: int = 0,
    injected: bool = False,
    **detail: object,
) -> Recorded:
    return Recorded(0.0, name, worker, iteration, "execute", value, detail, injected)


def stuck(*, step: str = "execute", limit_s: float = 5.0, stack: str = "", iteration: int = 0) -> Stuck:
    return Stuck(0.0, 0, iteration, step, limit_s, stack)
