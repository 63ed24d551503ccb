"""Delays data."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Piece, Queue
from chaos_toxiproxy.server.toxics.base import Settings, whole

MOST_BYTES = 64 * 1024 * 1024
"""As much may be under way: so many bytes in the time of one latency are the most that pass."""


class LatencyStage(Queue["Latency"]):
    """Passes each piece on when its time has come; pieces do not wait for one another."""

    __slots__ = ()

    @property
    def limit_bytes(self) -> int:
        return MOST_BYTES

    def data(self, piece: Piece) -> None:
        self.strike(len(piece))
        self.put(piece, self.link.loop.time() + self._delay_ms() / 1000)

    def _delay_ms(self) -> int:
        latency, jitter = self.settings.latency, self.settings.jitter
        return latency + self.chance.between(-jitter, jitter) if jitter else latency


@attrs.frozen(kw_only=True)
class Latency(Settings):
    """
    Delay all data by *latency*, give or take *jitter*.

    Attributes:
        latency: Milliseconds.
        jitter: Milliseconds; the spread is uniform, and the order of data is kept.
    """

    type = "latency"
    networks = frozenset({"tcp", "udp"})
    stage = LatencyStage

    latency: int = whole()
    jitter: int = whole()
