"""Seeded decisions: what happens to a connection depends on the seed, the proxy, the toxic and its number alone."""

from __future__ import annotations

from chaoscore import Stream


class Chance:
    """
    The draws of one toxic for one connection.

    The first decides whether the toxic strikes this connection, once and for all; the others belong to its pieces of
    data, in their order. So the same seed strikes the same connections, however they interleave.
    """

    __slots__ = ("_asked", "_stream", "throw")

    def __init__(self, seed: int, proxy: str, toxic: str, connection: int) -> None:
        self._stream = Stream(seed, f"{proxy}/{toxic}", connection, ())
        self._asked = 0
        self.throw = self._stream.uniform(0)

    def unit(self) -> float:
        """Return the next number in [0, 1)."""
        self._asked += 1
        return self._stream.uniform(self._asked)

    def between(self, low: int, high: int) -> int:
        """Return the next whole number from *low* to *high*, both included."""
        return low + int(self.unit() * (high - low + 1))
