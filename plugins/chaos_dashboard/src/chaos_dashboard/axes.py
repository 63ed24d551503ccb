"""Scales: where a value lies, and which values are worth a line."""

from __future__ import annotations

from math import ceil, floor, log10

import attrs

from chaoscore import show_seconds

_SPANS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)


@attrs.frozen
class Axis:
    """
    A scale from *low* to *high* onto places *start* to *end*.

    Attributes:
        low: The value at *start*.
        high: The value at *end*; what lies beyond either is drawn there.
        start: A place, in the unit of the drawing.
        end: Another.
        is_log: Equal ratios are equally far apart; both values are above 0.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Return where *value* lies."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, value = log10(low), log10(high), log10(value)
        share = (value - low) / (high - low) if high > low else 0.0
        return self.start + share * (self.end - self.start)


def times(end_s: float, most: int = 12) -> list[float]:
    """Return round times from 0 to *end_s*, seconds, no more than *most*."""
    span = next((each for each in _SPANS_S if end_s / each <= most), None)
    if span is None:
        span = ceil(end_s / most / 86400) * 86400
    return [float(index * span) for index in range(floor(end_s / span) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Return powers of ten from *low* to *high*, above 0, and their doubles and fives where those are few."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1,)
    return [each for power in exponents for step in steps if low <= (each := step * 10.0**power) <= high * 1.0001]


def rounds(high: float, most: int = 4) -> list[float]:
    """Return round values from 0 to *high*, no more than about *most*."""
    if high <= 0:
        return [0.0]
    rough = high / most
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    return [index * step for index in range(floor(high / step * 1.0001) + 1)]


def short_time(seconds: float) -> str:
    """Return a time of day of the run: ``30s``, ``5m``, ``5m30``, ``2h``, ``2h30``."""
    hours, minutes, rest = int(seconds) // 3600, int(seconds) // 60 % 60, int(seconds) % 60
    if hours:
        return f"{hours}h{minutes:02}" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{rest:02}" if rest else f"{minutes}m"
    return f"{rest}s"


def moment(seconds: float) -> str:
    """Return when it was, in the run: ``90 s``, or from two minutes on ``5:30:08``."""
    if seconds < 120:
        return show_seconds(seconds)
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """Return how long it took: ``90 s``, or from two minutes on ``5 h 30 min``."""
    if seconds < 120:
        return show_seconds(seconds)
    hours, minutes, rest = int(seconds) // 3600, int(seconds) // 60 % 60, int(seconds) % 60
    parts = {"h": hours, "min": minutes, "s": 0 if hours else rest}
    return " ".join(f"{number:,} {unit}" for unit, number in parts.items() if number)


def short_duration(seconds: float) -> str:
    """Return a duration of few digits: ``20 ms``."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"
