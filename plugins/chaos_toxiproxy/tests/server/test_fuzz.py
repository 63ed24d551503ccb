"""
Everything at once: random calls of the API, right and wrong, and random traffic.

``CHAOS_TOXIPROXY_FUZZ_S=60 CHAOS_TOXIPROXY_FUZZ_MB=1024`` make it long.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import psutil
import pytest

from chaos_toxiproxy.server import start
from tests.services.peers import Echo
from tests.services.proxied import Api, Upstream, receive

SECONDS = float(os.environ.get("CHAOS_TOXIPROXY_FUZZ_S", "6"))
MEGABYTES = int(os.environ.get("CHAOS_TOXIPROXY_FUZZ_MB", "64"))
SEEDS = [int(seed) for seed in os.environ.get("CHAOS_TOXIPROXY_FUZZ_SEEDS", "1").split(",")]
MOST_RSS_BYTES = 700 << 20

TYPES = (
    "bandwidth", "corrupt", "duplicate", "http_abort", "http_body", "http_delay", "http_headers", "http_status",
    "latency", "limit_data", "loss", "noop", "reorder", "reset_peer", "slicer", "slow_close", "timeout", "nonsense",
)  # fmt: skip
ATTRIBUTES = (
    "rate", "probability", "delay", "status", "body", "headers", "method", "path", "latency", "jitter", "bytes",
    "timeout", "average_size", "size_variation", "shared", "nonsense",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    0,
    1,
    2,
    5,
    20,
    300,
    5000,
    70_000,
    -1,
    0.5,
    1.5,
    True,
    None,
    "",
    "x",
    "*",
    [],
    {},
    {"X": "y"},
    2**70,
)


class Caller:
    """Makes random calls."""

    def __init__(self, api: Api, seed: int, upstream: str) -> None:
        self._api, self._random, self._upstream = api, random.Random(seed), upstream

    def __call__(self) -> None:
        method, path, body = self._random.choice((self._toxic, self._toxic, self._toxic, self._proxy, self._other))()
        reply = self._api(method, path, body)
        assert reply.status in (200, 201, 204, 301, 400, 404, 405, 409, 500), (method, path, body, reply)
        assert reply.status != 500 or b"listen" in reply.body or b"address" in reply.body or b"lookup" in reply.body

    def _name(self) -> str:
        return f"p{self._random.randrange(4)}"

    def _toxic(self) -> tuple[str, str, Any]:
        pick = self._random
        names = pick.sample(ATTRIBUTES, pick.randrange(5))
        toxic = {
            "type": pick.choice(TYPES),
            "name": f"t{pick.randrange(4)}",
            "stream": pick.choice(("upstream", "downstream", "Upstream", "sideways")),
            "toxicity": pick.choice((1, 1, 1, 0.5, 0, 7)),
            "attributes": {name: pick.choice(VALUES) for name in names},
        }
        method = pick.choice(("POST", "POST", "PATCH", "DELETE", "GET"))
        path = f"/proxies/{self._name()}/toxics"
        return (method, path, toxic) if method == "POST" else (method, f"{path}/t{pick.randrange(4)}", toxic)

    def _proxy(self) -> tuple[str, str, Any]:
        pick, name = self._random, self._name()
        plan = {
            "name": name,
            "listen": pick.choice(("127.0.0.1:0", "localhost:0", "bad", "127.0.0.1:1:1")),
            "upstream": pick.choice((self._upstream, self._upstream, "127.0.0.1:1", "nowhere")),
            "enabled": pick.random() < 0.9,
        }
        return pick.choice(
            (
                ("POST", "/proxies", plan),
                ("PATCH", f"/proxies/{name}", plan),
                ("PATCH", f"/proxies/{name}", {"enabled": True}),
                ("DELETE", f"/proxies/{name}", None),
                ("POST", "/populate", [plan, {**plan, "name": "p0"}]),
            )
        )

    def _other(self) -> tuple[str, str, Any]:
        noise = self._random.randbytes(self._random.randrange(50))
        return self._random.choice(
            (
                ("POST", "/reset", None),
                ("GET", "/proxies", None),
                ("GET", "/metrics", None),
                ("GET", f"/proxies/{self._name()}/connections", None),
                ("POST", "/proxies", noise),
                ("POST", "/populate", noise),
                ("PATCH", f"/proxies/{self._name()}/toxics/t0", noise),
                ("PUT", f"/{self._name()}", noise),
            )
        )


class Talker:
    """Opens connections, says something or nothing, and goes in some way or other."""

    def __init__(self, api: Api, seed: int) -> None:
        self._api, self._random = api, random.Random(seed)

    def __call__(self) -> None:
        proxies = [each for name, each in self._api("GET", "/proxies").json.items() if name != "untouched"]
        if not proxies:
            return
        host, _, port = self._random.choice(proxies)["listen"].rpartition(":")
        with suppress(OSError, ValueError), ExitStack() as stack:
            for _ in range(self._random.randrange(1, 8)):
                sock = stack.enter_context(socket.create_connection((host, int(port)), 1))
                sock.settimeout(0.05)
                with suppress(OSError):
                    sock.sendall(self._words())
                    if self._random.random() < 0.3:
                        sock.shutdown(socket.SHUT_WR)
                    receive(sock, self._random.randrange(100_000))
                if self._random.random() < 0.3:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    def _words(self) -> bytes:
        size = self._random.choice((0, 1, 100, 5000, 300_000))
        return self._random.choice((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\n")) + bytes(size)


def carry(address: tuple[str, int], upstream: Upstream, megabytes: int) -> tuple[str, str]:
    """Send so much over several connections to the untouched proxy, and return the hash at both ends."""
    block = random.Random(1).randbytes(1 << 20)
    sent, received = hashlib.blake2b(), hashlib.blake2b()
    for _ in range(4):
        client, server = upstream.pair(address)

        def send(client: socket.socket = client) -> None:
            for number in range(megabytes // 4):
                piece = block[number % 1000 :] + number.to_bytes(4, "big")
                sent.update(piece)
                client.sendall(piece)
            client.close()

        thread = threading.Thread(target=send)
        thread.start()
        while some := server.recv(1 << 18):
            received.update(some)
        thread.join()
    return sent.hexdigest(), received.hexdigest()


def again_and_again(act: Callable[[], None], until: float, failures: list[BaseException]) -> None:
    try:
        while time.monotonic() < until and not failures:
            act()
    except BaseException as error:  # noqa: BLE001 - the test raises it
        failures.append(error)


@pytest.fixture
def alone(capfd: pytest.CaptureFixture[str]) -> Iterator[Api]:
    """A server of the test's own, which writes its complaints to where the test can read them."""
    with start() as server:
        yield Api(int(server.url.rpartition(":")[2]), server.pid)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_everything_at_once(alone: Api, upstream: Upstream, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing ends or surprises the server, its memory is bounded, and untouched data arrives bit by bit."""
    failures: list[BaseException] = []
    until = time.monotonic() + SECONDS
    address = alone.proxy(upstream.port, "untouched")
    with closing(Echo()) as echo:
        acts: list[Callable[[], None]] = [Caller(alone, seed + n, echo.address) for n in range(3)]
        acts += [Talker(alone, seed + 100 + n) for n in range(3)]
        threads = [threading.Thread(target=again_and_again, args=(act, until, failures)) for act in acts]
        for thread in threads:
            thread.start()
        hashes = carry(address, upstream, MEGABYTES)
        for thread in threads:
            thread.join()
        assert failures == []
        assert hashes[0] == hashes[1]
        process = psutil.Process(alone.pid)
        assert process.memory_info().rss < MOST_RSS_BYTES
        alone.clear()
        assert alone("GET", "/proxies").json == {}
    assert not [each for each in process.net_connections() if each.status == "LISTEN" and each.laddr.port != alone.port]
    assert capfd.readouterr().err == ""
