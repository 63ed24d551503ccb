"""
How a run's context follows work into tasks, threads and thread pools.

`asyncio` hands the context to a task by itself, but parent and child would then share one `Place`, and the order in
which they ask would decide what strikes. Threads inherit no context at all. While a run is active, the k-th task,
thread or pool job that a logical task starts gets a place of its own; code outside a run passes through untouched, and
nothing stays patched afterwards.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from chaoscore import context as chaos
from chaoscore.context import CURRENT, Place

_lock = threading.Lock()
_users = 0
_loops: dict[asyncio.AbstractEventLoop, int] = {}
_thread_start = threading.Thread.start
_pool_submit = ThreadPoolExecutor.submit


@contextmanager
def followed(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let places follow threads and pools everywhere, and tasks on *loop*, until the block is left."""
    _install(loop)
    try:
        yield
    finally:
        _uninstall(loop)


def _install(loop: asyncio.AbstractEventLoop) -> None:
    global _users
    with _lock:
        if _users == 0:
            threading.Thread.start = _start  # type: ignore[method-assign, assignment]
            ThreadPoolExecutor.submit = _submit  # type: ignore[method-assign, assignment]
        _users += 1
        chaos.running = _users
        if loop not in _loops:
            loop.set_task_factory(_Factory(loop.get_task_factory()))
        _loops[loop] = _loops.get(loop, 0) + 1


def _uninstall(loop: asyncio.AbstractEventLoop) -> None:
    """
    Restore what was there; where somebody patched above us in the meantime, ours stays underneath and passes through.
    """
    global _users
    with _lock:
        _loops[loop] -= 1
        if not _loops[loop]:
            del _loops[loop]
            factory = loop.get_task_factory()
            if isinstance(factory, _Factory):
                loop.set_task_factory(factory.inner)
        _users -= 1
        chaos.running = _users
        if _users == 0 and threading.Thread.start is _start:
            threading.Thread.start = _thread_start  # type: ignore[method-assign]
        if _users == 0 and ThreadPoolExecutor.submit is _submit:
            ThreadPoolExecutor.submit = _pool_submit  # type: ignore[method-assign]


def _start(thread: threading.Thread) -> None:
    place = CURRENT.get()
    if place is not None:
        thread.run = partial(_at, place.child(), thread.run)  # type: ignore[method-assign]
    _thread_start(thread)


def _submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    place = CURRENT.get()
    if place is None:
        return _pool_submit(pool, function, *args, **kwargs)
    # The pool may start a thread of its own here; whether it does depends on timing, so it must not count as a child.
    token = CURRENT.set(None)
    try:
        return _pool_submit(pool, _carrying(place.child(), function), *args, **kwargs)
    finally:
        CURRENT.reset(token)


def _carrying(place: Place, function: Callable[..., Any]) -> Callable[..., Any]:
    """
    Return *function* such that it runs at *place*; `asyncio.to_thread` brings a context of its own, which must be told.
    """
    context = getattr(getattr(function, "func", function), "__self__", None)
    if isinstance(context, Context):
        with suppress(RuntimeError):  # entered by another thread at this moment: its place has to do
            context.run(CURRENT.set, place)
        return function
    return partial(_at, place, function)


def _at(place: Place, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    token = CURRENT.set(place)
    try:
        return function(*args, **kwargs)
    finally:
        CURRENT.reset(token)


class _Factory:
    """A task factory that gives each task its place, and leaves making it to the one that was there."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> Any:
        place = CURRENT.get()
        if place is not None and kwargs.get("context") is None:
            kwargs["context"] = copy_context()
            kwargs["context"].run(CURRENT.set, place.child())
        if self.inner is None:
            return asyncio.Task(coroutine, loop=loop, **kwargs)
        return self.inner(loop, coroutine, **kwargs)
