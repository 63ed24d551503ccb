"""Lets datagrams overtake one another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import Piece, Stage
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, share, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance


class ReorderStage(Stage["Reorder"]):
    """Keeps some datagrams back, while others pass."""

    __slots__ = ("_waiting",)

    def __init__(self, toxic: Toxic[Reorder], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._waiting: dict[asyncio.TimerHandle, bytes] = {}

    def data(self, piece: Piece) -> None:
        if self.chance.unit() >= self.settings.probability:
            self.next.data(piece)
            return
        self.strike(len(piece))
        timer = self.link.loop.call_later(self.settings.delay / 1000, self._pass)
        self._waiting[timer] = bytes(piece)

    def _pass(self) -> None:
        """Pass on what has waited longest."""
        timer = min(self._waiting, key=asyncio.TimerHandle.when)
        self.next.data(self._waiting.pop(timer))

    def leave(self) -> None:
        waiting = tuple(self._waiting.values())
        self.stop()
        for piece in waiting:
            self.next.data(piece)

    def stop(self) -> None:
        for timer in self._waiting:
            timer.cancel()
        self._waiting.clear()


@attrs.frozen(kw_only=True)
class Reorder(Settings):
    """
    Let datagrams be overtaken.

    Attributes:
        probability: Of a datagram to be kept back, 0 to 1.
        delay: Milliseconds that it is kept back.
    """

    type = "reorder"
    networks = frozenset({"udp"})
    stage = ReorderStage

    probability: float = share()
    delay: int = whole(10)
