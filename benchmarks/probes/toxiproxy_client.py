"""What the client costs: a toxic added and removed, beside a bare keep-alive client that sends the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.client import HTTPConnection
from time import perf_counter

from benchmarks.probes.timing import tell
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.servers import running

ATTRIBUTES = {"latency": 100, "jitter": 10}
ROUNDS = 15


def probe(calls: int, server: str) -> dict[str, float]:
    """Let both take turns, so that a busy moment strikes both; the least round of each counts."""
    with running(server) as found:
        found.client.create("bench", "127.0.0.1:9")
        bare = HTTPConnection(found.client.host, found.client.port)
        contenders = {"ours": _ours(found.client), "bare": _bare(bare)}
        least = dict.fromkeys(contenders, float("inf"))
        for _ in range(ROUNDS):
            for name, once in contenders.items():
                least[name] = min(least[name], _timed(once, calls // ROUNDS))
        bare.close()
    return least


def _timed(once: Callable[[], object], calls: int) -> float:
    began = perf_counter()
    for _ in range(calls):
        once()
    return (perf_counter() - began) / calls


def _ours(client: Client) -> Callable[[], object]:
    def once() -> None:
        client.add_toxic("bench", "latency", ATTRIBUTES, name="t")
        client.remove_toxic("bench", "t")

    return once


def _bare(connection: HTTPConnection) -> Callable[[], object]:
    wanted = {"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": ATTRIBUTES, "name": "t"}
    headers = {"Content-Type": "application/json"}

    def once() -> None:
        connection.request("POST", "/proxies/bench/toxics", json.dumps(wanted), headers)
        json.loads(connection.getresponse().read())
        connection.request("DELETE", "/proxies/bench/toxics/t", None, headers)
        connection.getresponse().read()

    return once


if __name__ == "__main__":
    tell(probe)
