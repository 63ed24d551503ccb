"""What a toxic does to the data of one connection: a stage of the chain between its two sockets."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chance import Chance
    from chaos_toxiproxy.server.links import Link
    from chaos_toxiproxy.server.toxics.base import Settings, Toxic

SettingsT = TypeVar("SettingsT", bound="Settings")

Piece = bytes | memoryview
"""Some data. A view is good for the length of a call only: whoever keeps it copies it."""

LIMIT_BYTES = 64 * 1024
"""How much a stage holds back before no more is read."""

NEVER = math.inf


class Receiver(Protocol):
    """What data goes to: a stage, or the link whose socket stands at the end."""

    def data(self, piece: Piece) -> None:
        """Take the next *piece*."""

    def end(self) -> None:
        """Take that nothing follows."""


class Stage(Generic[SettingsT]):
    """
    What *toxic* does to *link*; this one does nothing.

    Attributes:
        toxic: Whose doing it is.
        link: The direction of a connection that it belongs to.
        chance: Its draws.
        next: Where data goes from here.
        struck_bytes: How much it disturbed; None as long as it did nothing.
    """

    __slots__ = ("chance", "link", "next", "struck_bytes", "toxic")

    def __init__(self, toxic: Toxic[SettingsT], link: Link, chance: Chance) -> None:
        self.toxic, self.link, self.chance = toxic, link, chance
        self.next: Receiver = link
        self.struck_bytes: int | None = None

    @property
    def settings(self) -> SettingsT:
        return self.toxic.settings

    def begin(self) -> None:
        """Act when the connection begins, or the toxic is added to it."""

    def data(self, piece: Piece) -> None:
        """Take the next *piece*."""
        self.next.data(piece)

    def end(self) -> None:
        """Take that nothing follows."""
        self.next.end()

    def change(self) -> None:
        """Act when the settings are others now."""

    def leave(self) -> None:
        """Hand over what waits: the toxic is removed."""

    def stop(self) -> None:
        """Forget everything: the connection is over."""

    def strike(self, size: int) -> None:
        """Note that the toxic disturbed *size* bytes, or the connection as such."""
        if self.struck_bytes is None:
            self.struck_bytes = 0
            self.toxic.struck(self.link)
        self.struck_bytes += size
        self.toxic.bytes += size


class Queue(Stage[SettingsT]):
    """Holds pieces until they are due, and keeps their order; None stands for the end."""

    __slots__ = ("_held", "_holding", "_last", "_timer", "_waiting")

    limit_bytes = LIMIT_BYTES

    def __init__(self, toxic: Toxic[SettingsT], link: Link, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last, self._held, self._holding = 0.0, 0, False

    def put(self, piece: Piece | None, due: float) -> None:
        """Pass *piece* on at the time *due*, but never before what came before it."""
        self._last = due = max(due, self._last)
        if not self._waiting:
            if due <= self.link.loop.time():
                self._hand_on(piece)
                return
            self._wait_until(due)
        self._waiting.append((due, None if piece is None else bytes(piece)))
        self._hold(0 if piece is None else len(piece))

    def end(self) -> None:
        if self._waiting:
            self.put(None, self._last)
        else:
            self.next.end()

    def change(self) -> None:
        self.leave()

    def leave(self) -> None:
        waiting = self._waiting.copy()
        self.stop()
        self._last = 0.0
        self._hold(-self._held)
        for _, piece in waiting:
            self._hand_on(piece)

    def stop(self) -> None:
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_until(self, due: float) -> None:
        self._timer = self.link.loop.call_at(due, self._due)

    def _due(self) -> None:
        now = self.link.loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, piece = self._waiting.popleft()
            self._hold(0 if piece is None else -len(piece))
            self._hand_on(piece)
        if self._waiting:
            self._wait_until(self._waiting[0][0])

    def _hand_on(self, piece: Piece | None) -> None:
        if piece is None:
            self.next.end()
        else:
            self.next.data(piece)

    def _hold(self, more: int) -> None:
        """Let the link read no more while too much waits here."""
        self._held += more
        if self._holding != (self._held > self.limit_bytes):
            self._holding = not self._holding
            if self._holding:
                self.link.hold()
            else:
                self.link.release()
