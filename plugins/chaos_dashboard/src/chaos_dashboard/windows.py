"""When each injector was open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import NamedTuple

MOST = 200
"""Windows that are kept for one injector: where there would be more, those with the least between them become one."""


class Span(NamedTuple):
    """
    A time in which an injector was open.

    Attributes:
        start: When that began, seconds after the run started.
        end: When it ended; infinity: it is still open.
        openings: How often it was opened in it, above 1 where neighbours were merged.
    """

    start: float
    end: float
    openings: int = 1


class Windows:
    """The windows of one injector, in order."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    @property
    def is_open(self) -> bool:
        """Tell whether the injector is open."""
        return bool(self._spans) and self._spans[-1].end == inf

    def opened(self, at: float) -> None:
        """Take note that it was opened."""
        if not self.is_open:
            self._spans.append(Span(at, inf))
        if len(self._spans) > MOST:
            self._reduce()

    def lifted(self, at: float) -> None:
        """Take note that it was lifted."""
        if self.is_open:
            self._spans[-1] = self._spans[-1]._replace(end=at)

    def _reduce(self) -> None:
        """Merge neighbours until half are left, those with the shortest time between them first."""
        spans = self._spans
        gaps = sorted(after.start - before.end for before, after in pairwise(spans))
        least = gaps[MOST // 2]
        merged = [spans[0]]
        for span in spans[1:]:
            last = merged[-1]
            if span.start - last.end <= least:
                merged[-1] = Span(last.start, span.end, last.openings + span.openings)
            else:
                merged.append(span)
        self._spans = merged
