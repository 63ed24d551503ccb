"""Waiting for a failpoint to fire."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chaos_failpoint.errors import NotFiredError
from chaos_failpoint.loops import refuse_to_block
from chaos_failpoint.signals import Signal
from chaoscore import seconds

if TYPE_CHECKING:
    from chaos_failpoint.handles import Failpoint

_waiting: dict[str, list[tuple[int, Callable[[], object]]]] = {}
"""For each failpoint that somebody waited for: how often it has to fire, and whom to tell."""


def when_fired(handle: Failpoint, times: int, call: Callable[[], object]) -> Callable[[], None]:
    """Call *call* when *handle* has fired so often, at once if it has; return what takes that back."""
    entry = (times, call)
    entries = _waiting.setdefault(handle.name, [])
    entries.append(entry)
    if handle.fired >= times:
        call()
    return lambda: entries.remove(entry)


def tell(handle: Failpoint) -> None:
    """Tell those who wait for *handle* that it has fired once more."""
    for times, call in tuple(_waiting.get(handle.name, ())):
        if handle.fired >= times:
            call()


def wait_until_fired(handle: Failpoint, times: int, timeout: float | str) -> int:
    """See `Failpoint.wait_until_fired`."""
    refuse_to_block("Failpoint.wait_until_fired", "Failpoint.await_until_fired")
    enough, timeout_s = Signal(), seconds(timeout)
    take_back = when_fired(handle, times, enough.set)
    try:
        return _result(handle, times, timeout_s, enough.wait(timeout_s))
    finally:
        take_back()


async def await_until_fired(handle: Failpoint, times: int, timeout: float | str) -> int:  # noqa: ASYNC109 - as its twin
    """See `Failpoint.await_until_fired`."""
    enough, timeout_s = Signal(), seconds(timeout)
    take_back = when_fired(handle, times, enough.set)
    try:
        return _result(handle, times, timeout_s, await enough.await_(timeout_s))
    finally:
        take_back()


def _result(handle: Failpoint, times: int, timeout_s: float, enough: bool) -> int:
    fired = handle.fired
    if not enough:
        raise NotFiredError(handle.name, times, fired, handle.hits, timeout_s)
    return fired
