"""
One direction of a TCP connection: what is read from one socket, goes through the stages, and is written to the other.

Where there are no stages, data goes from socket to socket by two system calls and through one buffer, which all
connections share. What the other side does not take is kept, and no more is read until it is gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chaos_toxiproxy.server.chains import Chain
from chaos_toxiproxy.server.stages import Piece, Receiver
from chaos_toxiproxy.server.tls import TlsWire
from chaos_toxiproxy.server.toxics.base import Toxic
from chaos_toxiproxy.server.wires import Wire, finish

if TYPE_CHECKING:
    from chaos_toxiproxy.server.connections import Connection

_BUFFER = bytearray(128 * 1024)
_VIEW = memoryview(_BUFFER)
_AT_ONCE, _AT_ONCE_BYTES = 256, 1024 * 1024
"""How much of a backlog is written before others have their turn."""


class Link(Chain):
    """
    One direction of a connection.

    Attributes:
        ended: Nothing more is read.
        finished: All is written.
    """

    __slots__ = ("_backlog", "_holds", "_last", "_lost", "_reading", "_sink", "_source", "ended", "finished")

    connection: Connection

    def __init__(self, connection: Connection, direction: str, source: Wire, sink: Wire) -> None:
        super().__init__(connection, direction)
        self._source, self._sink = source, sink
        self._backlog: deque[Piece] | None = None
        self._holds, self._reading = 0, False
        self._last = self._lost = False
        self.ended = self.finished = False

    # -- reading

    def start(self) -> None:
        """Begin to read."""
        self._reading = True
        self.loop.add_reader(self._source.fileno(), self._readable)

    def hold(self) -> None:
        self._holds += 1

    def release(self) -> None:
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
            self.received += size
            self.head.data(_VIEW[:size])
        else:
            self._nothing_follows()

    def _nothing_follows(self) -> None:
        self.ended = True
        self._stop_reading()
        if self.connection.broken:
            self.connection.reset()
        else:
            self.head.end()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self.loop.remove_reader(self._source.fileno())

    # -- writing, at the end of the chain

    def data(self, piece: Piece) -> None:
        if self._backlog is None:
            size = self._written(piece)
            if size == len(piece) or self._lost:
                return
            piece = piece[size:]
            self._wait_for_room()
        assert self._backlog is not None
        self._backlog.append(bytes(piece))

    def _wait_for_room(self) -> None:
        self._backlog = deque()
        self.loop.add_writer(self._sink.fileno(), self._writable)
        self.hold()

    def end(self) -> None:
        self._last = True
        if self._backlog is None and not self.finished:
            self.finished = True
            self.connection.finish(self)

    def finish_writing(self) -> None:
        """Tell the other side that nothing follows, and leave it its answer."""
        finish(self._sink)

    def close_after(self, rest: Receiver) -> None:
        self.closes = self.ended = True
        self._stop_reading()
        rest.end()

    def _writable(self) -> None:
        backlog, until = self._backlog, self.sent + _AT_ONCE_BYTES
        assert backlog is not None
        for _ in range(_AT_ONCE):
            if not backlog:
                self._all_written()
                return
            size = self._written(backlog[0])
            if self._backlog is None:  # this was the end of the connection
                return
            if size < len(backlog[0]):
                backlog[0] = memoryview(backlog[0])[size:]
                return
            backlog.popleft()
            if self.sent > until:
                return

    def _written(self, piece: Piece) -> int:
        try:
            size = self._sink.send(piece)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self.connection.cannot_send(self)
            return 0
        self.sent += size
        return size

    def _all_written(self) -> None:
        self._stop_writing()
        self.release()
        if self._last:
            self.end()

    def _stop_writing(self) -> None:
        if self._backlog is not None:
            self._backlog = None
            self.loop.remove_writer(self._sink.fileno())

    # -- toxics

    def fit(self, toxics: Iterable[Toxic[Any]]) -> None:
        if self.stages and self._backlog is None:
            self._wait_for_room()  # what leaving toxics let go is written bit by bit, not while the API waits
        super().fit(toxics)

    # -- its end

    def abandon(self) -> None:
        """Drop what waits, and read no more: nobody takes it."""
        self.ended = self._lost = True
        self._stop_reading()
        self._stop_writing()

    def stop(self) -> None:
        """Forget everything: the connection is over."""
        self.abandon()
        self.drop_stages()


class TlsLink(Link):
    """A link from a side that speaks TLS: what was decrypted already makes no socket readable."""

    __slots__ = ()

    def start(self) -> None:
        super().start()
        self.loop.call_soon(self._look)

    def _look(self) -> None:
        if not self.ended and not self.connection.closed:
            self._readable()

    def _readable(self) -> None:
        super()._readable()
        assert isinstance(self._source, TlsWire)
        if self._source.over and not self._holds:
            self.loop.call_soon(self._look)
