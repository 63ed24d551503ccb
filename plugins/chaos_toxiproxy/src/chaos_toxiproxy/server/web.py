"""The API's connections: requests in, replies out, one after the other on connections that are kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from chaos_toxiproxy.server import messages
from chaos_toxiproxy.server.answers import Reply
from chaos_toxiproxy.server.events import Events
from chaos_toxiproxy.server.messages import BadRequestError, Incomplete, Message
from chaos_toxiproxy.server.routes import Answer, Following

IDLE_S = 60.0
"""How long a connection may say nothing."""

MOST_UNREAD_BYTES = 1024 * 1024
"""How far a listener to events may fall behind; what comes then is lost for it."""


class Web(asyncio.Protocol):
    """One connection to the API; it is in *connections* as long as it lives."""

    def __init__(self, answer: Callable[[Message], Answer], connections: set[Web]) -> None:
        self._answer, self._connections = answer, connections
        self._loop = asyncio.get_running_loop()
        self._heard_s = self._loop.time()
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._told_to_go_on = self._full = self._ended = False
        self._following: Events | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._look_after()

    def _look_after(self) -> None:
        """Close the connection when it says nothing for too long."""
        until_s = self._heard_s + IDLE_S
        if self._loop.time() < until_s or self._task is not None:
            self._idle = self._loop.call_at(max(until_s, self._loop.time() + 1), self._look_after)
        else:
            self._transport.abort()  # what it has not read by now it will not read

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it; what it asked for is still done."""
        self._connections.discard(self)
        self._idle.cancel()
        if self._following is not None:
            self._following.discard(self._tell)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer if it is all of a request."""
        if self._following is not None:
            return
        self._received += data
        self._heard_s = self._loop.time()
        if self._task is None:
            self._next()
        elif len(self._received) > messages.MOST_BODY_BYTES:  # it does not wait for replies
            self._transport.abort()

    def eof_received(self) -> bool:
        """Take that nothing more is asked; what was is answered first."""
        self._ended = True
        return self._task is not None

    def pause_writing(self) -> None:
        """Answer no more as long as the replies are not read."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._transport.resume_reading()
        self._next()

    def _next(self) -> None:
        """Answer what is there of whole requests, one after the other."""
        while self._task is None and self._received and not (self._full or self._transport.is_closing()):
            try:
                message = messages.read(self._received)
            except BadRequestError as error:
                self._send(error.reply, None)
                return
            if not isinstance(message, Message):
                self._await_rest(message)
                return
            self._told_to_go_on = False
            del self._received[: message.length]
            reply = self._answer(message)
            if isinstance(reply, Reply):
                self._send(reply, message)
            elif isinstance(reply, Following):
                self._follow(reply.events)
                return
            else:
                self._task = self._loop.create_task(self._later(reply, message))

    def _await_rest(self, message: Incomplete) -> None:
        if message.waits and not self._told_to_go_on:
            self._told_to_go_on = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _later(self, reply: Awaitable[Reply], request: Message) -> None:
        try:
            self._send(await reply, request)
        except Exception as error:  # noqa: BLE001 - the loop's handler tells it; the client must not wait for ever
            self._loop.call_exception_handler({"message": "a request failed", "exception": error})
            self._transport.abort()
        self._task = None
        self._next()
        if self._ended and self._task is None:
            self.close()

    def _follow(self, events: Events) -> None:
        """Send events as they happen, until the client goes."""
        self._following = events
        self._idle.cancel()
        events.add(self._tell)
        self._transport.write(_EVENTS)

    def _tell(self, line: bytes) -> None:
        if self._transport.get_write_buffer_size() < MOST_UNREAD_BYTES:
            self._transport.write(b"%x\r\n%b\r\n" % (len(line), line))

    def _send(self, reply: Reply, request: Message | None) -> None:
        """Answer *request*, or None where what came was no request."""
        if self._transport.is_closing():
            return
        keep = request is not None and request.keep
        body = b"" if request is not None and request.method == "HEAD" else reply.body
        self._transport.write(_head(reply, keep=keep) + body)
        if not keep:
            self._transport.close()


def _head(reply: Reply, *, keep: bool) -> bytes:
    lines = [_FIRST[reply.status]]
    if reply.kind is not None:
        lines.append(f"Content-Type: {reply.kind}")
    lines += [*reply.headers, _date(int(time.time()))]
    if reply.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(reply.body)}")
    if not keep:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
_FIRST = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}


@lru_cache(maxsize=1)
def _date(now_s: int) -> str:
    return f"Date: {formatdate(now_s, usegmt=True)}"
