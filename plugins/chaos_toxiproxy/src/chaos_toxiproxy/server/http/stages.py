"""
Stages that see messages: those that match are changed, all else passes as it is.

A response is known by the request that it answers, so requests are watched as well. What is no HTTP passes unchanged,
and so does all that follows it on the connection: after an upgrade, for example.
"""

from __future__ import annotations

import asyncio
from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from chaos_toxiproxy.server.http.bodies import Body, body_of_request, body_of_response
from chaos_toxiproxy.server.http.heads import Asked, Head, may_begin
from chaos_toxiproxy.server.stages import Holding, Piece, Receiver
from chaos_toxiproxy.server.toxics.base import UPSTREAM, Settings, Toxic, share, word

if TYPE_CHECKING:
    from chaos_toxiproxy.server.chains import Chain
    from chaos_toxiproxy.server.chance import Chance

_END = b"\r\n\r\n"
_LONGEST_HEAD = 64 * 1024


@attrs.frozen(kw_only=True)
class HttpSettings(Settings):
    """
    Which messages a toxic is about.

    Attributes:
        method: Of the request, as in GET; empty: any.
        path: Of the request, without its query; ``*`` stands for anything; empty: any.
        probability: Of a message that matches to be struck, 0 to 1.
    """

    method: str = word()
    path: str = word()
    probability: float = share(1.0)

    def about(self, asked: Asked) -> bool:
        """Tell whether a request, or the response to it, is meant."""
        return self.method.upper() in ("", asked.method) and (not self.path or fnmatchcase(asked.path, self.path))


SettingsT = TypeVar("SettingsT", bound=HttpSettings)


