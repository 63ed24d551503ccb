"""Cuts data into small pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import Portions
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance


class SlicerStage(Portions["Slicer"]):
    """Halves what it gets, and the halves, until they are small enough."""

    __slots__ = ("_free_at_s", "_sizes")

    def __init__(self, toxic: Toxic[Slicer], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._sizes: list[int] = []
        self._free_at_s = 0.0

    def plan(self, size: int, earliest_s: float) -> tuple[int, float]:
        due_s = max(self._free_at_s, earliest_s)
        self._free_at_s = due_s + self.settings.delay / 1e6
        return self._slice(size), due_s

    def change(self) -> None:
        self._sizes.clear()
        self._free_at_s = 0.0
        super().change()

    def _slice(self, size: int) -> int:
        """Return how long the next slice of a piece is, of which *size* bytes are left."""
        sizes, settings = self._sizes, self.settings
        if not sizes:
            sizes.append(size)
        while settings.average_size and sizes[-1] - settings.average_size > settings.size_variation:
            whole = sizes.pop()
            first = whole // 2
            if settings.size_variation:
                first += self.chance.between(-settings.size_variation, settings.size_variation - 1)
            first = min(max(first, 1), whole - 1)
            sizes += (whole - first, first)
        return sizes.pop()


@attrs.frozen(kw_only=True)
class Slicer(Settings):
    """
    Cut data into slices, and wait after each.

    Attributes:
        average_size: Bytes; at 0 nothing is cut.
        size_variation: How much more or less a slice may have; but never less than a byte.
        delay: Microseconds.
    """

    type = "slicer"
    stage = SlicerStage

    average_size: int = whole()
    size_variation: int = whole()
    delay: int = whole()
