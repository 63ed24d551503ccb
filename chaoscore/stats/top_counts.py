"""What was most frequent, among any number of names."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush, heapreplace

from chaoscore.stats.sketch import Sketch, key_and_bounds, listed, whole


class TopCounts(Sketch):
    """
    The most frequent keys of a stream, in bounded memory.

    Exact while there are no more distinct keys than *capacity*. From then on a new key takes over
    the place and the number of the rarest one, so that every number becomes a range: the true
    count lies between *at least* and *at most*. In a stream that was not merged these are at most
    `total` / `capacity` apart, and no key more frequent than that is missing.

    Args:
        capacity: How many keys to keep, 1 or more.

    Source: Metwally, Agrawal and El Abbadi 2005, "Efficient Computation of Frequent and Top-k
    Elements in Data Streams" (Space-Saving); Cafaro, Pulimeno and Tempesta 2016 for the merge.
    """

    __slots__ = ("_capacity", "_counts", "_errors", "_heap", "_total")

    def __init__(self, capacity: int = 100) -> None:
        if capacity < 1:
            raise ValueError(f"top counts keep at least 1 key, not {capacity!r}")
        self._capacity = capacity
        self._total = 0
        self._counts: dict[str, int] = {}
        self._errors: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def add(self, key: str, n: int = 1) -> None:
        """
        Count *key*.

        Args:
            key: What was seen.
            n: How many times, 1 or more.

        Raises:
            ValueError: *n* is less.
        """
        if n < 1:
            raise ValueError(f"a key is counted 1 or more times, not {n!r}")
        self._total += n
        if key in self._counts:
            self._counts[key] += n
        elif len(self._counts) < self._capacity:
            self._counts[key] = n
        else:
            self._replace_rarest(key, n)

    @property
    def capacity(self) -> int:
        """Return how many keys are kept."""
        return self._capacity

    @property
    def total(self) -> int:
        """Return how often any key was counted; exact."""
        return self._total

    @property
    def dropped(self) -> int:
        """Return how much of `total` no longer surely belongs to one of the keys; 0 if exact."""
        return self._total - sum(self._counts.values()) + sum(self._errors.values())

    @property
    def exact(self) -> bool:
        """Tell whether every key ever seen is still here with its true count."""
        return self.dropped == 0

    def top(self, n: int | None = None) -> list[tuple[str, int, int]]:
        """Return the *n* most frequent keys (None: all kept) as (key, at least, at most)."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [(key, count - self._errors.get(key, 0), count) for key, count in ordered[:n]]

    def merge(self, other: TopCounts) -> None:
        """
        Count everything that *other* has counted, too; *other* stays as it is.

        Raises:
            ValueError: It has another capacity.
        """
        if other._capacity != self._capacity:
            raise ValueError(f"top counts with capacities {self._capacity} and {other._capacity} do not merge")
        mine, theirs = self._most_unseen(), other._most_unseen()
        both = {}
        for key in self._counts | other._counts:
            (low, high), (more, most) = self._bounds(key, mine), other._bounds(key, theirs)
            both[key] = (low + more, high + most)
        self._total += other._total
        self._keep(both)

    def __repr__(self) -> str:
        return f"<TopCounts total={self.total} dropped={self.dropped} top={self.top(3)}>"

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON types: the keys as ``[key, at least, at most]``."""
        keys = [list(entry) for entry in self.top()]
        return {"capacity": self._capacity, "total": self._total, "keys": keys}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> TopCounts:
        """
        Return the top counts that `to_dict` described.

        Raises:
            ValueError: They contradict themselves.
        """
        counts = cls(whole(data.get("capacity"), "capacity"))
        counts._total = whole(data.get("total"), "total")
        keys = dict(key_and_bounds(entry) for entry in listed(data, "keys"))
        counts._keep(keys)
        room, dropped = counts._capacity - len(keys), counts.dropped
        if room < 0 or dropped < 0 or (room if dropped else counts._errors):
            raise ValueError(
                f"top counts of {len(keys)} keys (capacity {counts._capacity}) do not fit their total {counts._total}"
            )
        return counts

    def _replace_rarest(self, key: str, n: int) -> None:
        rarest = self._pop_rarest()
        self._counts[key] = rarest + n
        self._errors[key] = rarest
        heappush(self._heap, (rarest + n, key))

    def _pop_rarest(self) -> int:
        """Forget the rarest key, the first in the alphabet of several, and return its count."""
        counts, heap = self._counts, self._heap
        if not heap:
            heap += [(count, key) for key, count in counts.items()]
            heapify(heap)
        while heap[0][0] != counts[heap[0][1]]:  # counted again since: its place is farther back
            heapreplace(heap, (counts[heap[0][1]], heap[0][1]))
        count, key = heappop(heap)
        del counts[key]
        self._errors.pop(key, None)
        return count

    def _most_unseen(self) -> int:
        """Return how often a key that is not kept can have been counted at most."""
        return 0 if self.exact else min(self._counts.values())

    def _bounds(self, key: str, most_unseen: int) -> tuple[int, int]:
        count = self._counts.get(key)
        return (0, most_unseen) if count is None else (count - self._errors.get(key, 0), count)

    def _keep(self, bounds: Mapping[str, tuple[int, int]]) -> None:
        """Go on with the most frequent keys of *bounds*: key to (at least, at most)."""
        kept = sorted(bounds.items(), key=lambda item: (-item[1][1], item[0]))[: self._capacity]
        self._counts = {key: high for key, (_, high) in kept}
        self._errors = {key: high - low for key, (low, high) in kept if high > low}
        self._heap = []