class HttpStage(Holding[SettingsT]):
    """Reads messages, and lets `meet` change those that match."""

    __slots__ = ("_blind", "_body", "_ended", "_instead", "_received", "_timer", "requests")

    def __init__(self, toxic: Toxic[SettingsT], link: Chain, chance: Chance) -> None:
        super().__init__(toxic, link, chance)
        self._received = bytearray()
        self._body: Body | None = None
        self._instead = False
        self._blind = self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self.requests: deque[Asked] = deque()

    def meet(self, head: Head) -> bytes | None:
        """Change the *head* of a message that is struck; return what its body is instead, or None to leave that."""
        raise NotImplementedError

    def delay_s(self) -> float:
        """Return how long a message that is struck waits."""
        return 0.0

    # -- its place in the chain

    def begin(self) -> None:
        if self.link.direction != UPSTREAM:
            watch(self.link.connection.links[UPSTREAM], self)

    def data(self, piece: Piece) -> None:
        if self._blind and not self._received:
            self.next.data(piece)
            return
        self._received += piece
        self.keep(len(piece))
        if self._timer is None:
            self._read()

    def end(self) -> None:
        self._ended = True
        if self._timer is None:
            self._pass(len(self._received))
            self.next.end()

    def leave(self) -> None:
        self._stop_waiting()
        self._pass(len(self._received))
        if self._ended:
            self.next.end()

    def stop(self) -> None:
        super().stop()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self.link.direction != UPSTREAM and self.link.connection.links:
            unwatch(self.link.connection.links[UPSTREAM], self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- messages

    def _read(self) -> None:
        """Go through what was received, as far as it can be understood."""
        try:
            while self._received and self._timer is None and not self.link.connection.closed:
                if self._blind:
                    self._pass(len(self._received))
                elif not (self._read_head() if self._body is None else self._read_body(self._body)):
                    return
        except ValueError:  # no HTTP
            self._blind = True
            self._pass(len(self._received))

    def _read_head(self) -> bool:
        """Read a head; return whether there was one."""
        end = self._received.find(_END)
        if end < 0:
            _see_whether_it_may_come(self._received, request=self.link.direction == UPSTREAM)
            return False
        head = Head.read(bytes(self._received[:end]))
        if head is None:
            raise ValueError("no head")
        asked = self._asked(head)
        struck = self.settings.about(asked) and self.chance.unit() < self.settings.probability
        if struck and self.delay_s():
            self._wait(end + len(_END), head, asked)
        else:
            self._go_on(end + len(_END), head, asked, struck=struck)
        return True

    def _asked(self, head: Head) -> Asked:
        """Return the request that a message is, or is the response to."""
        if self.link.direction == UPSTREAM:
            asked = head.asked()
        else:
            status = head.status()
            asked = self.requests[0] if self.requests and status is not None else None
            if asked is not None and status is not None and status >= 200:
                self.requests.popleft()
            if status == 101:
                asked = None
        if asked is None:
            raise ValueError("no message of HTTP/1.1")
        return asked

    def _wait(self, size: int, head: Head, asked: Asked) -> None:
        def over() -> None:
            self._timer = None
            self._go_on(size, head, asked, struck=True)
            self._read()
            if self._ended and self._timer is None:
                self.end()

        self._timer = self.link.loop.call_later(self.delay_s(), over)

    def _go_on(self, size: int, head: Head, asked: Asked, *, struck: bool) -> None:
        """Pass on a message's head, changed or not; its body follows."""
        upstream = self.link.direction == UPSTREAM
        self._body = body_of_request(head) if upstream else body_of_response(head, asked)
        self._instead = False
        if not struck:
            self._pass(size)
        else:
            self.strike(size)
            instead = self.meet(head)
            self._drop(size)
            if self.link.connection.closed:
                return
            self._instead = instead is not None
            self.next.data(head.text() + (instead or b""))
        self._see_whether_over(self._body)

    def _read_body(self, body: Body) -> bool:
        """Read some of a body; return whether there was any."""
        size = body.measure(self._received)
        if self._instead:
            self.strike(size)
            self._drop(size)
        else:
            self._pass(size)
        self._see_whether_over(body)
        return size > 0

    def _see_whether_over(self, body: Body) -> None:
        if body.over:
            self._body = None

    def _pass(self, size: int) -> None:
        if size:
            piece = bytes(self._received[:size])
            self._drop(size)
            self.next.data(piece)

    def _drop(self, size: int) -> None:
        del self._received[:size]
        self.keep(-size)


class Watcher:
    """Stands before the stages of requests, and tells the stages of responses what was asked."""

    __slots__ = ("_blind", "_body", "_received", "next", "told")

    def __init__(self, following: Receiver) -> None:
        self.next = following
        self.told: list[HttpStage[Any]] = []
        self._received = bytearray()
        self._body: Body | None = None
        self._blind = False

    def data(self, piece: Piece) -> None:
        if not self._blind:
            self._received += piece
            try:
                while self._received and (self._head() if self._body is None else self._rest(self._body)):
                    pass
            except ValueError:  # no HTTP
                self._blind = True
                self._received.clear()
        self.next.data(piece)

    def end(self) -> None:
        self.next.end()

    def _head(self) -> bool:
        end = self._received.find(_END)
        if end < 0:
            _see_whether_it_may_come(self._received, request=True)
            return False
        head = Head.read(bytes(self._received[:end]))
        asked = None if head is None else head.asked()
        if head is None or asked is None:
            raise ValueError("no request")
        for stage in self.told:
            stage.requests.append(asked)
        body = body_of_request(head)
        self._body = None if body.over else body
        del self._received[: end + len(_END)]
        return True

    def _rest(self, body: Body) -> bool:
        size = body.measure(self._received)
        del self._received[:size]
        if body.over:
            self._body = None
        return size > 0


def _see_whether_it_may_come(received: bytearray, *, request: bool) -> None:
    if len(received) > _LONGEST_HEAD or not may_begin(bytes(received), request=request):
        raise ValueError("no head")


def watch(link: Chain, stage: HttpStage[Any]) -> None:
    """Let *stage* be told what requests go through *link*."""
    if link.watcher is None:
        link.watcher = Watcher(link.head)
        link.head = link.watcher
    link.watcher.told.append(stage)


def unwatch(link: Chain, stage: HttpStage[Any]) -> None:
    """Tell *stage* no more."""
    watcher = link.watcher
    if watcher is not None and stage in watcher.told:
        watcher.told.remove(stage)
        if not watcher.told:
            link.head, link.watcher = watcher.next, None
