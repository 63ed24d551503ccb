"""Durations in a fixed number of buckets, with a bounded relative error."""

from __future__ import annotations

import sys
from _thread import RLock
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import ceil, fsum, inf, ldexp

from chaoscore.stats.sketch import Sketch, listed, number, pair

_LOWEST_EXPONENT = -30
_OCTAVES = 64
_LOWEST = 2.0**_LOWEST_EXPONENT
_HIGHEST = 2.0 ** (_LOWEST_EXPONENT + _OCTAVES)
_CELLS = _OCTAVES * 128 + 2  # the first holds zeros, the last everything from _HIGHEST on
_OFFSET = ((127 + _LOWEST_EXPONENT) << 7) - 1
_UPPER_HALF = 1 if sys.byteorder == "little" else 0
_SCHEME = f"1/128 octave, 2^{_LOWEST_EXPONENT}..2^{_LOWEST_EXPONENT + _OCTAVES}"


class Histogram(Sketch):
    """
    A mergeable sketch of durations, or of any other quantity that is not negative.

    A quantile is off by at most 0.4 % of its value between 2^-30 (0.9 ns) and 2^34 (540 years,
    16 GiB); what lies beyond shares one bucket at either end, and zeros have their own. `count`,
    `minimum`, `maximum` and `total` are exact: no order of recording and merging changes a bit of
    them. Takes 64 KiB, and never more than 400.

    How it is fast: `record` only appends to a list. Every 256 values the list is sorted into the
    buckets by C code of the standard library: the upper 16 bits of an IEEE 754 single (8 of
    exponent, 7 of mantissa) number 128 buckets per octave, so that no logarithm is taken.

    Threads: appending is atomic and sorting in takes a lock, so one may read while others record.

    Source: HdrHistogram, for linear buckets within powers of two; Shewchuk 1997, "Adaptive
    Precision Floating-Point Arithmetic", for the exact total.
    """

    __slots__ = ("_cells", "_count", "_lock", "_maximum", "_minimum", "_pending", "_sum")

    def __init__(self) -> None:
        self._lock = RLock()  # re-entrant: a signal handler may read what it has just interrupted
        self._pending: list[float] = []
        self._cells = [0] * _CELLS
        self._count = 0
        self._minimum = inf
        self._maximum = -inf
        self._sum: list[float] = []

    def record(self, value: float) -> None:
        """
        Count *value*.

        Args:
            value: Seconds, or whatever this histogram is about; 0 to 1e100.

        Raises:
            ValueError: It is negative, not a number, or infinite.
        """
        if not 0.0 <= value <= 1e100:
            raise ValueError(f"a histogram takes numbers from 0 to 1e100, not {value!r}")
        pending = self._pending
        pending.append(value)
        if len(pending) >= 256:
            with self._lock:
                self._settle()

    def record_all(self, values: Sequence[float]) -> None:
        """
        Count all of *values*, for half of what counting them one by one costs; or none of them.

        Raises:
            ValueError: One of them is what `record` refuses.
        """
        for value in values:
            if not 0.0 <= value <= 1e100:
                raise ValueError(f"a histogram takes numbers from 0 to 1e100, not {value!r}")
        self._pending.extend(values)
        if len(self._pending) >= 256:
            with self._lock:
                self._settle()

    @property
    def count(self) -> int:
        """Return how many values were recorded."""
        with self._lock:
            self._settle()
            return self._count

    @property
    def total(self) -> float:
        """Return the sum of all values, rounded only once; 0 when empty."""
        with self._lock:
            self._settle()
            return self._sum[0] if self._sum else 0.0

    @property
    def minimum(self) -> float | None:
        """Return the smallest value, exact; None when empty."""
        return self.quantile(0)

    @property
    def maximum(self) -> float | None:
        """Return the largest value, exact; None when empty."""
        return self.quantile(1)

    @property
    def mean(self) -> float | None:
        """Return the arithmetic mean; None when empty."""
        with self._lock:
            count, total = self.count, self.total
            return total / count if count else None

    def quantile(self, q: float) -> float | None:
        """
        Return the smallest value that at least the share *q* of all values does not exceed.

        None, not NaN, when empty: no limit would ever look exceeded by a NaN.

        Args:
            q: 0 to 1; 0 gives the exact minimum, 1 the exact maximum.

        Raises:
            ValueError: *q* lies outside.
        """
        return self.quantiles((q,))[0]

    def quantiles(self, qs: Sequence[float]) -> list[float | None]:
        """
        Return `quantile` of each of *qs*, for little more than what one costs.

        Raises:
            ValueError: One of them lies outside.
        """
        for q in qs:
            if not 0 <= q <= 1:
                raise ValueError(f"a quantile lies between 0 and 1, not {q!r}; for p99 give 0.99")
        with self._lock:
            self._settle()
            if not self._count:
                return [None] * len(qs)
            ranks = [ceil(q * self._count - 1e-9) for q in qs]  # 0.07 * 100 is a little more than 7
            inside = any(1 < rank < self._count for rank in ranks)
            first, running = self._running() if inside else (0, [])
            return [self._at_rank(rank, first, running) for rank in ranks]

    def buckets(self, bounds: Iterable[float]) -> list[tuple[float, int]]:
        """
        Return each bound with the number of values up to it: cumulative, as Prometheus's `le`.

        The numbers of two histograms add up to those of their merger, and never fall as more is
        recorded. A value above its bound by less than a bucket (0.8 %) is counted with it. For
        the last one append `math.inf`: it is `count`.

        Args:
            bounds: Upper bounds in the unit of the values, in any order.

        Raises:
            ValueError: A bound is negative or not a number.
        """
        wanted = [(bound, _bound_cell(bound)) for bound in bounds]
        with self._lock:
            self._settle()
            first, running = self._running()
        last = len(running) - 1
        return [(bound, running[min(cell - first, last)] if cell >= first else 0) for bound, cell in wanted]

    def merge(self, other: Histogram) -> None:
        """Count everything that *other* has counted, too; *other* stays as it is."""
        with other._lock:
            other._settle()
            cells, total = other._cells[:], other._sum[:]
            count, low, high = other._count, other._minimum, other._maximum
        with self._lock:  # never both locks at once: two may be merged into each other
            self._settle()
            self._cells = [mine + theirs for mine, theirs in zip(self._cells, cells, strict=True)]
            self._sum = _exact_sum(self._sum + total)
            self._count += count
            self._minimum = min(self._minimum, low)
            self._maximum = max(self._maximum, high)

    def __add__(self, other: Histogram) -> Histogram:
        if not isinstance(other, Histogram):
            return NotImplemented
        both = Histogram()
        both.merge(self)
        both.merge(other)
        return both

    def __repr__(self) -> str:
        return f"<Histogram count={self.count} mean={self.mean} maximum={self.maximum}>"

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON types: of the buckets those in use, as ``[number, count]``."""
        with self._lock:
            self._settle()
            return {
                "scheme": _SCHEME,
                "minimum": self._minimum if self._count else None,
                "maximum": self._maximum if self._count else None,
                "total": self._sum[:],
                "cells": [[cell, count] for cell, count in enumerate(self._cells) if count],
            }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Histogram:
        """
        Return the histogram that `to_dict` described.

        Raises:
            ValueError: It has the buckets of another version, or contradicts itself.
        """
        if data.get("scheme") != _SCHEME:
            raise ValueError(f"a histogram has the scheme {_SCHEME!r}, not {data.get('scheme')!r}")
        histogram = cls()
        for entry in listed(data, "cells"):
            cell, count = pair(entry, "cells")
            if cell >= _CELLS:
                raise ValueError(f"a histogram has cells 0 to {_CELLS - 1}, not {cell}")
            histogram._cells[cell] += count
            histogram._count += count
        histogram._sum = _exact_sum([number(part, "total") for part in listed(data, "total")])
        if histogram._count:
            histogram._minimum = number(data.get("minimum"), "minimum")
            histogram._maximum = number(data.get("maximum"), "maximum")
        histogram._check()
        return histogram

    def _settle(self) -> None:
        """Sort what is pending into the cells. The lock must be held."""
        batch = self._pending[:]
        if not batch:
            return
        del self._pending[: len(batch)]  # what another thread has appended meanwhile stays
        low, high = min(batch), max(batch)
        self._count += len(batch)
        self._minimum = min(self._minimum, float(low) + 0.0)  # + 0.0 makes 0 of a negative zero
        self._maximum = max(self._maximum, float(high) + 0.0)
        self._sum = _exact_sum(batch + self._sum)
        on_edge = low < _LOWEST or high >= _HIGHEST
        self._sort_in(self._set_edges_aside(batch) if on_edge else batch)

    def _set_edges_aside(self, batch: list[float]) -> list[float]:
        """Count the values that have no cell of their own, and return the others."""
        inside = [value for value in batch if _LOWEST <= value < _HIGHEST]
        zeros, over = batch.count(0.0), sum(value >= _HIGHEST for value in batch)
        self._cells[0] += zeros
        self._cells[1] += len(batch) - len(inside) - zeros - over
        self._cells[-1] += over
        return inside

    def _sort_in(self, values: list[float]) -> None:
        cells = self._cells
        for half in _upper_halves(values):
            cells[half - _OFFSET] += 1

    def _running(self) -> tuple[int, list[int]]:
        """Return the first cell in use, and from there to the last how many values there are up to each."""
        if not self._count:
            return 0, [0]
        first, last = _cell(self._minimum), _cell(self._maximum)
        return first, list(accumulate(self._cells[first : last + 1]))

    def _at_rank(self, rank: int, first: int, running: list[int]) -> float:
        """Return the value at *rank*, 1 for the smallest; the rest is what `_running` returns. The lock is held."""
        if rank <= 1:
            return self._minimum
        if rank >= self._count:
            return self._maximum
        middle = _middle(first + bisect_left(running, rank))
        return min(max(middle, self._minimum), self._maximum)

    def _check(self) -> None:
        """Refuse a minimum, maximum and total that cannot belong to the cells."""
        used = [cell for cell, count in enumerate(self._cells) if count] or [0]
        low, high = (self._minimum, self._maximum) if self._count else (0.0, 0.0)
        if not 0 <= low <= high <= 1e100 or [_cell(low), _cell(high)] != [used[0], used[-1]]:
            raise ValueError(f"a histogram's minimum {low} and maximum {high} do not fit its cells")
        least, most = low * self._count, high * self._count
        if not least * (1 - 1e-9) <= self.total <= most * (1 + 1e-9):
            raise ValueError(f"a histogram's total {self.total} is not in {least} to {most}")


def _upper_halves(values: list[float]) -> list[int]:
    """Return the upper 16 bits of each value, 0 or more, as an IEEE 754 single."""
    return memoryview(array("f", values)).cast("B").cast("H")[_UPPER_HALF::2].tolist()


def _cell(value: float) -> int:
    """Return the number of the cell that *value*, 0 or more, is counted in."""
    if value <= 0:
        return 0
    return _upper_halves([min(max(value, _LOWEST), _HIGHEST)])[0] - _OFFSET


def _middle(cell: int) -> float:
    """Return the middle of a cell: nothing in it is farther away than 1/256 of its own value."""
    octave, step = divmod(cell - 1, 128)
    return ldexp(128.5 + step, _LOWEST_EXPONENT + octave - 7) if cell else 0.0


def _exact_sum(values: list[float]) -> list[float]:
    """
    Return the few numbers that add up exactly to the sum of *values*, the rounded sum first.

    They depend on the exact sum alone, so it does not matter in which order or in which portions
    it was reached. Uses up *values*.
    """
    parts = []
    while part := fsum(values):
        parts.append(part)
        values.append(-part)
    return parts


@lru_cache(maxsize=1_000)
def _bound_cell(bound: float) -> int:
    """Return the cell of a bucket's upper bound; the same few are asked for again and again."""
    if not bound >= 0:
        raise ValueError(f"a bucket's upper bound is 0 or more, not {bound!r}")
    return _cell(bound)
