"""The API's connections: requests in, replies out, one after the other on connections that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus

from chaos_toxiproxy.server import messages
from chaos_toxiproxy.server.answers import Reply
from chaos_toxiproxy.server.messages import BadRequestError, Message

IDLE_S = 60.0
"""How long a connection may say nothing."""

Answer = Callable[[Message], Awaitable[Reply]]


class Web(asyncio.Protocol):
    """One connection to the API; it is in *connections* as long as it lives."""

    def __init__(self, answer: Answer, connections: set[Web]) -> None:
        self._answer, self._connections = answer, connections
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._told_to_go_on = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._idle = self._loop.call_later(IDLE_S, self.close)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it; what it asked for is still done."""
        self._connections.discard(self)
        self._idle.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer if it is all of a request."""
        self._received += data
        if self._task is None:
            self._next()
        elif len(self._received) > messages.MOST_BODY_BYTES:  # it does not wait for replies
            self._transport.abort()

    def _next(self) -> None:
        try:
            message = messages.read(self._received)
        except BadRequestError as error:
            self._send(error.reply, keep=False)
            return
        if isinstance(message, Message):
            self._told_to_go_on = False
            del self._received[: message.length]
            self._task = self._loop.create_task(self._serve(message))
        elif message.waits and not self._told_to_go_on:
            self._told_to_go_on = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _serve(self, message: Message) -> None:
        reply = await self._answer(message)
        self._task = None
        if not self._transport.is_closing():
            self._send(reply, keep=message.keep)
        if self._received and not self._transport.is_closing():
            self._next()

    def _send(self, reply: Reply, *, keep: bool) -> None:
        self._idle.cancel()
        self._transport.write(_head(reply, keep=keep) + reply.body)
        if keep:
            self._idle = self._loop.call_later(IDLE_S, self.close)
        else:
            self._transport.close()


def _head(reply: Reply, *, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    if reply.kind is not None:
        lines.append(f"Content-Type: {reply.kind}")
    lines += [*reply.headers, f"Date: {formatdate(usegmt=True)}"]
    if reply.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(reply.body)}")
    if not keep:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
