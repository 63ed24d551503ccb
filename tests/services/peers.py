"""Peers of a connection, as threads of this process: one that echoes, one that misbehaves, one that asks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

PATIENCE_S = 20.0

Script = Callable[[bytes], bytes | None]
"""Returns the answer to a request; None: none ever comes. An empty one ends the connection."""


def wait_until(holds: Callable[[], bool]) -> bool:
    """Wait for something that comes in its own time."""
    until = time.monotonic() + PATIENCE_S
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.005)
    return held


class Echo:
    """A TCP server that sends back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)


class Scripted:
    """
    A server of one script, for as many connections as come.

    Attributes:
        requests: What was asked, as method and path.
        connections: How many connections there were.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[str] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError), connection.makefile("rb") as incoming:
            while line := incoming.readline():
                length = 0
                while (header := incoming.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                incoming.read(length)
                self.requests.append(" ".join(line.decode().split()[:2]))
                answer = self._script(line)
                if answer == b"":
                    return
                if answer is not None:
                    connection.sendall(answer)


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return an HTTP answer."""
    head = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Caller:
    """A target that has a connection to a proxy named db, and asks through it."""

    def __init__(self, *, anew: bool = False) -> None:
        self.anew = anew
        self.answers: list[bytes] = []
        self.connection: socket.socket | None = None
        self.proxy: Any = None
        self._turn = threading.Lock()

    def setup(self, proxies: Mapping[str, Any]) -> None:
        self.proxy = proxies["db"]
        if not self.anew:
            self.connection = self.connect()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.proxy.host, self.proxy.port), PATIENCE_S)

    def teardown(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def ask(self, text: bytes = b"hello") -> bytes:
        """Send *text* and return what comes back, which is less where the connection ends."""
        if self.connection is not None:
            with self._turn:  # workers share it
                return exchange(self.connection, text)
        with self.connect() as connection:
            return exchange(connection, text)


def exchange(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    answer = b""
    while len(answer) < len(text) and (more := connection.recv(65536)):
        answer += more
    return answer
