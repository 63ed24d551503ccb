"""How many per second, lately."""

from __future__ import annotations

from math import floor, inf


class Rate:
    """
    Events per second, lately.

    Counts in cells of one second, so that memory depends on the window alone. Time may step back
    a little, as between threads; what is older than the window is not counted.

    Args:
        window_s: How far to look back, whole seconds, 1 or more.
    """

    __slots__ = ("_counts", "_seconds", "_started", "_window_s")

    def __init__(self, window_s: int = 10) -> None:
        if window_s < 1:
            raise ValueError(f"a rate looks back at least 1 s, not {window_s!r}")
        self._window_s = window_s
        self._started: float | None = None
        self._counts = [0] * (window_s + 1)  # the seconds of the window, and the one under way
        self._seconds: list[float] = [-inf] * (window_s + 1)

    def add(self, now: float, n: int = 1) -> None:
        """
        Count *n* events.

        Args:
            now: When, seconds on any clock.
            n: How many happened, 0 or more.
        """
        if self._started is None:
            self._started = now
        second = floor(now)
        cell = second % len(self._counts)
        if second > self._seconds[cell]:
            self._seconds[cell], self._counts[cell] = second, 0
        if second == self._seconds[cell]:
            self._counts[cell] += n

    def per_second(self, now: float) -> float:
        """
        Return the mean rate over the last *window_s* whole seconds and the one under way.

        Before the window has passed, the mean since the first event. In the first second the
        number of events so far, for a low guess is better than a bold one.

        Args:
            now: The present, seconds on the clock of `add`.
        """
        if self._started is None:
            return 0.0
        second = floor(now)
        oldest = second - self._window_s
        cells = zip(self._seconds, self._counts, strict=True)
        events = sum(n for at, n in cells if oldest <= at <= second)
        return events / max(1.0, min(now - oldest, now - self._started))
