"""The stages that the data of one direction goes through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from chaos_toxiproxy.server.chance import Chance
from chaos_toxiproxy.server.stages import Piece, Receiver, Stage
from chaos_toxiproxy.server.toxics.base import Toxic

if TYPE_CHECKING:
    from chaos_toxiproxy.server.http.stages import Watcher


class Flow(Protocol):
    """A connection, or what UDP has instead of one: a chain for each direction."""

    loop: asyncio.AbstractEventLoop
    number: int
    closed: bool

    @property
    def links(self) -> Mapping[str, Chain]:
        """The directions, by name; none as long as there is no other side."""

    @property
    def client(self) -> str:
        """Whose it is: an address."""

    def chance(self, toxic: Toxic[Any]) -> Chance:
        """Return the draws of *toxic* for it."""

    def fit(self, direction: str) -> None:
        """Take up that the toxics of *direction* have changed."""

    def close(self) -> None:
        """End it."""

    def reset(self) -> None:
        """End it so that both sides see a connection reset."""


class Chain:
    """
    One direction of a connection.

    Attributes:
        connection: Whose direction it is.
        direction: ``upstream`` or ``downstream``.
        loop: What calls it.
        stages: What toxics do to it, in their order.
        head: Where data goes first: the first stage, or this itself.
        received: Bytes that came.
        sent: Bytes that went.
        watcher: Who sees what goes to the head.
        closes: The connection is closed as soon as all is written.
    """

    __slots__ = ("closes", "connection", "direction", "head", "loop", "received", "sent", "stages", "watcher")

    datagrams = False
    """Pieces are datagrams: they may be lost, and come in any order."""

    def __init__(self, connection: Flow, direction: str) -> None:
        self.connection, self.direction = connection, direction
        self.loop: asyncio.AbstractEventLoop = connection.loop
        self.stages: tuple[Stage[Any], ...] = ()
        self.head: Receiver = self
        self.watcher: Watcher | None = None
        self.received = self.sent = 0
        self.closes = False

    def data(self, piece: Piece) -> None:
        """Take the next *piece* at the end of the chain."""
        raise NotImplementedError

    def end(self) -> None:
        """Take at the end of the chain that nothing follows."""
        raise NotImplementedError

    def hold(self) -> None:
        """Read no more until `release` was called as often."""

    def release(self) -> None:
        """Read on, unless somebody else holds the link."""

    def close_after(self, rest: Receiver) -> None:
        """Read no more, and close the connection as soon as all that has gone to *rest* is written."""
        raise NotImplementedError

    def fit(self, toxics: Iterable[Toxic[Any]]) -> None:
        """Make the stages what the *toxics* of this direction ask for; no data is lost or changes its place."""
        stages = [stage for toxic in toxics for stage in self._stages_of(toxic)]
        for stage in self.stages:
            if stage not in stages:
                stage.leave()  # the first first: what it holds is newer than what the next one holds
        if self.connection.closed:
            return
        fresh = [stage for stage in stages if stage not in self.stages]
        self.stages, self.head = tuple(stages), self
        for stage in reversed(stages):
            stage.next, self.head = self.head, stage
        if self.watcher is not None:
            self.watcher.next, self.head = self.head, self.watcher
        for stage in fresh:
            stage.begin()

    def _stages_of(self, toxic: Toxic[Any]) -> Iterable[Stage[Any]]:
        """Yield the stage of *toxic*, the one that is there or a new one, if it strikes this connection."""
        for stage in self.stages:
            if stage.toxic is toxic:
                if stage.chance.throw < toxic.toxicity:
                    yield stage
                return
        chance = self.connection.chance(toxic)
        if chance.throw < toxic.toxicity:
            yield toxic.settings.stage(toxic, self, chance)

    def drop_stages(self) -> None:
        """Forget all stages: the connection is over."""
        stages, self.stages, self.head, self.watcher = self.stages, (), self, None
        for stage in stages:
            stage.stop()
            stage.next = self
