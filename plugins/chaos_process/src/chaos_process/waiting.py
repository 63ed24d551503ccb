"""Waiting for what the operating system does in its own time."""

from __future__ import annotations

from collections.abc import Callable

from chaoscore import SystemClock

CLOCK = SystemClock()
"""Processes live in the machine's time, whatever clock the run has."""


def wait_until(true: Callable[[], bool], patience_s: float) -> bool:
    """Ask *true* again and again for at most *patience_s*; return what it said last."""
    until_s = CLOCK.monotonic() + patience_s
    pause_s = 0.001
    while not true():
        if CLOCK.monotonic() >= until_s:
            return False
        CLOCK.sleep(pause_s)
        pause_s = min(0.02, 2 * pause_s)
    return True
