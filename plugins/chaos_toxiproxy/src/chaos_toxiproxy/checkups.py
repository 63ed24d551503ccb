"""What `chaoscore doctor` tries: a server, a proxy, and a toxic that is felt."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from chaos_toxiproxy.addresses import joined, split
from chaos_toxiproxy.servers import EMBEDDED, running
from chaoscore import Checkup, show_seconds

LATENCY_MS = 50


def embedded() -> str:
    """Send a byte through the embedded server, with latency, and say how long it took."""
    with running(EMBEDDED) as server, socket.create_server(("127.0.0.1", 0)) as upstream:
        proxy = server.client.create("doctor", joined(*upstream.getsockname()))
        server.client.add_toxic("doctor", "latency", {"latency": LATENCY_MS})
        with socket.create_connection(split(proxy["listen"]), 5) as client:
            client.settimeout(5)
            accepted, _ = upstream.accept()
            with accepted:
                began = time.perf_counter()
                accepted.sendall(b"x")
                client.recv(1)
                took_s = time.perf_counter() - began
        if took_s < LATENCY_MS / 1000:
            raise AssertionError(f"a latency of {LATENCY_MS} ms was felt as {show_seconds(took_s)}")
        return f"{server.client.version()}: a latency of {LATENCY_MS} ms was felt as {show_seconds(took_s)}"


CHECKUPS: Mapping[str, Checkup] = {"toxiproxy.embedded": embedded}
