"""How long things took, in a number of cells that does not grow with how many there were."""

from __future__ import annotations

import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

LONGEST_S = 1e9
"""Longer durations say nothing but that a clock was set."""

_UPPER_HALF = 1 if sys.byteorder == "little" else 0
_COARSE = 8


class Spread:
    """
    Counts of durations in cells of 1/128 octave: a quantile is off by at most 0.4 % of its value.

    A cell is the upper half of an IEEE 754 single, so that many durations become cells without a loop in Python.

    Attributes:
        cells: Maps each cell in use to how many durations lie in it.
    """

    __slots__ = ("cells",)

    def __init__(self, cells: Mapping[int, int] | None = None) -> None:
        self.cells: dict[int, int] = {} if cells is None else dict(cells)

    @classmethod
    def of(cls, durations: Iterable[float]) -> Spread:
        """Return the spread of *durations*, seconds from 0 to `LONGEST_S`."""
        return cls(Counter(memoryview(array("f", durations)).cast("B").cast("H")[_UPPER_HALF::2].tolist()))

    def __bool__(self) -> bool:
        return bool(self.cells)

    def add(self, other: Spread) -> None:
        """Count everything that *other* has counted, too."""
        cells = self.cells
        for cell, count in other.cells.items():
            cells[cell] = cells.get(cell, 0) + count

    def coarse(self) -> Spread:
        """Return the same in cells of 1/16 octave, off by at most 3 %: for the many that a time line is made of."""
        cells: dict[int, int] = {}
        for cell, count in self.cells.items():
            coarse = cell // _COARSE * _COARSE + _COARSE // 2
            cells[coarse] = cells.get(coarse, 0) + count
        return Spread(cells)

    @property
    def count(self) -> int:
        """Return how many durations there were."""
        return sum(self.cells.values())

    def quantiles(self, *shares: float) -> tuple[float | None, ...]:
        """Return for each share, in rising order, the duration that it did not exceed, seconds; None of nothing."""
        found: list[float | None] = []
        count, below, wanted = self.count, 0, list(shares)
        for cell in sorted(self.cells):
            below += self.cells[cell]
            while wanted and below >= wanted[0] * count:
                found.append(middle(cell))
                del wanted[0]
        return (*found, *(None for _ in wanted))

    def density(self, per_octave: int = 8) -> Iterator[tuple[float, float]]:
        """Yield durations, rising and evenly spaced in octaves, each with the share of all that lies around it."""
        width, count = 128 // per_octave, self.count
        groups: Counter[int] = Counter()
        for cell, many in self.cells.items():
            groups[cell // width] += many
        for group in range(min(groups, default=0), max(groups, default=-1) + 1):
            yield middle(group * width + width // 2), groups[group] / count


def middle(cell: int) -> float:
    """Return the duration in the middle of a cell, seconds."""
    value: float = struct.unpack("<f", struct.pack("<I", cell << 16 | (0x8000 if cell else 0)))[0]
    return value
