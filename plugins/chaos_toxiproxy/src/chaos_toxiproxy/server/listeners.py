"""Accepting connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from chaos_toxiproxy.server.addresses import Address, bound

_AT_ONCE = 16
"""How many connections are accepted before others have their turn."""

_PAUSE_S = 0.1
"""How long nothing is accepted where there are no more sockets."""


class TcpListener:
    """
    Accepts connections at *address* and hands them to *serve*, until it is closed.

    Raises:
        ApiError: The port is taken, or the address not ours.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, address: Address, serve: Callable[[socket.socket], None]
    ) -> None:
        self._loop, self._serve = loop, serve
        self._socket: socket.socket | None = bound(address, socket.SOCK_STREAM)
        self.address = Address.of(self._socket.getsockname())
        loop.add_reader(self._socket.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._socket is None:
                return
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._pause(self._socket)
                return
            client.setblocking(False)
            self._serve(client)

    def _pause(self, listener: socket.socket) -> None:
        self._loop.remove_reader(listener.fileno())
        self._loop.call_later(_PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        if self._socket is not None:
            self._loop.add_reader(self._socket.fileno(), self._accept)
