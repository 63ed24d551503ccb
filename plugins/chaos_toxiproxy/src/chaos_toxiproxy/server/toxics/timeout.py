"""Lets nothing through, and closes the connection in the end."""

from __future__ import annotations

import attrs

from chaos_toxiproxy.server.stages import Deadline, Piece
from chaos_toxiproxy.server.toxics.base import Settings, whole


class TimeoutStage(Deadline["Timeout"]):
    """Drops all data; the time begins with the connection or the toxic, and data does not prolong it."""

    __slots__ = ()

    @property
    def after_s(self) -> float | None:
        return self.settings.timeout / 1000 or None

    def begin(self) -> None:
        super().begin()
        self.strike(0)

    def data(self, piece: Piece) -> None:
        self.strike(len(piece))

    def fire(self) -> None:
        self.link.connection.close()

    def leave(self) -> None:
        self.fire()  # what was dropped is missing, so the rest is of no use


@attrs.frozen(kw_only=True)
class Timeout(Settings):
    """
    Drop all data, and close the connection after *timeout*.

    Attributes:
        timeout: Milliseconds; 0: never.
    """

    type = "timeout"
    stage = TimeoutStage

    timeout: int = whole()
