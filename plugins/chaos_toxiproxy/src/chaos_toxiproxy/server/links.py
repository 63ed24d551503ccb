"""
One direction of a connection: what is read from one socket, goes through the stages, and is written to the other.

Where there are no stages, data goes from socket to socket by two system calls and through one buffer, which all
connections share. What the other side does not take is kept, and no more is read until it is gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from chaos_toxiproxy.server.stages import Piece, Receiver, Stage
from chaos_toxiproxy.server.toxics.base import Toxic
from chaos_toxiproxy.server.wires import Wire

if TYPE_CHECKING:
    from chaos_toxiproxy.server.connections import Connection

_BUFFER = bytearray(64 * 1024)
_VIEW = memoryview(_BUFFER)
_AT_ONCE = 256
"""How many pieces are written before others have their turn."""


@attrs.define(eq=False)
class Counts:
    """Bytes that a proxy received and sent in one direction."""

    received: int = 0
    sent: int = 0


class Link:
    """
    One direction of a connection.

    Attributes:
        loop: What calls it.
        connection: Whose direction it is.
        direction: ``upstream`` or ``downstream``.
        stages: What toxics do to it, in their order.
        closes: The connection is closed as soon as all is written.
        ended: Nothing more comes.
        finished: All is written.
    """

    __slots__ = (
        "_backlog", "_counts", "_head", "_holds", "_last", "_reading", "_sink", "_source", "closes", "connection",
        "direction", "ended", "finished", "loop", "stages",
    )  # fmt: skip

    def __init__(self, connection: Connection, direction: str, source: Wire, sink: Wire, counts: Counts) -> None:
        self.connection, self.direction = connection, direction
        self.loop: asyncio.AbstractEventLoop = connection.loop
        self._source, self._sink, self._counts = source, sink, counts
        self._head: Receiver = self
        self._backlog: deque[Piece] | None = None
        self._holds, self._reading = 0, False
        self._last = False
        self.stages: tuple[Stage[Any], ...] = ()
        self.closes = self.ended = self.finished = False

    # -- reading

    def start(self) -> None:
        """Begin to read."""
        self._reading = True
        self.loop.add_reader(self._source, self._readable)

    def hold(self) -> None:
        """Read no more until `release` was called as often."""
        self._holds += 1

    def release(self) -> None:
        """Read on, unless somebody else holds the link."""
        self._holds -= 1
        if not (self._holds or self._reading or self.ended or self.connection.closed):
            self.start()

    def _readable(self) -> None:
        if self._holds:  # only now, as it is often over before there is anything to read
            self._stop_reading()
            return
        try:
            size = self._source.recv_into(_BUFFER)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.connection.reset()
            return
        if size:
            self._counts.received += size
            self._head.data(_VIEW[:size])
        else:
            self._nothing_follows()

    def _nothing_follows(self) -> None:
        self.ended = True
        self._stop_reading()
        if self.connection.broken:
            self.connection.reset()
        else:
            self._head.end()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.loop.remove_reader(self._source)

    # -- writing, at the end of the chain

    def data(self, piece: Piece) -> None:
        """Write *piece*, now or when there is room."""
        if self._backlog is None:
            size = self._written(piece)
            if size == len(piece):
                return
            if self.connection.broken or self.connection.closed:
                return
            self._backlog, piece = deque(), piece[size:]
            self.loop.add_writer(self._sink, self._writable)
            self.hold()
        self._backlog.append(bytes(piece))

    def end(self) -> None:
        """Take that nothing follows: tell the other side when all is written."""
        self._last = True
        if self._backlog is None and not self.finished:
            self.finished = True
            self.connection.finish(self)

    def finish_writing(self) -> None:
        """Tell the other side that nothing follows, and leave it its answer."""
        self._sink.finish()

    def _writable(self) -> None:
        backlog = self._backlog
        assert backlog is not None
        for _ in range(_AT_ONCE):
            if not backlog:
                self._all_written()
                return
            size = self._written(backlog[0])
            if size < len(backlog[0]):
                if not self.connection.closed:
                    backlog[0] = memoryview(backlog[0])[size:]
                return
            backlog.popleft()

    def _written(self, piece: Piece) -> int:
        try:
            size = self._sink.send(piece)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.connection.cannot_send(self)
            return 0
        self._counts.sent += size
        return size

    def _all_written(self) -> None:
        self._stop_writing()
        self.release()
        if self._last:
            self.end()

    def _stop_writing(self) -> None:
        if self._backlog is not None:
            self._backlog = None
            self.loop.remove_writer(self._sink)

    def close_after(self, rest: Receiver) -> None:
        """Read no more, and close the connection as soon as all that has gone to *rest* is written."""
        self.closes = self.ended = True
        self._stop_reading()
        rest.end()

    def abandon(self) -> None:
        """Drop what waits, and read no more: nobody takes it."""
        self.ended = True
        self._stop_reading()
        self._stop_writing()

    def stop(self) -> None:
        """Forget everything: the connection is over."""
        self.abandon()
        stages, self.stages, self._head = self.stages, (), self
        for stage in stages:
            stage.stop()
            stage.next = self

    # -- toxics

    def fit(self, toxics: Iterable[Toxic[Any]]) -> None:
        """Make the stages what the *toxics* of this direction ask for; no data is lost or changes its place."""
        have = {stage.toxic: stage for stage in self.stages}
        wanted = [(toxic, have.get(toxic)) for toxic in toxics]
        stages = []
        for toxic, stage in wanted:
            chance = self.connection.chance(toxic) if stage is None else stage.chance
            if chance.throw < toxic.toxicity:
                stages.append(stage or toxic.settings.stage(toxic, self, chance))
        for stage in self.stages:
            if stage not in stages:
                stage.leave()  # the first first: what it holds is newer than what the next one holds
        if self.connection.closed:
            return
        fresh = [stage for stage in stages if stage not in self.stages]
        self.stages = tuple(stages)
        self._head = self._chained()
        for stage in fresh:
            stage.begin()

    def _chained(self) -> Receiver:
        head: Receiver = self
        for stage in reversed(self.stages):
            stage.next, head = head, stage
        return head
