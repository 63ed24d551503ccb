"""How the hooks of targets, injectors, validators and reporters are called: sync or async, each with a deadline."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any

from chaoscore.errors import DeadlineError

LEAVE_S = 0.1
"""How long an async hook that was given up may take to end before it is left behind."""

_Job = tuple[asyncio.Future[Any], Callable[[], Any]]


class Lane:
    """
    A thread that makes synchronous calls, one after the other.

    All hooks of a run share one, so that a target which must stay in one thread (an SQLite connection, say) does. A
    call that does not return in time is left behind with its thread, which is a daemon, and the next call gets a new
    one.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Job | None] | None = None
        self.ident: int | None = None
        """The thread's identity, once it has begun."""

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call *function* in the lane's thread, in the caller's context; cancelling leaves the thread behind."""
        if self._queue is None:
            self._queue = SimpleQueue()
            thread = threading.Thread(target=_serve, args=(self._queue,), name=self._name, daemon=True)
            Context().run(thread.start)  # an empty context: the thread is nobody's child
            self.ident = thread.ident
        future = asyncio.get_running_loop().create_future()
        context = copy_context()
        self._queue.put((future, lambda: context.run(function, *args)))
        try:
            return await future
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Let the thread end when it has made the calls it was given."""
        if self._queue is not None:
            self._queue.put(None)
            self._queue = None


def _serve(queue: SimpleQueue[_Job | None]) -> None:
    while (job := queue.get()) is not None:
        future, call = job
        try:
            result, error = call(), None
        except BaseException as caught:  # noqa: BLE001 - it belongs to whoever awaits the future
            result, error = None, caught
        _settle(future, result, error)
        del job, future, call, result, error  # a waiting thread must not keep the last call's objects alive


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    def settle() -> None:
        if future.done():
            if inspect.iscoroutine(result):
                result.close()  # whoever asked was cancelled; nobody will await it
            return
        if error is None:
            future.set_result(result)
        else:
            # a future refuses StopIteration, and would let KeyboardInterrupt and SystemExit end the loop
            future.set_exception(
                error if isinstance(error, Exception) and not isinstance(error, StopIteration) else Escaped(error)
            )

    try:
        future.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


class Escaped(Exception):  # noqa: N818 - a carrier, never seen by users
    """Carries a `BaseException` out of a lane."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(repr(error))


async def call(lane: Lane, who: str, hook: str, deadline_s: float, function: Callable[..., Any], *args: Any) -> Any:
    """
    Call *function*, which may be plain (then in *lane*) or `async def` (then on the loop), and return what it returns.

    It is called by a task of its own, so that one which ignores its cancellation can be left behind as well.

    Raises:
        DeadlineError: It did not return within *deadline_s*.
        BaseException: Whatever it raised, unchanged.
    """
    calling = asyncio.create_task(_outcome(lane, function, *args), name=f"chaoscore-hook-{hook}")
    try:
        await asyncio.wait((calling,), timeout=deadline_s)
    finally:  # also when whoever called is cancelled
        if not calling.done():
            calling.cancel()
            await asyncio.wait((calling,), timeout=LEAVE_S)
    if not calling.done() or calling.cancelled():
        raise DeadlineError(who, hook, deadline_s)
    result, error = calling.result()
    if error is not None:
        raise error
    return result


async def _outcome(lane: Lane, function: Callable[..., Any], *args: Any) -> tuple[Any, BaseException | None]:
    """Return what *function* returned or raised: a task must not raise `SystemExit`, which would end the loop."""
    try:
        if inspect.iscoroutinefunction(function):
            return await function(*args), None
        result = await lane.call(function, *args)
        return await result if inspect.isawaitable(result) else result, None
    except Escaped as carrier:
        return None, carrier.error
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        return None, error
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
        return None, error
