"""A run over time, in a bounded number of buckets, however long it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chaos_dashboard.spread import Spread
from chaoscore import Outcome, Sampled

MOST = 1_440
"""Buckets that are kept: where there would be more, each two become one."""

LATEST_S = 1e9
"""A time after that, thirty years, is not that of a run."""


class Bucket:
    """
    What happened in one span of time.

    Attributes:
        outcomes: How many iterations ended in which way.
        spread: How long those took that were not cancelled.
        fired: Maps each injector to how many of its faults landed.
        sample: What the process held: that of the samples with the most memory, so that a peak stays.
    """

    __slots__ = ("fired", "outcomes", "sample", "spread")

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(Outcome, 0)
        self.spread = Spread()
        self.fired: dict[str, int] = {}
        self.sample: Sampled | None = None

    def merge(self, other: Bucket) -> None:
        """Add what happened in *other*."""
        self.ended(other.outcomes)
        self.spread.add(other.spread)
        for injector, count in other.fired.items():
            self.fire(injector, count)
        if other.sample is not None:
            self.sampled(other.sample)

    def ended(self, outcomes: Mapping[Outcome, int]) -> None:
        """Count iterations that ended."""
        for outcome, count in outcomes.items():
            self.outcomes[outcome] += count

    def fire(self, injector: str, count: int = 1) -> None:
        """Count faults that landed."""
        self.fired[injector] = self.fired.get(injector, 0) + count

    def sampled(self, sample: Sampled) -> None:
        """Take a sample."""
        if self.sample is None or (sample.rss_bytes or 0) >= (self.sample.rss_bytes or 0):
            self.sample = sample


class Series:
    """
    Buckets of one second at first, and of twice that whenever there are more than `MOST`: reduced, never cut off.

    Attributes:
        width_s: Seconds that one bucket spans: a power of two.
    """

    def __init__(self) -> None:
        self.width_s = 1
        self._buckets: dict[int, Bucket] = {}

    def __iter__(self) -> Iterator[tuple[float, Bucket]]:
        """Yield each bucket in which something happened, with the second at which it begins."""
        for index in sorted(self._buckets):
            yield index * self.width_s, self._buckets[index]

    def since(self, at: float) -> Iterator[tuple[float, Bucket]]:
        """Yield the same from the bucket on that spans second *at*."""
        for index in range(int(at) // self.width_s, max(self._buckets, default=-1) + 1):
            if index in self._buckets:
                yield index * self.width_s, self._buckets[index]

    def width_of(self, at: float) -> int:
        """Return the seconds that the bucket of second *at* spans, once there is room for it."""
        while min(max(0.0, at), LATEST_S) // self.width_s >= MOST:
            self._halve()
        return self.width_s

    def at(self, at: float) -> Bucket:
        """Return the bucket that spans second *at*; a time that cannot be is taken for the nearest that can."""
        at = min(max(0.0, at), LATEST_S)  # in this order: what is no number becomes 0
        bucket = self._buckets.get(int(at) // self.width_s)
        if bucket is None:
            index = int(at) // self.width_of(at)
            bucket = self._buckets.setdefault(index, Bucket())
        return bucket

    def _halve(self) -> None:
        self.width_s *= 2
        halved: dict[int, Bucket] = {}
        for index, bucket in self._buckets.items():
            first = halved.setdefault(index // 2, bucket)
            if first is not bucket:
                first.merge(bucket)
        self._buckets = halved
