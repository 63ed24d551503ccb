"""
What proxies are measured with: programs that accept connections, and clients for them.

``python -m benchmarks.probes.peers MODE`` prints its port and serves until its standard input ends. MODE is ``echo``,
or ``sink``, which reads each connection until its end, and then prints how much that was and how long it took.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

BUFFER = bytearray(256 * 1024)
VIEW = memoryview(BUFFER)


def serve(mode: str) -> None:
    """Serve connections in one thread until standard input ends."""
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    counts: dict[socket.socket, list[float]] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            if key.fileobj is listener:
                accepted = listener.accept()[0]
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                counts[accepted] = [0, 0.0]
                selector.register(accepted, selectors.EVENT_READ)
                continue
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                size = sock.recv_into(BUFFER)
                if mode == "echo":
                    sock.sendall(VIEW[:size])
                elif size:
                    count = counts[sock]
                    count[1] = count[1] or time.perf_counter()
                    count[0] += size
                else:
                    total, began = counts[sock]
                    sys.stdout.write(f"{total} {time.perf_counter() - began}\n")
                    sys.stdout.flush()
            except ConnectionError:
                size = 0
            if not size:
                selector.unregister(sock)
                counts.pop(sock)
                sock.close()


@contextmanager
def peer(mode: str) -> Iterator[tuple[int, IO[bytes]]]:
    """Run one of these programs, and yield its port and what it prints."""
    command = [sys.executable, "-m", "benchmarks.probes.peers", mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.stdout
        process.stdin.close()


def connect(port: int) -> socket.socket:
    """Return a connection that sends at once."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


if __name__ == "__main__":
    serve(sys.argv[1])
