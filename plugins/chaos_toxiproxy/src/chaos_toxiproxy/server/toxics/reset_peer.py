"""Resets connections."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Deadline, Piece
from chaos_toxiproxy.server.toxics.base import Settings, whole

GRACE_S = 0.05
"""How long a connection is left to an instant reset, so that its client can say something."""


class ResetPeerStage(Deadline["ResetPeer"]):
    """Drops all data, and resets both sides when the time is over, whether there was any or not."""

    __slots__ = ()

    @property
    def after_s(self) -> float:
        return self.settings.timeout / 1000 or GRACE_S

    def data(self, piece: Piece) -> None:
        self.strike(len(piece))
        if not self.settings.timeout:
            self.fire()

    def end(self) -> None:
        if not self.settings.timeout:
            self.fire()

    def fire(self) -> None:
        self.strike(0)
        self.link.connection.reset()


@attrs.frozen(kw_only=True)
class ResetPeer(Settings):
    """
    Reset the connection after *timeout*; nothing comes through before.

    Attributes:
        timeout: Milliseconds; 0: at the first byte, or as soon as there is none.
    """

    type = "reset_peer"
    owner = "ResetToxic"
    stage = ResetPeerStage

    timeout: int = whole()
