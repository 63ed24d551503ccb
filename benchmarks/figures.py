"""What repeated measurements come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Contender = Callable[[], Mapping[str, float]]
"""Measures once: maps what was measured to seconds, bytes or a count. Raises `Unavailable` when it cannot."""


class Unavailable(Exception):
    """Something could not be measured; the text says why."""


@dataclass(frozen=True)
class Figure:
    """
    What repeats of one measurement came to.

    Attributes:
        value: The one that counts, in seconds, bytes or as a count.
        low: The smallest of the repeats.
        high: The largest; how far the two are apart is the noise.
        how: How *value* was taken from them.
    """

    value: float
    low: float
    high: float
    how: str


def least(values: Sequence[float]) -> Figure:
    """Take the smallest: for times, to which other load can only add."""
    return _figure(min(values), values, "least")


def median(values: Sequence[float]) -> Figure:
    """Take the median: for differences, which noise makes smaller as well as larger."""
    return _figure(statistics.median(values), values, "median")


def _figure(value: float, values: Sequence[float], how: str) -> Figure:
    return Figure(value, min(values), max(values), f"{how} of {len(values)}" if len(values) > 1 else "once")


@dataclass
class Repeats:
    """Everything that one contender measured, by name; or why it could not."""

    values: dict[str, list[float]] = field(default_factory=dict)
    missing: Unavailable | None = None

    def take(self, contender: Contender) -> None:
        """Let it measure once more, unless it could not before."""
        if self.missing is None:
            try:
                measured = contender()
            except Unavailable as missing:
                self.missing = missing
            else:
                for name, value in measured.items():
                    self.values.setdefault(name, []).append(value)

    def least(self, name: str) -> Figure | Unavailable:
        """Return the smallest of what was measured under *name*."""
        return self.missing or least(self.values[name])

    def median(self, name: str) -> Figure | Unavailable:
        """Return the median of what was measured under *name*."""
        return self.missing or median(self.values[name])


def side_by_side(contenders: Mapping[str, Contender], repeats: int, *, warm_up: bool = False) -> dict[str, Repeats]:
    """
    Let the contenders take turns (A B A B ...), so that whatever else the machine does falls on all of them alike.

    Args:
        contenders: Maps names to what measures.
        repeats: Turns for each.
        warm_up: Let each go once before it counts, for what the first use of a file costs.
    """
    taken = {name: Repeats() for name in contenders}
    for turn in range(-1 if warm_up else 0, repeats):
        for name, contender in contenders.items():
            taken[name].take(contender)
        if turn == -1:
            for each in taken.values():
                each.values.clear()
    return taken
