"""A TCP proxy that can swallow everything, as a network does that drops all packets."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class BlackHole:
    """
    Forwards connections to a port of 127.0.0.1 until it is told to swallow; no connection is closed by that.

    While it swallows, the kernel goes on taking what is sent, and nothing ever comes back.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._swallowing, self._fed, self._ending = threading.Event(), threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._forward, name="black hole")
        self._pairs: dict[socket.socket, socket.socket] = {}

    def swallow(self) -> None:
        self._swallowing.set()

    def wait_for_prey(self) -> None:
        """Wait until it has swallowed something."""
        assert self._fed.wait(60)

    def heal(self) -> None:
        """Forward again; connections that lost something on the way are ended."""
        self._swallowing.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        for each in [self._listener, *self._pairs]:
            each.close()

    def _forward(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._ending.is_set():
                for key, _ in selector.select(0.01):
                    there = key.fileobj
                    assert isinstance(there, socket.socket)
                    if there is self._listener:
                        self._accept(selector)
                    elif there in self._pairs:
                        self._pass_on(selector, there)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._upstream))
        for one, other in ((client, server), (server, client)):
            self._pairs[one] = other
            selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, selector: selectors.BaseSelector, there: socket.socket) -> None:
        with suppress(OSError):
            if data := there.recv(65536):
                if not self._swallowing.is_set():
                    self._pairs[there].sendall(data)
                else:
                    self._fed.set()
                return
        for each in (there, self._pairs[there]):
            selector.unregister(each)
            del self._pairs[each]
            each.close()
