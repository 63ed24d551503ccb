"""Both ends of a proxied connection, and the API of the proxy, in the hands of a test."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

import attrs

from tests.services import child

PATIENCE_S = 20.0


@attrs.frozen
class Answer:
    """What an API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status, and what the body says."""
        assert self.json["status"] == self.status
        return self.status, self.json["error"]


class Api:
    """The API at *port*, raw: what it answers is seen as it is."""

    def __init__(self, port: int, pid: int = 0, token: str | None = None) -> None:
        self.port, self.pid, self._token = port, pid, token

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if self._token is not None:
                given = {"Authorization": f"Bearer {self._token}", **given}
            connection.request(method, path, content, given)
            reply = connection.getresponse()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def clear(self) -> None:
        """Remove all proxies."""
        for name in self("GET", "/proxies").json:
            assert self("DELETE", f"/proxies/{quote(name, safe='')}").status == 204

    def proxy(self, upstream: int | str, name: str = "p", **extra: object) -> tuple[str, int]:
        """Create a proxy of *upstream*, a port or an address, and return where it listens."""
        address = f"127.0.0.1:{upstream}" if isinstance(upstream, int) else upstream
        plan = {"name": name, "listen": "127.0.0.1:0", "upstream": address, **extra}
        made = self("POST", "/proxies", plan)
        assert made.status == 201, made
        host, _, port = made.json["listen"].rpartition(":")
        return host, int(port)

    def toxic(
        self, kind: str, stream: str = "downstream", toxicity: float = 1, proxy: str = "p", **attributes: object
    ) -> str:
        """Add a toxic and return its name."""
        toxic = {"type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        made = self("POST", f"/proxies/{proxy}/toxics", toxic)
        assert made.status == 200, made
        return str(made.json["name"])

    def remove(self, toxic: str, proxy: str = "p") -> None:
        """Remove a toxic."""
        gone = self("DELETE", f"/proxies/{proxy}/toxics/{toxic}")
        assert gone.status == 204, gone


class Upstream:
    """A listening socket, whose connections the test accepts one by one."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.settimeout(PATIENCE_S)
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []

    def accept(self) -> socket.socket:
        sock, _ = self._listener.accept()
        return self.mine(sock)

    def mine(self, sock: socket.socket) -> socket.socket:
        """Close *sock* at the end of the test."""
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets.append(sock)
        return sock

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """Return a client of the proxy at *address*."""
        return self.mine(socket.create_connection(address, PATIENCE_S))

    def pair(self, address: tuple[str, int]) -> tuple[socket.socket, socket.socket]:
        """Return both ends of a connection through the proxy at *address*."""
        client = self.connect(address)
        return client, self.accept()

    def close(self) -> None:
        for sock in (*self._sockets, self._listener):
            sock.close()


def receive(sock: socket.socket, size: int) -> bytes:
    """Return *size* bytes, or what comes before the end."""
    received = bytearray()
    while len(received) < size and (some := sock.recv(min(1 << 18, size - len(received)))):
        received += some
    return bytes(received)


def to_the_end(sock: socket.socket) -> bytes:
    """Return all that comes before the end."""
    return receive(sock, 1 << 40)


@contextmanager
def sending(sock: socket.socket, data: bytes) -> Iterator[None]:
    """Send *data* in a thread during the block, whose end waits for that."""
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(sock.sendall, data)
        yield
        sent.result()


@contextmanager
def collecting(sock: socket.socket, size: int) -> Iterator[list[bytes]]:
    """Receive *size* bytes in a thread during the block, whose end waits for them."""
    collected: list[bytes] = []
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(receive, sock, size)
        yield collected
        collected.append(received.result())


def how_it_ends(sock: socket.socket) -> str:
    """Read to the end, and return what that is: ``fin`` or ``rst``."""
    try:
        to_the_end(sock)
    except ConnectionResetError:
        return "rst"
    return "fin"


def how_it_ends_saying(sock: socket.socket, words: bytes) -> str:
    """Say something, and return how it ends; that may be before there is time to."""
    try:
        sock.sendall(words)
    except ConnectionResetError:
        return "rst"
    return how_it_ends(sock)


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Tell whether nothing comes for a while: no data, and no end."""
    sock.settimeout(seconds)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(PATIENCE_S)
    return False


def abort(sock: socket.socket) -> None:
    """Reset a connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()


def toxiproxy_program() -> str | None:
    """Return Toxiproxy's own server on this machine."""
    return os.environ.get("TOXIPROXY_SERVER") or shutil.which("toxiproxy-server")


@contextmanager
def real_toxiproxy(program: str) -> Iterator[Api]:
    """Run Toxiproxy's own server."""
    port = child.free_port()
    environment = {**os.environ, "LOG_LEVEL": "error"}
    command = [program, "-host", "127.0.0.1", "-port", str(port), "-runtime-metrics", "-proxy-metrics"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            api, until = Api(port, process.pid), time.monotonic() + PATIENCE_S
            while time.monotonic() < until:
                with suppress(OSError):
                    api("GET", "/version")
                    break
                time.sleep(0.02)
            yield api
        finally:
            process.send_signal(signal.SIGTERM)
