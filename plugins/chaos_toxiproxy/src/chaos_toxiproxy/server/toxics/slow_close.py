"""Delays the end of a connection."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Piece, Queue
from chaos_toxiproxy.server.toxics.base import Settings, whole


class SlowCloseStage(Queue["SlowClose"]):
    """Passes data on at once, and the end later."""

    __slots__ = ()

    def data(self, piece: Piece) -> None:
        self.next.data(piece)

    def end(self) -> None:
        self.strike(0)
        self.put(None, self.link.loop.time() + self.settings.delay / 1000)

    def change(self) -> None:
        """Leave an end that waits to its time."""


@attrs.frozen(kw_only=True)
class SlowClose(Settings):
    """
    Tell one side only after *delay* that the other has closed.

    Attributes:
        delay: Milliseconds.
    """

    type = "slow_close"
    stage = SlowCloseStage

    delay: int = whole()
