"""How sure a share of successes is."""

from __future__ import annotations

from functools import lru_cache
from math import erfc, sqrt


class Interval(tuple[float, float]):
    """Two numbers in order, and what lies between them."""

    __slots__ = ()

    def __new__(cls, low: float, high: float) -> Interval:
        """Return the interval from *low* to *high*; ValueError when not in this order."""
        if not low <= high:
            raise ValueError(f"an interval goes from low to high, not from {low!r} to {high!r}")
        return super().__new__(cls, (low, high))

    def __getnewargs__(self) -> tuple[float, float]:  # what `copy` asks for
        return (self.low, self.high)

    @property
    def low(self) -> float:
        """Return the lower end."""
        return self[0]

    @property
    def high(self) -> float:
        """Return the upper end."""
        return self[1]

    def __repr__(self) -> str:
        return f"Interval({self.low!r}, {self.high!r})"


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """
    Return where the true rate of success lies, given what was seen.

    Unlike the textbook interval it stays within 0 and 1 and makes sense at 0 and 100 %: after 10
    successes of 10 the rate may still be 0.72.

    Args:
        successes: How many trials succeeded, 0 to *trials*.
        trials: How many there were; none leave everything open, 0 to 1.
        confidence: Share of such intervals that hold the true rate, above 0 and below 1.

    Raises:
        ValueError: An argument lies outside.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference";
    without continuity correction.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes lie between 0 and the trials, not {successes!r} of {trials!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, not {confidence!r}; 95 % is 0.95")
    if not trials:
        return Interval(0.0, 1.0)
    z, rate = _deviations(confidence), successes / trials
    scale = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / scale
    reach = z / scale * sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2)
    low = max(0.0, centre - reach) if successes else 0.0
    high = min(1.0, centre + reach) if successes < trials else 1.0
    return Interval(low, high)


@lru_cache(8)
def _deviations(confidence: float) -> float:
    """Return how many standard deviations either side of the mean hold the share *confidence*."""
    low, high = 0.0, 40.0  # bisected: importing `statistics.NormalDist` takes far longer than this
    for _ in range(60):
        middle = (low + high) / 2
        too_few = erfc(middle / sqrt(2)) > 1 - confidence
        low, high = (middle, high) if too_few else (low, middle)
    return (low + high) / 2
