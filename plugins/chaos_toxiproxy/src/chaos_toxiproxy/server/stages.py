"""What a toxic does to the data of one connection: a stage of the chain between its two sockets."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance
    from chaos_toxiproxy.server.toxics.base import Settings, Toxic

SettingsT = TypeVar("SettingsT", bound="Settings")

Piece = bytes | memoryview
"""Some data. A view is good for the length of a call only: whoever keeps it copies it."""

LIMIT_BYTES = 64 * 1024
"""How much a stage holds back before no more is read."""

PIECE_BYTES = 128
"""What it takes to keep a piece, besides its own bytes."""

MOST_BYTES = 256 * 1024 * 1024
"""What all stages of the server may hold back together before each of them is confined to `LIMIT_BYTES`."""

AT_ONCE = 256
"""How many portions are passed on before others have their turn."""

MOST_LATE_S = 0.1
"""How much lost time is caught up with."""

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

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
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


class Deadline(Stage[SettingsT]):
    """Does something to the connection when the time is over."""

    __slots__ = ("_began_s", "_timer")

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._began_s = link.loop.time()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def after_s(self) -> float | None:
        """How long after the beginning it is; None for never."""
        raise NotImplementedError

    def fire(self) -> None:
        """Do it."""
        raise NotImplementedError

    def begin(self) -> None:
        after_s = self.after_s
        if after_s is not None:
            self._timer = self.link.loop.call_at(self._began_s + after_s, self.fire)

    def change(self) -> None:
        self.stop()
        self.begin()

    def leave(self) -> None:
        self.stop()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Held:
    """What all stages hold back."""

    total_bytes = 0


class Holding(Stage[SettingsT]):
    """Keeps data for a while, and lets the link read no more while that is too much."""

    __slots__ = ("_held", "_holding")

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._held, self._holding = 0, False

    @property
    def limit_bytes(self) -> int:
        """How much may be kept as long as others leave room."""
        return LIMIT_BYTES

    def keep(self, size: int, pieces: int = 0) -> None:
        """Take that so many bytes and pieces more are kept; less, where the numbers are negative."""
        more = size + pieces * PIECE_BYTES
        self._held += more
        Held.total_bytes += more
        limit = self.limit_bytes if Held.total_bytes < MOST_BYTES else LIMIT_BYTES
        if self._holding != (self._held > limit):
            self._holding = not self._holding
            if self._holding:
                self.link.hold()
            else:
                self.link.release()

    def stop(self) -> None:
        self.keep(-self._held)


class Queue(Holding[SettingsT]):
    """Holds pieces until they are due, and keeps their order; None stands for the end."""

    __slots__ = ("_last_s", "_timer", "_waiting")

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._last_s = 0.0

    def put(self, piece: Piece | None, due_s: float) -> None:
        """Pass *piece* on at that time of the loop's clock, but never before what came before it."""
        self._last_s = due_s = max(due_s, self._last_s)
        if not self._waiting:
            if due_s <= self.link.loop.time():
                self._hand_on(piece)
                return
            self._timer = self.link.loop.call_at(due_s, self._due)
        self._waiting.append((due_s, None if piece is None else bytes(piece)))
        self.keep(len(piece or b""), 1)

    def end(self) -> None:
        if self._waiting:
            self.put(None, self._last_s)
        else:
            self.next.end()

    def change(self) -> None:
        self.leave()

    def leave(self) -> None:
        waiting = self._waiting.copy()
        self.stop()
        self._last_s = 0.0
        for _, piece in waiting:
            self._hand_on(piece)

    def stop(self) -> None:
        super().stop()
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        now = self.link.loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            _, piece = self._waiting.popleft()
            self.keep(-len(piece or b""), -1)
            self._hand_on(piece)
        if self._waiting:
            self._timer = self.link.loop.call_at(self._waiting[0][0], self._due)

    def _hand_on(self, piece: Piece | None) -> None:
        if piece is None:
            self.next.end()
        else:
            self.next.data(piece)


class Portions(Holding[SettingsT]):
    """
    Passes data on in portions, each at its time.

    What is late is caught up with, so that the mean is exact however coarse the timers are; but time in which nothing
    waits is lost, as on a real line.
    """

    __slots__ = ("_due_s", "_ended", "_size", "_timer", "_waiting")

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._waiting: deque[memoryview] = deque()
        self._timer: asyncio.Handle | None = None
        self._size, self._due_s = 0, NEVER
        self._ended = False

    def plan(self, size: int, earliest_s: float) -> tuple[int, float]:
        """Return how much of a piece of *size* bytes passes next, and when; `NEVER` for not before `change`."""
        raise NotImplementedError

    def data(self, piece: Piece) -> None:
        self.strike(len(piece))
        self._waiting.append(memoryview(bytes(piece)))
        self.keep(len(piece), 1)
        if len(self._waiting) == 1:
            self._plan(self.link.loop.time())

    def end(self) -> None:
        self._ended = True
        if not self._waiting:
            self.next.end()

    def change(self) -> None:
        self._cancel()
        if self._waiting:
            self._plan(self.link.loop.time())

    def leave(self) -> None:
        waiting = self._waiting.copy()
        self.stop()
        for piece in waiting:
            self.next.data(piece)
        if self._ended:
            self.next.end()

    def stop(self) -> None:
        super().stop()
        self._cancel()
        self._waiting.clear()

    def _plan(self, earliest_s: float) -> None:
        self._size, self._due_s = self.plan(len(self._waiting[0]), earliest_s)
        if self._due_s != NEVER:
            self._timer = self.link.loop.call_at(self._due_s, self._pass)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self) -> None:
        now = self.link.loop.time()
        for _ in range(AT_ONCE):
            self._pass_portion()
            if not self._waiting:
                break
            self._size, self._due_s = self.plan(len(self._waiting[0]), max(self._due_s, now - MOST_LATE_S))
            if self._due_s > now:
                break
        self._timer = None
        if self._waiting and self._due_s != NEVER:
            self._timer = self.link.loop.call_at(self._due_s, self._pass)

    def _pass_portion(self) -> None:
        piece, size = self._waiting[0], self._size
        if size < len(piece):
            self._waiting[0] = piece[size:]
            self.keep(-size)
        else:
            self._waiting.popleft()
            self.keep(-size, -1)
        self.next.data(piece[:size])
        if self._ended and not self._waiting:
            self.next.end()
