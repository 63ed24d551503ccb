"""Limits how much data passes in a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import LIMIT_BYTES, NEVER, Portions
from chaos_toxiproxy.server.toxics.base import Line, Settings, Toxic, flag, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance

PORTION_S = 0.01
"""Data passes in portions of what this time is worth, so that the flow is even."""


class BandwidthStage(Portions["Bandwidth"]):
    """Passes a portion on when the time is over that it takes on the line."""

    __slots__ = ("_own",)

    def __init__(self, toxic: Toxic[Bandwidth], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._own = Line()

    @property
    def limit_bytes(self) -> int:
        return max(LIMIT_BYTES, 50 * self.settings.rate)  # what passes in 50 ms, so that timers are no limit

    def plan(self, size: int, earliest_s: float) -> tuple[int, float]:
        rate = self.settings.rate * 1000
        if not rate:
            return 0, NEVER
        size = min(size, int(rate * PORTION_S))
        line = self.toxic.line if self.settings.shared else self._own
        line.free_at_s = max(line.free_at_s, earliest_s) + size / rate
        return size, line.free_at_s


@attrs.frozen(kw_only=True)
class Bandwidth(Settings):
    """
    Let *rate* pass.

    Attributes:
        rate: 1000 bytes a second; at 0 nothing passes.
        shared: All connections of the proxy share it, instead of each having its own.
    """

    type = "bandwidth"
    networks = frozenset({"tcp", "udp"})
    stage = BandwidthStage

    rate: int = whole()
    shared: bool = flag(extra=True)
