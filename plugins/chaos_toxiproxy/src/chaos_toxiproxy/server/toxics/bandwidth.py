"""Limits how much data passes in a time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import attrs

from chaos_toxiproxy.server.stages import LIMIT_BYTES, NEVER, Piece, Stage
from chaos_toxiproxy.server.toxics.base import Settings, Toxic, flag, whole

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chance import Chance
    from chaos_toxiproxy.server.links import Link

STEP_S = 0.01
"""Data is passed on in portions of what this time is worth, so that the flow is even."""


class BandwidthStage(Stage["Bandwidth"]):
    """
    Passes a portion on when the time that it takes is over.

    What is late is caught up with, so that the mean is exact; but unused time is lost, as on a real line.
    """

    __slots__ = ("_ended", "_free_at_s", "_held", "_holding", "_timer", "_waiting")

    def __init__(self, toxic: Toxic[Bandwidth], link: Link, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._waiting: deque[memoryview] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held, self._free_at_s = 0, 0.0
        self._holding = self._ended = False

    def data(self, piece: Piece) -> None:
        self.strike(len(piece))
        self._waiting.append(memoryview(bytes(piece)))
        self._hold(len(piece))
        if self._timer is None:
            self._wait()

    def end(self) -> None:
        if self._waiting:
            self._ended = True
        else:
            self.next.end()

    def change(self) -> None:
        self._cancel()
        if self._waiting:
            self._wait()

    def leave(self) -> None:
        self._cancel()
        waiting = self._waiting.copy()
        self._waiting.clear()
        self._hold(-self._held)
        for piece in waiting:
            self.next.data(piece)
        if self._ended:
            self.next.end()

    def stop(self) -> None:
        self._cancel()
        self._waiting.clear()

    def _wait(self) -> None:
        """Begin the time of the next portion."""
        due = self._due_s()
        self._timer = None if due == NEVER else self.link.loop.call_at(due, self._pass)

    def _due_s(self) -> float:
        rate = self.settings.rate * 1000
        if not rate:
            return NEVER
        line = self.toxic if self.settings.shared else self
        return 0.0

    def _pass(self) -> None:
        """Pass on the portion whose time is over."""

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hold(self, more: int) -> None:
        self._held += more
        if self._holding != (self._held > LIMIT_BYTES):
            self._holding = not self._holding
            (self.link.hold if self._holding else self.link.release)()
