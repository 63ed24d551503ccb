"""Parts driven by hand: what an injector answers, and what a validator finds, without a run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from chaoscore.clock import Clock
from chaoscore.context import NO_TAGS, Fault
from chaoscore.events import Event
from chaoscore.executor.hooks import Lane, call
from chaoscore.executor.judges import violations
from chaoscore.fold import Fold
from chaoscore.protocols import Answers, Checks, Concludes, Moment, Observes, Validator, Violation
from chaoscore.spec import setup_parameters
from chaoscore.testing.builders import NOTHING_PROVIDED, ask, scene
from chaoscore.testing.clocks import FakeClock

HOOK_S = 30.0
"""How long a hook that is called by hand may take."""


def answers(
    injector: Answers,
    visits: int = 1,
    point: str = "point",
    *,
    kind: str = "point",
    tags: Mapping[str, object] = NO_TAGS,
    seed: int = 0,
    iteration: int = 0,
    clock: Clock | None = None,
) -> list[Fault | None]:
    """
    Return what *injector* answers to one task that visits a point again and again.

    Args:
        injector: The injector, or what its `open` yielded where that answers in its stead.
        visits: How often.
        point: Name of the point.
        kind: What asks, one of `chaoscore.context.POINT_KINDS`.
        tags: What the point says about itself.
        seed: Decides what strikes.
        iteration: Number of the iteration, from 0.
        clock: By default a `FakeClock`.
    """
    asked = ask(point, kind=kind, tags=tags, seed=seed, iteration=iteration, n=-1, clock=clock)
    found = []
    for _ in range(visits):
        asked.next(kind, point, tags)
        found.append(injector.answer(asked))
    return found


def judge(
    validator: Validator, events: Iterable[Event] = (), *, target: Any = None, clock: FakeClock | None = None
) -> list[Violation]:
    """
    Return everything that *validator* finds in a run in which just these *events* happened.

    Its checker looks before them, at each, after the last while the workload runs, and when it is over. What it raises
    is raised. For code that runs on no event loop.

    Args:
        validator: What must hold.
        events: What happened, in order; the clock is moved to each.
        target: The system under test, set up.
        clock: By default one that stands at 0.
    """
    lane = Lane("chaoscore-hooks")
    try:
        return asyncio.run(found_in(validator, events, lane, target, clock))
    finally:
        lane.close()


async def found_in(
    validator: Validator, events: Iterable[Event], lane: Lane, target: Any = None, clock: FakeClock | None = None
) -> list[Violation]:
    """Do what `judge` does, with all plain hooks in one *lane*."""
    fold, watch = Fold(), clock or FakeClock()
    checker: Any = validator.start(scene(target, progress=fold, clock=watch))
    found = await _checked(checker, Moment.BEFORE, lane)
    for event in events:
        watch.advance(max(0.0, event.at - watch.monotonic()))
        fold.add(event)
        if isinstance(checker, Observes) and type(event) in checker.observes:
            found += violations(checker.observe(event))
    for moment in (Moment.DURING, Moment.AFTER):
        found += await _checked(checker, moment, lane)
    if isinstance(checker, Concludes):
        found += violations(await hook(lane, checker.conclude))
    return found


async def _checked(checker: Any, moment: Moment, lane: Lane) -> list[Violation]:
    if not isinstance(checker, Checks) or moment not in checker.moments:
        return []
    return [*violations(await hook(lane, checker.check, moment))]


async def hook(lane: Lane, function: Callable[..., Any], *args: Any) -> Any:
    """Call a hook as a run does: a plain one in *lane*, one that is `async def` on the loop, each with a deadline."""
    return await call(lane, "by hand", getattr(function, "__name__", "hook"), HOOK_S, function, *args)


@asynccontextmanager
async def standing(target: Any, provided: Mapping[str, Any] = NOTHING_PROVIDED) -> AsyncIterator[Lane]:
    """While the block lasts, *target* is set up with what is *provided*; yields the lane for further hooks."""
    lane = Lane("chaoscore-hooks")
    try:
        taken = {name: provided[name] for name in setup_parameters(target) if name in provided}
        await _if_there(lane, target, "setup", **taken)
        yield lane
    finally:
        await _if_there(lane, target, "teardown")
        lane.close()


async def _if_there(lane: Lane, target: Any, name: str, **provided: Any) -> None:
    function = getattr(target, name, None)
    if callable(function):
        await hook(lane, partial(function, **provided))
