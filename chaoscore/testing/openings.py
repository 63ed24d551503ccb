"""What is promised of an injector's `open`: however its context is left, the fault is lifted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from chaoscore.clock import Clock
from chaoscore.executor.hooks import Lane
from chaoscore.protocols import Opens, Provider, Site
from chaoscore.testing.builders import NOTHING_PROVIDED, site
from chaoscore.testing.gauges import InEffect
from chaoscore.testing.hand import hook, standing
from chaoscore.testing.promises import PlannedError, Promise, shown
from chaoscore.testing.traces import left_since, traces

LIFTS = Promise(
    "it lifts its fault exactly once on every way out, and leaves nothing behind",
    "write `try: yield ... finally: <lift>` in `open`, join the threads and close the files that it opened",
)
SWALLOWS_NOTHING = Promise(
    "leaving its context lets the exception through that leaves it",
    "return None from `__exit__`, and let a generator raise what came out of its `yield`",
)
HOOKS_HOLD = Promise("its hooks do not raise", "see the error; what may go wrong outside must not go wrong here")
OPENS_ANEW = Promise(
    "each `open` is an opening of its own",
    "return a new context manager from each call of `open`, as `contextlib.contextmanager` does",
)

WAYS_OUT: tuple[type[BaseException] | None, ...] = (None, PlannedError, KeyboardInterrupt, asyncio.CancelledError)
"""Beside the good end: a step that fails, Ctrl-C, a run that is cancelled."""


Providers = Mapping[str, Provider]
"""What is there before the target, by its names."""


def check_openings(
    injector: Opens,
    make_target: Callable[[], Any],
    in_effect: InEffect | None,
    make_clock: Callable[[], Clock],
    providers: Providers = NOTHING_PROVIDED,
) -> None:
    """See that *injector* is lifted when its context is left by hand, on each of `WAYS_OUT`."""
    for kind in WAYS_OUT:
        error = None if kind is None else kind("tried by the kit")
        target = make_target()
        before = traces()
        asyncio.run(_opened_and_left(injector, make_clock(), target, error, in_effect, providers))
        left = left_since(before)
        if left:
            raise LIFTS.broken(injector, _tried(error), f"it left: {'; '.join(left)}")


async def _opened_and_left(
    injector: Any,
    clock: Clock,
    target: Any,
    error: BaseException | None,
    in_effect: InEffect | None,
    providers: Providers,
) -> None:
    tried = _tried(error)
    async with _providing(providers, clock) as provided, standing(target, provided) as lane:
        manager = await _managed(injector, site(target, clock=clock, provided=provided), lane)
        with HOOKS_HOLD.kept(injector, "entered the context that `open` returned"):
            await _enter(manager, lane)
        swallowed = await _leave(injector, manager, error, lane)
        if error is not None and swallowed:
            raise SWALLOWS_NOTHING.broken(injector, tried, f"{type(error).__name__} was swallowed")
        if in_effect is not None and in_effect(target):
            raise LIFTS.broken(injector, tried, "the fault is still in effect")


@asynccontextmanager
async def _providing(providers: Providers, clock: Clock) -> AsyncIterator[dict[str, Any]]:
    """While the block lasts, there is what *providers* make; yields it by their names."""
    async with standing(None) as lane, AsyncExitStack() as stack:
        provided: dict[str, Any] = {}
        for name, provider in providers.items():
            manager = await _managed(provider, site(clock=clock, name=name, provided=dict(provided)), lane)
            provided[name] = await _enter(manager, lane)
            stack.push_async_callback(_leave, provider, manager, None, lane)
        yield provided


async def _managed(injector: Any, where: Site, lane: Lane) -> Any:
    managers = [await hook(lane, injector.open, where) for _ in range(2)]
    for manager in managers:
        if not isinstance(manager, AbstractContextManager | AbstractAsyncContextManager):
            found = f"it returned {manager!r:.200}, which is no context manager"
            raise OPENS_ANEW.broken(injector, "called `open`", found)
    if managers[0] is managers[1]:
        raise OPENS_ANEW.broken(injector, "called `open` twice", "it returned the same object twice")
    return managers[0]


async def _enter(manager: Any, lane: Lane) -> Any:
    if isinstance(manager, AbstractAsyncContextManager):
        return await hook(lane, manager.__aenter__)
    return await hook(lane, manager.__enter__)


async def _leave(injector: Any, manager: Any, error: BaseException | None, lane: Lane) -> bool:
    """Leave the context with *error*; tell whether it was swallowed."""
    details = (None, None, None) if error is None else (type(error), error, None)
    is_async = isinstance(manager, AbstractAsyncContextManager)
    try:
        return bool(await hook(lane, manager.__aexit__ if is_async else manager.__exit__, *details))
    except BaseException as raised:
        if raised is error:
            return False
        raise LIFTS.broken(injector, _tried(error), shown(raised)) from raised


def _tried(error: BaseException | None) -> str:
    how = "as a run does" if error is None else f"with a {type(error).__name__}"
    return f"opened it and left its context {how}"
