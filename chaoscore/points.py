"""
Points: named places in your own code where a fault can strike.

Outside a run each call here is a no-op that costs little more than calling an empty function. Inside one it asks the
open injectors, in order, and applies what they answer. Every call has an awaitable form, with an ``a`` in front, that
never blocks the event loop; a call that would block it raises `BlockingCallError` instead.
"""

from __future__ import annotations

from collections.abc import Callable

from chaoscore import context
from chaoscore.context import CURRENT, Place, refuse_to_block
from chaoscore.errors import is_injected, text_of


def maybe_delay(name: str = "maybe_delay") -> None:
    """
    Let delay injectors hold the calling thread up here.

    Args:
        name: Name of this point; ``"db.read"`` makes it belong to the component ``db``.

    Raises:
        BlockingCallError: Called in a run on a running event loop; `await amaybe_delay()` there.
    """
    if context.running and (place := CURRENT.get()) is not None:
        refuse_to_block("delay")
        place.visit("delay", name)


async def amaybe_delay(name: str = "maybe_delay") -> None:
    """Let delay injectors suspend the calling task here."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("delay", name)


def maybe_error(name: str = "maybe_error") -> None:
    """Let error injectors raise here."""
    if context.running and (place := CURRENT.get()) is not None:
        place.visit("error", name)


async def amaybe_error(name: str = "maybe_error") -> None:
    """Let error injectors raise here."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("error", name)


def maybe_panic(name: str = "maybe_panic") -> None:
    """Let panic injectors raise here what `except Exception` does not swallow."""
    if context.running and (place := CURRENT.get()) is not None:
        place.visit("panic", name)


async def amaybe_panic(name: str = "maybe_panic") -> None:
    """Let panic injectors raise here what `except Exception` does not swallow."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("panic", name)


def maybe_cancel(name: str = "maybe_cancel") -> None:
    """Let cancellation injectors cancel the current asyncio task, or set synchronous code a deadline."""
    if context.running and (place := CURRENT.get()) is not None:
        place.visit("cancel", name)


async def amaybe_cancel(name: str = "maybe_cancel") -> None:
    """Let cancellation injectors cancel the current asyncio task here."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("cancel", name)


def maybe_network_chaos(host: str, port: int) -> None:
    """
    Let network injectors delay, refuse or drop the connection that you are about to make.

    Args:
        host: Name or address, as you are about to use it.
        port: TCP or UDP port.

    Raises:
        BlockingCallError: Called in a run on a running event loop; `await amaybe_network_chaos(...)` there.
    """
    if context.running and (place := CURRENT.get()) is not None:
        refuse_to_block("network")
        place.visit("network", f"{host}:{port}", {"host": host, "port": port})


async def amaybe_network_chaos(host: str, port: int) -> None:
    """Let network injectors delay, refuse or drop the connection that this task is about to make."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("network", f"{host}:{port}", {"host": host, "port": port})


def point(name: str, /, **tags: object) -> None:
    """
    Let any injector strike here.

    Args:
        name: Name of the point; ``"db.read"`` makes it belong to the component ``db``.
        tags: What injectors may know about it.
    """
    if context.running and (place := CURRENT.get()) is not None:
        place.visit("point", name, tags)


async def apoint(name: str, /, **tags: object) -> None:
    """Let any injector strike here, without blocking the loop."""
    if context.running and (place := CURRENT.get()) is not None:
        await place.avisit("point", name, tags)


def record_recursion_depth(depth: int) -> None:
    """Tell the run how deep a recursion (of calls, rollbacks, retries) is; `recursion_depth` judges it."""
    if context.running and (place := CURRENT.get()) is not None:
        place.run.recorded(place, "recursion_depth", float(depth), {}, False)


def record_panic(error: BaseException) -> None:
    """Tell the run that your code caught *error*, a panic, and recovered."""
    if context.running and (place := CURRENT.get()) is not None:
        _record(place, "panic", error)


def record_error(error: BaseException) -> None:
    """Tell the run that your code met *error* and handled it; `max_errors` counts it."""
    if context.running and (place := CURRENT.get()) is not None:
        _record(place, "error", error)


def record_event(name: str, /, value: float | None = None, **detail: object) -> None:
    """
    Tell the run something of your own, for its event log and for validators.

    Args:
        name: What happened.
        value: A number, if there is one.
        detail: Anything else; what JSON does not know is written as its `repr`.
    """
    if context.running and (place := CURRENT.get()) is not None:
        place.run.recorded(place, name, None if value is None else float(value), detail, False)


def in_run() -> bool:
    """Tell whether this code belongs to a run; for code that would have to prepare something for its points."""
    return context.running > 0 and CURRENT.get() is not None


current_place: Callable[[], Place | None] = CURRENT.get
"""
Return the logical task that this code belongs to, or None outside a run.

A method in C, not a function: a failpoint that is armed calls it at every hit.
"""


class aside:  # noqa: N801 - used like a function
    """
    Step out of the run for a block: whatever it calls meets no point.

    For faults that strike inside functions which injectors and their users may call themselves.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = CURRENT.set(None)

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self._token)


def _record(place: Place, name: str, error: BaseException) -> None:
    detail: dict[str, object] = {"type": type(error).__qualname__, "message": text_of(error)}
    place.run.recorded(place, name, None, detail, is_injected(error))
