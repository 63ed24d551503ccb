"""Damages data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import Piece, Stage
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, share

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance


class CorruptStage(Stage["Corrupt"]):
    """
    Flips one bit of some bytes.

    What is drawn is the distance to the next one, so that data which is left alone costs nothing, and the same bytes
    of a stream are damaged however it is cut.
    """

    __slots__ = ("_distance",)

    def __init__(self, toxic: Toxic[Corrupt], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._distance = self._drawn()

    def data(self, piece: Piece) -> None:
        if self._distance >= len(piece):
            self._distance -= len(piece)
            self.next.data(piece)
            return
        damaged = bytearray(piece)
        position = 0
        while self._distance < len(damaged) - position:
            position += int(self._distance)
            damaged[position] ^= 1 << int(self.chance.unit() * 8)
            self.strike(1)
            position += 1
            self._distance = self._drawn()
        self._distance -= len(damaged) - position
        self.next.data(memoryview(damaged))

    def change(self) -> None:
        self._distance = self._drawn()

    def _drawn(self) -> float:
        """Return how many bytes are left alone before the next one is damaged: geometric, by inversion."""
        probability = self.settings.probability
        if probability == 0:
            return math.inf
        if probability == 1:
            return 0
        return math.floor(math.log1p(-self.chance.unit()) / math.log1p(-probability))


@attrs.frozen(kw_only=True)
class Corrupt(Settings):
    """
    Flip a bit of some bytes.

    Attributes:
        probability: Of a byte to be damaged, 0 to 1.
    """

    type = "corrupt"
    networks = frozenset({"tcp", "udp"})
    stage = CorruptStage

    probability: float = share()
