"""What a run would hand to a part, for driving the part by hand."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs

from chaoscore.clock import Clock
from chaoscore.context import NO_TAGS, POINT_KINDS, Active, Ask, Fault, Place, Run, Strike
from chaoscore.draw import Path, once
from chaoscore.fold import Fold
from chaoscore.plugins import catalogue
from chaoscore.protocols import Progress, Scene, Site
from chaoscore.safety.permission import resolve
from chaoscore.testing.clocks import FakeClock

NAME = "it"
"""What the part under test is called in its scenario."""

Step = Callable[[Any], object]
"""A step of a scenario."""

NOTHING_PROVIDED: Mapping[str, Any] = {}

_Undone = list[tuple[str, Mapping[str, Any]]]
_LOG = logging.getLogger("chaoscore.testing")


@attrs.frozen(kw_only=True)
class RecordingSite(Site):
    """
    A site that writes down what an injector tells it.

    Attributes:
        landings: What it said had landed: (kind of fault, where, detail).
        undone: What it had taken back: (undo action, its arguments).
    """

    landings: list[tuple[str, str, str]]
    undone: _Undone


def site(
    target: Any = None,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    name: str = NAME,
    scope: str | None = None,
    provided: Mapping[str, Any] = NOTHING_PROVIDED,
) -> RecordingSite:
    """
    Return where an injector or a provider may be opened by hand.

    Faults may go to loopback only. What the injector holds by `Site.undoing` is taken back, at the end of its block, by
    the installed undo action of that name; there is neither a journal nor a watchdog.

    Args:
        target: The system under test, set up.
        seed: Decides what `Site.draw` returns.
        clock: By default a `FakeClock`.
        name: The injector's name in the scenario.
        scope: The component that it belongs to.
        provided: What providers gave, by their names.
    """
    watch = clock or FakeClock()
    began_s = watch.monotonic()
    landings: list[tuple[str, str, str]] = []
    undone: _Undone = []
    return RecordingSite(
        injection=name,
        scenario="by hand",
        run_id="by-hand",
        seed=seed,
        target=target,
        clock=watch,
        log=_LOG,
        draw=partial(once, seed, name, 0),  # as at its first opening
        landed=lambda fault, where, detail: landings.append((fault, where, detail)),
        elapsed_s=lambda: watch.monotonic() - began_s,
        share=1.0,
        resolve=lambda host, port: resolve(host, port, ()),
        undoing=partial(_undoing, undone),
        scope=scope,
        provided=provided,
        landings=landings,
        undone=undone,
    )


@contextmanager
def _undoing(
    undone: list[tuple[str, Mapping[str, Any]]], undo: str, args: Mapping[str, Any], **_: Any
) -> Iterator[None]:
    action = catalogue().undos.need(undo, "site").part
    try:
        yield
    finally:
        action.undo(args)
        undone.append((undo, args))


def scene(
    target: Any = None, *, progress: Progress | None = None, clock: Clock | None = None, name: str = NAME
) -> Scene:
    """
    Return what a validator may be started with by hand.

    Args:
        target: The system under test, set up.
        progress: The run so far; by default one in which nothing has happened yet.
        clock: By default a `FakeClock`.
        name: The validator's name in the scenario.
    """
    watch = clock or FakeClock()
    began_s = watch.monotonic()
    return Scene(
        expectation=name,
        scenario="by hand",
        target=target,
        clock=watch,
        elapsed_s=lambda: watch.monotonic() - began_s,
        progress=Fold() if progress is None else progress,
        log=_LOG,
    )


def ask(
    point: str = "point",
    *,
    kind: str = "point",
    tags: Mapping[str, object] = NO_TAGS,
    seed: int = 0,
    iteration: int = 0,
    path: Path = (),
    n: int = 0,
    clock: Clock | None = None,
    name: str = NAME,
) -> Ask:
    """
    Return what an injector is asked at a point.

    Args:
        point: Name of the point.
        kind: What asks, one of `chaoscore.context.POINT_KINDS`.
        tags: What the point says about itself.
        seed: Decides, together with the rest, what the ask draws.
        iteration: Number of the iteration, from 0.
        path: Where in the tree of tasks: () for the step itself, (k,) for the k-th task that it starts.
        n: How many times this task asked before, from 0.
        clock: By default a `FakeClock`.
        name: The injector's name in the scenario.
    """
    active = Active(name, None, None, 1.0, _nothing)
    asked = Ask(Place(_HandRun(seed, clock or FakeClock(), active), 0, iteration, path), active)
    asked.n = n - 1
    asked.next(kind, point, tags)
    return asked


def strike(fault: Fault, at: Ask | None = None, *, clock: Clock | None = None) -> Strike:
    """
    Return what *fault* is applied with: `fault.apply(strike(fault))`, or `aapply` in a task.

    Args:
        fault: The fault.
        at: Where it strikes; by default at a point of no particular kind.
        clock: By default the one of *at*, or a `FakeClock`.
    """
    asked = ask(clock=clock) if at is None else at
    return Strike(asked._place, asked, fault)


class _HandRun(Run):
    """A run in which only one injection is open, and nobody takes note."""

    def __init__(self, seed: int, clock: Clock, active: Active) -> None:
        super().__init__(seed, clock)
        self._began_s = clock.monotonic()
        self.answering = dict.fromkeys(POINT_KINDS, (active,))

    def elapsed_s(self) -> float:
        return self.clock.monotonic() - self._began_s

    def landed(self, strike: Strike) -> None:
        strike.ask.active.fired += 1

    def armed(self, strike: Strike) -> Callable[[], None]:
        strike.ask.active.armed += 1
        return partial(self.landed, strike)

    def recorded(self, *_: Any) -> None:
        return


def _nothing(_: Ask) -> None:
    return None
