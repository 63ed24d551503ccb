"""Closes connections after so many bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import Piece, Stage
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance


class LimitDataStage(Stage["LimitData"]):
    """Counts what passes; the count outlives other settings."""

    __slots__ = ("_passed",)

    def __init__(self, toxic: Toxic[LimitData], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._passed = 0

    def data(self, piece: Piece) -> None:
        if self.link.closes:
            return
        left = max(0, self.settings.bytes - self._passed)
        allowed = piece[:left]
        self._passed += len(allowed)
        if allowed:
            self.next.data(allowed)
        if self._passed >= self.settings.bytes:
            self.strike(len(piece) - len(allowed))
            self.link.close_after(self.next)


@attrs.frozen(kw_only=True)
class LimitData(Settings):
    """
    Close the connection when *bytes* have passed.

    Attributes:
        bytes: How many; at 0 the first one closes it.
    """

    type = "limit_data"
    stage = LimitDataStage

    bytes: int = whole()
