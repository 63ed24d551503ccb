"""The engine's time: seconds since 1970-01-01 UTC that never go back."""

from __future__ import annotations

from chaoscore import Clock, SystemClock


class SteadyClock:
    """
    The wall clock as it was at the start, plus what the monotonic clock has counted since.

    Whoever sets the wall clock back while the engine runs moves neither leases nor retries.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._offset_s = self._clock.wall() - self._clock.monotonic()

    def now_s(self) -> float:
        """Return the time."""
        return self._offset_s + self._clock.monotonic()
