"""What may be told apart by: texts made safe to be labels, and never more of them than a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

CHARS = 100
"""Longest text that becomes a label; of longer ones the beginning does."""

OTHER = "(other)"
"""Stands for whatever came when the bound was reached."""

Key = tuple[str, ...]
"""The values of a metric's labels, in their order."""


def clean(text: str) -> str:
    """Return *text* with every character that does not print shown by its escape, and cut off after `CHARS`."""
    return _clean(text[: CHARS + 1])


@lru_cache(maxsize=1_000)
def _clean(text: str) -> str:
    shown = text if text.isprintable() else "".join(map(_visible, text))
    return shown if len(shown) <= CHARS else f"{shown[: CHARS - 3]}..."


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


class Bounded(Generic[T]):
    """
    One value for each set of labels, for at most *limit* sets; whatever comes later shares one more.

    So totals stay right whatever the system under test does, and a series never goes away for another.

    Attributes:
        folded: How often something belonged to a set that came too late.
    """

    def __init__(self, labels: int, make: Callable[[], T], limit: int) -> None:
        self._other = (OTHER,) * labels
        self._make, self._limit = make, limit
        self._values: dict[Key, T] = {}
        self.folded = 0

    def at(self, *key: str) -> T:
        """Return the value of the labels *key*, made where they are new."""
        found = self._values.get(key)
        return self._admit(tuple(map(clean, key))) if found is None else found

    def items(self) -> Iterator[tuple[Key, T]]:
        """Yield all there are."""
        yield from self._values.items()

    def _admit(self, key: Key) -> T:
        values = self._values
        if key not in values and len(values) - (self._other in values) >= self._limit:
            self.folded += 1
            key = self._other
        if key not in values:
            values[key] = self._make()
        return values[key]
