"""Loses packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import Piece, Queue
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, share, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance

SEGMENT_BYTES = 1460
"""What a packet of Ethernet carries of a stream."""


class LossStage(Queue["Loss"]):
    """
    Drops datagrams. Of a stream it delays segments, and what is behind them: that is what TCP makes of a loss.

    Segments are counted from the beginning of the stream, so that the same ones are lost however it is cut.
    """

    __slots__ = ("_due_s", "_left")

    def __init__(self, toxic: Toxic[Loss], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._left, self._due_s = 0, 0.0

    def data(self, piece: Piece) -> None:
        if self.link.datagrams:
            self._datagram(piece)
            return
        while piece:
            if not self._left:
                self._next_segment()
            part, piece = piece[: self._left], piece[self._left :]
            self._left -= len(part)
            if self._due_s:
                self.strike(len(part))
            self.put(part, self._due_s)

    def _datagram(self, piece: Piece) -> None:
        if self.chance.unit() < self.settings.probability:
            self.strike(len(piece))
        else:
            self.next.data(piece)

    def _next_segment(self) -> None:
        lost = self.chance.unit() < self.settings.probability
        self._left = SEGMENT_BYTES
        self._due_s = self.link.loop.time() + self.settings.delay / 1000 if lost else 0.0


@attrs.frozen(kw_only=True)
class Loss(Settings):
    """
    Lose packets.

    Attributes:
        probability: Of a packet to be lost, 0 to 1.
        delay: Milliseconds until a lost segment of a TCP stream comes again; Linux waits 200 or more.
    """

    type = "loss"
    networks = frozenset({"tcp", "udp"})
    stage = LossStage

    probability: float = share()
    delay: int = whole(200)
