"""Real runs, seen through a reporter, and runs by hand for what stands below the executor."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import attrs

from chaoscore import context
from chaoscore.clock import SystemClock
from chaoscore.context import CURRENT, POINT_KINDS, Active, Ask, Fault, Place, Run, Strike
from chaoscore.events import ErrorInfo, Event, Fired, Lifted, Outcome, StepEnded
from chaoscore.protocols import Injector
from chaoscore.report import Report
from chaoscore.scenario import Scenario
from chaoscore.spec import Window

E = TypeVar("E", bound=Event)
Identity = tuple[str, str, str, int, tuple[int, ...], int, str]


class Target:
    """A system under test that does nothing."""


class Collect:
    """A reporter that keeps all events."""

    kind: ClassVar[str] = "collect"

    def __init__(self) -> None:
        self.events: list[Event] = []

    def follow(self, events: Sequence[Event]) -> None:
        self.events += events


@attrs.frozen
class Finished:
    """A finished run: its report and its events."""

    report: Report
    events: list[Event]

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def fired(self) -> list[Fired]:
        return self.of(Fired)

    @property
    def faults(self) -> list[Identity]:
        """Return what struck, as identities, sorted: worker, time and source line are no part of them."""
        return sorted((e.injector, e.fault, e.point, e.iteration, e.path, e.n, e.detail) for e in self.fired)

    @property
    def outcomes(self) -> list[Outcome]:
        """Return how the steps ended, in the order of their ends."""
        return [event.outcome for event in self.of(StepEnded)]

    @property
    def errors(self) -> list[ErrorInfo | None]:
        """Return what came out of the steps, in the order of their ends."""
        return [event.error for event in self.of(StepEnded)]

    @property
    def points(self) -> list[str]:
        """Return where faults struck, in order."""
        return [event.point for event in self.fired]

    def lifted(self, injector: str = "it") -> Lifted:
        """Return the evidence of an injector that was lifted once."""
        (event,) = (event for event in self.of(Lifted) if event.injector == injector)
        return event


def finish(scenario: Scenario, *, seed: int = 42, **how: Any) -> Finished:
    """Run *scenario* to its end."""
    collect = Collect()
    report = scenario.run(seed=seed, reporters=[collect], **how)
    assert not report.troubles, report.troubles
    return Finished(report, collect.events)


def scenario(
    step: Callable[[Any], object],
    *injectors: Injector,
    repeat: int = 1,
    workers: int = 1,
    window: Window | None = None,
    scope: str | None = None,
    target: object = None,
) -> Scenario:
    """Return a scenario of one step that goes on after failures; its injectors are named ``it``, ``it1``, ..."""
    built = Scenario("trial").target(Target() if target is None else target).step("step", step)
    for number, injector in enumerate(injectors):
        built = built.inject(f"it{number or ''}", injector, window=window, scope=scope)
    return built.repeat(repeat).workers(workers).continue_on_failure()


def ran(step: Callable[[Any], object], *injectors: Injector, **parts: Any) -> Finished:
    """Run one step under *injectors*."""
    how = {key: parts.pop(key) for key in ("seed", "only_iteration", "clock") if key in parts}
    return finish(scenario(step, *injectors, **parts), **how)


class HandClock(SystemClock):
    """A clock that is moved by hand and writes down who sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.slept.append(seconds)
        self.now_s += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class SteppedClock(HandClock):
    """
    A clock that the system under test moves, while whoever sleeps on the loop waits for it.

    For the loop's thread, which is the one that makes the clock, time moves only when it looks; so what it computes and
    how long it then sleeps go together, however far the others are by then.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loop_thread = threading.get_ident()
        self._seen_s = 0.0

    def monotonic(self) -> float:
        return self._seen_s if threading.get_ident() == self._loop_thread else self.now_s

    async def asleep(self, seconds: float) -> None:
        until = self._seen_s + seconds
        while self._seen_s < until:
            await asyncio.sleep(0.0005)
            self._seen_s = self.now_s

    def step(self, seconds: float) -> None:
        """Go on by *seconds*."""
        self.now_s = round(self.now_s + seconds, 6)


class HandRun(Run):
    """A run without an executor."""

    def __init__(self, seed: int = 42) -> None:
        self.hand = HandClock()
        super().__init__(seed, self.hand)
        self.strikes: list[Strike] = []
        self.seen: list[tuple[str, str, int]] = []
        self.notes: list[tuple[str, float | None, dict[str, object], bool]] = []
        self.broken: list[tuple[str, Exception]] = []

    def elapsed_s(self) -> float:
        return self.hand.now_s

    def landed(self, strike: Strike) -> None:
        strike.ask.active.fired += 1
        self.strikes.append(strike)
        self.seen.append((strike.injector, strike.point, strike.ask.n))

    def armed(self, strike: Strike) -> Callable[[], None]:
        strike.ask.active.armed += 1
        struck = (strike.injector, strike.point, strike.ask.n)

        def landed() -> None:
            strike.ask.active.fired += 1
            self.seen.append(struck)

        return landed

    def recorded(self, place: Place, name: str, value: float | None, detail: dict[str, object], injected: bool) -> None:
        self.notes.append((name, value, detail, injected))

    def broke(self, active: Active, error: Exception) -> None:
        self.broken.append((active.name, error))

    def open(self, *actives: Active, kinds: Sequence[str] = POINT_KINDS) -> None:
        """Let points of *kinds* ask *actives*, and nobody else."""
        self.answering = dict.fromkeys(POINT_KINDS, ()) | dict.fromkeys(kinds, actives)

    @contextmanager
    def at(self, place: Place) -> Iterator[Place]:
        """Let the code of the block belong to *place*."""
        token = CURRENT.set(place)
        context.running += 1
        try:
            yield place
        finally:
            context.running -= 1
            CURRENT.reset(token)


def active(
    answer: Callable[[Ask], Fault | None] = lambda _: None,
    *,
    name: str = "it",
    scope: str | None = None,
    at: str | None = None,
    share: float = 1.0,
) -> Active:
    """Return an open injection as points see it."""
    return Active(name, scope, at, share, answer)
