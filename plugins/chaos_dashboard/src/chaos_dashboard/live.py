"""The live page of a run, as a reporter."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from chaos_dashboard.board import Board
from chaos_dashboard.feed import Feed
from chaoscore import Clock, Event, Report, RunStarted, SystemClock, pull_lever

if TYPE_CHECKING:
    from chaos_dashboard.server import PageServer

EVERY_S = 1.0
HOST = "127.0.0.1"


def _port(value: int | str) -> int:
    """Return *value* as a port on which a page can be served."""
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or int(text) > 65535:
        raise ValueError(f"a port is a whole number from 0 (any that is free) to 65535, not {value!r}")
    return int(text)


def _free(_: object, __: object, port: int) -> None:
    """See whether *port* is free when the reporter is made, not when the run has begun."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ValueError(
                f"port {port} of {HOST} cannot be used: {error.strerror}; name another, or none for any that is free"
            ) from error


@attrs.define
class Live:
    """
    Serves a page on which a run can be watched, and says where on the standard error.

    Attributes:
        port: Of 127.0.0.1; 0: any that is free.
        clock: Reads the time.
    """

    port: int = attrs.field(default=0, converter=_port, validator=_free)
    clock: Clock = attrs.field(factory=SystemClock, kw_only=True)
    _board: Board = attrs.field(factory=Board, init=False, repr=False)
    _feed: Feed | None = attrs.field(default=None, init=False, repr=False)
    _server: PageServer | None = attrs.field(default=None, init=False, repr=False)
    _origin: float = attrs.field(default=0.0, init=False, repr=False)
    _due: float = attrs.field(default=0.0, init=False, repr=False)

    kind: ClassVar[str] = "live"

    @property
    def url(self) -> str | None:
        """Return where the page is, or None while there is none."""
        return None if self._server is None else self._server.url

    @property
    def viewers(self) -> int:
        """Return how many look at it."""
        return 0 if self._feed is None else self._feed.viewers

    def follow(self, events: Sequence[Event]) -> None:
        """Take what happened, and once a second show it to those who look."""
        if events and isinstance(events[0], RunStarted):
            self._begin(events[0])
        feed = self._feed
        if feed is None:
            return
        with feed.news:
            if events:
                self._board.take(events)
            now = self.clock.monotonic()
            if now >= self._due:
                self._due = now + EVERY_S
                if feed.viewers:
                    feed.publish(self._board.update(self._now_at()))

    def report(self, report: Report) -> None:
        """Show how it ended, and stop serving; browsers keep what they show."""
        feed, server = self._feed, self._server
        self._feed = self._server = None
        if feed is not None and server is not None:
            with feed.news:
                feed.publish(self._board.update(self._board.last_at))
            server.close()

    def _begin(self, event: RunStarted) -> None:
        from chaos_dashboard.server import PageServer  # 40 ms that a run without a page need not wait for

        if self._server is not None:
            self._server.close()
        self._board = Board()
        self._origin = self.clock.monotonic() - event.at
        self._due = 0.0
        self._feed = Feed(lambda: self._board.whole(self._now_at()))
        self._server = PageServer(self.port, self._feed, pull_lever)
        sys.stderr.write(f"live page: {self._server.url}\n")
        sys.stderr.flush()

    def _now_at(self) -> float:
        """Return seconds since the run started."""
        return self._board.last_at if self._board.ended else self.clock.monotonic() - self._origin
