"""
How a run's context follows work into tasks, threads and thread pools.

`asyncio` hands the context to a task by itself, but parent and child would then share one `Place`, and the order in
which they ask would decide what strikes. Threads inherit no context at all. While a run is active, the k-th task,
thread or pool job that a logical task starts gets a place of its own; code outside a run passes through untouched, and
nothing stays patched afterwards.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from functools import partial, wraps
from typing import Any

from chaoscore import context as chaos
from chaoscore.context import CURRENT, Place

_lock = threading.Lock()
_users = 0
_layers: tuple[_Layer, ...] = ()
_loops: dict[asyncio.AbstractEventLoop, int] = {}


@contextmanager
def followed(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let places follow threads, pools and tasks until the block is left; tasks of foreign kinds of loops on *loop*."""
    _install(loop)
    try:
        yield
    finally:
        _uninstall(loop)


def _install(loop: asyncio.AbstractEventLoop) -> None:
    global _users, _layers
    with _lock:
        if _users == 0:
            _layers = (
                _Layer(threading.Thread, "start", _start),
                _Layer(ThreadPoolExecutor, "submit", _submit),
                _Layer(asyncio.BaseEventLoop, "create_task", _create_task),
            )
        _users += 1
        chaos.running = _users
        if loop not in _loops and type(loop).create_task is not asyncio.BaseEventLoop.create_task:
            loop.set_task_factory(_Factory(loop.get_task_factory()))
        _loops[loop] = _loops.get(loop, 0) + 1


def _uninstall(loop: asyncio.AbstractEventLoop) -> None:
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
        if _users == 0:
            for layer in _layers:
                layer.remove()


class _Layer:
    """
    A method of our own over that of a class, whatever it is at this moment.

    Where somebody patched above us in the meantime, ours cannot be removed: it stays underneath and passes through,
    and the next run lays a new one on top.
    """

    def __init__(self, owner: type, name: str, around: Callable[..., Any]) -> None:
        self._owner, self._name = owner, name
        self._inner = inner = getattr(owner, name)
        self._on = True

        @wraps(inner)
        def method(*args: Any, **kwargs: Any) -> Any:
            place = CURRENT.get() if self._on else None
            return inner(*args, **kwargs) if place is None else around(inner, place, *args, **kwargs)

        self._method = method
        setattr(owner, name, method)

    def remove(self) -> None:
        """Restore what was there."""
        self._on = False
        if getattr(self._owner, self._name) is self._method:
            setattr(self._owner, self._name, self._inner)


def _start(inner: Callable[..., None], place: Place, thread: threading.Thread) -> None:
    context = _context_of(getattr(thread, "_target", None))
    thread.run = partial(_at, place.child(), context, thread.run)  # type: ignore[method-assign]
    inner(thread)


def _submit(
    inner: Callable[..., Future[Any]], place: Place, pool: ThreadPoolExecutor, job: Callable[..., Any], /, *args: Any,
    **kwargs: Any,
) -> Future[Any]:  # fmt: skip
    carrying = partial(_at, place.child(), _context_of(job), job)
    # The pool may start a thread of its own here; whether it does depends on timing, so it must not count as a child.
    token = CURRENT.set(None)
    try:
        return inner(pool, carrying, *args, **kwargs)
    finally:
        CURRENT.reset(token)


def _create_task(
    inner: Callable[..., Any], place: Place, loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any
) -> Any:
    own = kwargs.get("context")
    if own is None:  # the task copies the context that it is made in, whatever a task factory may do with arguments
        context = copy_context()
        context.run(CURRENT.set, place.child())
        return context.run(inner, loop, coroutine, **kwargs)
    if own.get(CURRENT) is place:
        with suppress(RuntimeError):  # entered at this moment, by the caller: task and caller then share a place
            own.run(CURRENT.set, place.child())
    return inner(loop, coroutine, **kwargs)


def _context_of(function: Any) -> Context | None:
    """Return the context that *function* will enter by itself, as `asyncio.to_thread` and careful people let it do."""
    context = getattr(getattr(function, "func", function), "__self__", None)
    return context if isinstance(context, Context) else None


def _at(place: Place, context: Context | None, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call *function* at *place*, which is set in the *context* that it enters, if it enters one."""
    enter: Callable[..., Any] = _call if context is None else context.run
    try:
        token = enter(CURRENT.set, place)
    except RuntimeError:  # another thread is inside; *function* will find that out as well, and say so
        return function(*args, **kwargs)
    try:
        return function(*args, **kwargs)
    finally:
        with suppress(RuntimeError):
            enter(CURRENT.reset, token)


def _call(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


class _Factory:
    """For loops whose `create_task` cannot be replaced: a task factory that gives each task its place."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any) -> Any:
        make = partial(asyncio.Task, loop=loop) if self.inner is None else partial(self.inner, loop)
        place = CURRENT.get()
        if place is None:
            return make(coroutine, **kwargs)
        return _create_task(lambda _, *args, **rest: make(*args, **rest), place, loop, coroutine, **kwargs)


_forking = threading.local()


def _before_fork() -> None:
    place = CURRENT.get()
    _forking.place = None if place is None else place.child()


def _in_forked_child() -> None:
    """Let a child that was forked be a child of its place as well: it must not draw what its parent draws."""
    if _forking.place is not None:
        CURRENT.set(_forking.place)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_forked_child)
