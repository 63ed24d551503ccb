"""Sends datagrams twice."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Piece, Stage
from chaos_toxiproxy.server.toxics.base import Settings, share


class DuplicateStage(Stage["Duplicate"]):
    """Passes some datagrams on twice."""

    __slots__ = ()

    def data(self, piece: Piece) -> None:
        self.next.data(piece)
        if self.chance.unit() < self.settings.probability:
            self.strike(len(piece))
            self.next.data(piece)


@attrs.frozen(kw_only=True)
class Duplicate(Settings):
    """
    Duplicate datagrams.

    Attributes:
        probability: Of a datagram to come twice, 0 to 1.
    """

    type = "duplicate"
    networks = frozenset({"udp"})
    stage = DuplicateStage

    probability: float = share()
