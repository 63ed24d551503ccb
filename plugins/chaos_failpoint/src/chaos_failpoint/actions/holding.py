"""Actions that hold the caller up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import attrs

from chaos_failpoint.actions.base import Action, Moment
from chaos_failpoint.awaiting import when_fired
from chaos_failpoint.registry import known
from chaos_failpoint.signals import Signal

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here

CAP_S = 60.0
"""How long `pause` and `wait` hold anybody up at most, if they do not say otherwise."""


@attrs.frozen
class Sleep(Action):
    """Hold the caller up for a time."""

    name: ClassVar[str] = "sleep"
    blocks: ClassVar[bool] = True
    duration_s: float

    def act(self, moment: Moment) -> None:
        moment.clock.sleep(self.duration_s)

    async def aact(self, moment: Moment) -> None:
        await moment.clock.asleep(self.duration_s)


@attrs.frozen
class Delay(Action):
    """Keep a processor busy for a time."""

    name: ClassVar[str] = "delay"
    blocks: ClassVar[bool] = True
    duration_s: float

    def act(self, moment: Moment) -> None:
        ends = time.perf_counter() + self.duration_s
        while time.perf_counter() < ends:
            pass

    async def aact(self, moment: Moment) -> None:
        ends = time.perf_counter() + self.duration_s
        while time.perf_counter() < ends:  # noqa: ASYNC110 - busy is what it is meant to be
            await asyncio.sleep(0)  # and still the loop gets every other turn


@attrs.frozen
class Yield(Action):
    """Let another thread, or another task, go first."""

    name: ClassVar[str] = "yield"

    def act(self, moment: Moment) -> None:
        time.sleep(0)

    async def aact(self, moment: Moment) -> None:
        await asyncio.sleep(0)


@attrs.frozen
class Pause(Action):
    """Hold the caller until the failpoint is disarmed or armed anew, for *cap_s* seconds at most."""

    name: ClassVar[str] = "pause"
    blocks: ClassVar[bool] = True
    cap_s: float = CAP_S

    def act(self, moment: Moment) -> None:
        if not moment.arming.released.wait(self.cap_s):
            _warn(moment, "pause", self.cap_s)

    async def aact(self, moment: Moment) -> None:
        if not await moment.arming.released.await_(self.cap_s):
            _warn(moment, "pause", self.cap_s)


@attrs.frozen
class Wait(Action):
    """Hold the caller until the failpoint *other* has fired; no longer than a pause would."""

    name: ClassVar[str] = "wait"
    blocks: ClassVar[bool] = True
    other: str
    cap_s: float = CAP_S

    def act(self, moment: Moment) -> None:
        with self._fired(moment) as fired:
            if not fired.wait(self.cap_s):
                _warn(moment, f"wait({self.other})", self.cap_s)

    async def aact(self, moment: Moment) -> None:
        with self._fired(moment) as fired:
            if not await fired.await_(self.cap_s):
                _warn(moment, f"wait({self.other})", self.cap_s)

    @contextmanager
    def _fired(self, moment: Moment) -> Iterator[Signal]:
        fired = Signal()
        take_back: Callable[[], None] = when_fired(known(self.other), 1, fired.set)
        moment.arming.released.then(fired.set)
        try:
            yield fired
        finally:
            take_back()
            moment.arming.released.forget(fired.set)


def _warn(moment: Moment, action: str, cap_s: float) -> None:
    from logging import getLogger

    getLogger("chaos_failpoint").warning("failpoint %s: %s gave up after %g s", moment.name, action, cap_s)
