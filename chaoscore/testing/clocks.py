"""A clock that is moved by hand."""

from __future__ import annotations

import asyncio
import threading

from chaoscore.units import Duration, seconds


class FakeClock:
    """
    A clock that stands still until it is told otherwise. It satisfies `chaoscore.Clock`.

    Who sleeps on it returns at once, and the clock has moved by as much. So an injected delay of an hour takes no time,
    and `slept` shows that it happened. Pass it to `site`, `scene`, `ask` and `strike`, or to the run of a scenario
    that repeats so many times. It is no clock for `run_for` and for windows: the run itself sleeps on it until those
    are over, so they are over at once.

    Attributes:
        slept: Every sleep, seconds, in order.
    """

    def __init__(self, now: Duration = 0, wall: Duration = 1_700_000_000) -> None:
        """
        Stop the clock.

        Args:
            now: What `monotonic` says.
            wall: What `wall` says, seconds since 1970-01-01 UTC.
        """
        self._now_s = seconds(now)
        self._epoch_s = seconds(wall) - self._now_s
        self._moving = threading.Lock()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return self._now_s

    def wall(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return self._epoch_s + self._now_s

    def advance(self, duration: Duration) -> None:
        """Let so much time pass."""
        moved_s = seconds(duration)
        with self._moving:
            self._now_s += moved_s

    def sleep(self, seconds: float) -> None:
        """Write down that somebody sleeps, and let that time pass."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))

    async def asleep(self, seconds: float) -> None:
        """Write down that a task sleeps, let that time pass, and give other tasks a turn."""
        self.sleep(seconds)
        await asyncio.sleep(0)
