"""The first few and the last few of many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from chaoscore.stats.sketch import Sketch, listed, whole

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` costs more than the rest
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


class Samples(Sketch, Iterable["T"]):
    """
    The first and the last few items of a stream, and how many there were.

    Iterating gives the items kept, each once, in the order of the stream; `dropped` more were
    between them.

    Args:
        limit: How many to keep of either end, 1 or more.
    """

    __slots__ = ("_count", "_first", "_last")

    def __init__(self, limit: int = 5) -> None:
        if limit < 1:
            raise ValueError(f"samples keep at least 1 item of either end, not {limit!r}")
        self._count = 0
        self._first: list[T] = []
        self._last: deque[T] = deque(maxlen=limit)

    def add(self, item: T) -> None:
        """Append *item* to the stream."""
        self._count += 1
        if self._count <= self.limit:
            self._first.append(item)
        self._last.append(item)

    @property
    def limit(self) -> int:
        """Return how many items of either end are kept."""
        return self._last.maxlen or 0  # never 0: see __init__

    @property
    def count(self) -> int:
        """Return how many items there were in all."""
        return self._count

    @property
    def first(self) -> tuple[T, ...]:
        """Return the first items of the stream, at most `limit`."""
        return tuple(self._first)

    @property
    def last(self) -> tuple[T, ...]:
        """Return the last items, at most `limit`; in a short stream some are also `first` ones."""
        return tuple(self._last)

    @property
    def dropped(self) -> int:
        """Return how many items were not kept."""
        return max(0, self._count - 2 * self.limit)

    def __iter__(self) -> Iterator[T]:
        overlap = max(0, len(self._first) + len(self._last) - self._count)
        yield from self._first
        yield from self.last[overlap:]

    def merge(self, later: Samples[T]) -> None:
        """
        Go on as if the stream of *later* had followed this one; *later* stays as it is.

        Raises:
            ValueError: It has another limit.
        """
        if later.limit != self.limit:
            raise ValueError(f"samples with limits {self.limit} and {later.limit} do not merge")
        self._count += later._count
        self._first = (self._first + later._first)[: self.limit]
        self._last.extend(later.last)

    def __repr__(self) -> str:
        return f"<Samples count={self.count} first={self.first} last={self.last}>"

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON types, provided that the items are."""
        ends = {"first": list(self._first), "last": list(self._last)}
        return {"limit": self.limit, "count": self.count, **ends}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Samples[object]:
        """
        Return the samples that `to_dict` described.

        Raises:
            ValueError: They contradict themselves.
        """
        samples: Samples[object] = Samples(whole(data.get("limit"), "limit"))
        samples._count = whole(data.get("count"), "count")
        samples._first, last = listed(data, "first"), listed(data, "last")
        if not len(samples._first) == len(last) == min(samples.limit, samples._count):
            raise ValueError(
                f"samples of {samples._count} items, at most {samples.limit} of either end, "
                f"cannot be {len(samples._first)} first and {len(last)} last ones"
            )
        samples._last.extend(last)
        return samples
