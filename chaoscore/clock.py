"""The only reader of time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the framework asks of a clock; pass your own to `Scenario.run(clock=...)`."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back."""
        ...

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for *seconds*."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Suspend the calling task for *seconds*."""
        ...


class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.perf_counter)
    wall = staticmethod(time.time)
    sleep = staticmethod(time.sleep)

    async def asleep(self, seconds: float) -> None:
        """Suspend the calling task for *seconds*."""
        import asyncio  # 40 ms that code which only reads the time need not pay

        await asyncio.sleep(seconds)
