"""What toxics do to data: everything here holds for Toxiproxy and for the embedded server."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.services.proxied import (
    Api,
    Upstream,
    collecting,
    how_it_ends,
    how_it_ends_saying,
    receive,
    sending,
    silent,
    to_the_end,
)


@contextmanager
def at_least(seconds: float) -> Iterator[None]:
    """See that the block takes so long; how much longer depends on what else the machine does."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began >= seconds


@pytest.fixture(params=["upstream", "downstream"])
def stream(request: pytest.FixtureRequest) -> str:
    """Each direction."""
    return str(request.param)


class Ends:
    """A connection, seen from the direction that a toxic works on."""

    def __init__(self, api: Api, upstream: Upstream, stream: str) -> None:
        self.address = api.proxy(upstream.port)
        self._upstream, self._stream = upstream, stream
        self.connect()

    def connect(self) -> None:
        """Make another connection."""
        client, server = self._upstream.pair(self.address)
        self.source, self.sink = (client, server) if self._stream == "upstream" else (server, client)


@pytest.fixture
def ends(api: Api, upstream: Upstream, stream: str) -> Ends:
    """A live connection; toxics are added to it."""
    return Ends(api, upstream, stream)


def test_latency(api: Api, ends: Ends, stream: str) -> None:
    """Data is late by the latency, in its direction alone, and the latencies of two toxics add up."""
    api.toxic("latency", stream, latency=150)
    with at_least(0.15):
        ends.source.sendall(b"hello")
        assert ends.sink.recv(10) == b"hello"
    assert api("POST", "/proxies/p/toxics", {"type": "latency", "name": "more", "stream": stream}).status == 200
    assert api("PATCH", "/proxies/p/toxics/more", {"attributes": {"latency": 100}}).status == 200
    with at_least(0.25):
        ends.source.sendall(b"hello")
        assert ends.sink.recv(10) == b"hello"
    ends.sink.sendall(b"back")
    assert ends.source.recv(10) == b"back"


def test_latency_keeps_the_order(api: Api, ends: Ends, stream: str) -> None:
    """Jitter never lets data overtake data, and nothing is lost."""
    api.toxic("latency", stream, latency=20, jitter=20)
    sent = bytearray()
    for number in range(100):
        piece = b"%d," % number
        sent += piece
        ends.source.sendall(piece)
        time.sleep(0.001)
    ends.source.shutdown(socket.SHUT_WR)
    assert to_the_end(ends.sink) == sent


@pytest.mark.parametrize("how", ["DELETE", "PATCH", "reset"])
def test_latency_that_goes_lets_waiting_data_go(api: Api, ends: Ends, stream: str, how: str) -> None:
    """Data that waits comes at once, and in its order, when the toxic is removed or changed."""
    name = api.toxic("latency", stream, latency=600_000)
    ends.source.sendall(b"waiting ")
    assert silent(ends.sink)
    if how == "DELETE":
        api.remove(name)
    elif how == "PATCH":
        api("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"latency": 0}})
    else:
        assert api("POST", "/reset").status == 204
    ends.source.sendall(b"and after")
    assert receive(ends.sink, 17) == b"waiting and after"


def test_bandwidth(api: Api, ends: Ends, stream: str) -> None:
    """Data takes the time that the rate gives it, a thousand bytes to the kilobyte."""
    api.toxic("bandwidth", stream, rate=100)
    with at_least(0.29):
        ends.source.sendall(bytes(30_000))
        assert len(receive(ends.sink, 30_000)) == 30_000
    ends.sink.sendall(bytes(500_000))
    assert len(receive(ends.source, 500_000)) == 500_000


def test_no_bandwidth(api: Api, ends: Ends, stream: str) -> None:
    """A rate of 0 lets nothing pass, and what waits comes when it is raised or the toxic removed."""
    name = api.toxic("bandwidth", stream, rate=0)
    ends.source.sendall(b"hello")
    assert silent(ends.sink)
    api.remove(name)
    assert ends.sink.recv(10) == b"hello"


def test_slow_close(api: Api, ends: Ends, stream: str) -> None:
    """The end comes late, and data before it does not."""
    api.toxic("slow_close", stream, delay=300)
    ends.source.sendall(b"hello")
    assert ends.sink.recv(10) == b"hello"
    with at_least(0.3):
        ends.source.close()
        assert ends.sink.recv(10) == b""


def test_timeout(api: Api, ends: Ends, stream: str) -> None:
    """In the end the connection is closed, and nothing came before."""
    api.toxic("timeout", stream, timeout=400)
    ends.source.sendall(b"lost")
    assert ends.sink.recv(10) == b""


def test_timeout_0(api: Api, ends: Ends, stream: str) -> None:
    """Without a time nothing passes in its direction and nothing is closed, until the toxic is removed."""
    name = api.toxic("timeout", stream, timeout=0)
    ends.source.sendall(b"lost")
    assert silent(ends.sink)
    ends.sink.sendall(b"back")
    assert ends.source.recv(10) == b"back"
    api.remove(name)
    assert (how_it_ends(ends.sink), how_it_ends(ends.source)) == ("fin", "fin")


@pytest.mark.parametrize("timeout", [0, 200])
def test_reset_peer(api: Api, upstream: Upstream, stream: str, timeout: int) -> None:
    """A new connection that carries data is reset, on both sides."""
    address = api.proxy(upstream.port)
    api.toxic("reset_peer", stream, timeout=timeout)
    with at_least(timeout / 1000):
        client, server = upstream.pair(address)
        source, sink = (client, server) if stream == "upstream" else (server, client)
        assert (how_it_ends_saying(source, b"hello"), how_it_ends(sink)) == ("rst", "rst")


def test_slicer(api: Api, ends: Ends, stream: str) -> None:
    """Data comes in slices near the average, one after each delay, and all the rest when the toxic goes."""
    name = api.toxic("slicer", stream, average_size=64, size_variation=32, delay=600_000_000)
    data = bytes(range(256)) * 8
    ends.source.sendall(data)
    first = ends.sink.recv(4096)
    assert 0 < len(first) <= 96
    assert silent(ends.sink)
    api.remove(name)
    assert first + receive(ends.sink, len(data) - len(first)) == data


def test_sizes_of_slices(api: Api, ends: Ends, stream: str) -> None:
    """Without variation data is halved until it is no larger than the average."""
    api.toxic("slicer", stream, average_size=100, size_variation=0, delay=600_000_000)
    ends.source.sendall(bytes(1000))
    assert len(ends.sink.recv(4096)) == 62
    assert silent(ends.sink)


def test_slicer_takes_its_time(api: Api, ends: Ends, stream: str) -> None:
    """There is a delay after each slice, in microseconds."""
    api.toxic("slicer", stream, average_size=10, size_variation=0, delay=10_000)
    with at_least(0.1):
        ends.source.sendall(bytes(160))
        assert len(receive(ends.sink, 160)) == 160


def test_limit_data(api: Api, ends: Ends, stream: str) -> None:
    """Exactly so many bytes pass, and then the connection is closed; each connection has its own count."""
    api.toxic("limit_data", stream, bytes=100)
    for _ in range(2):
        ends.source.sendall(bytes(60))
        assert len(receive(ends.sink, 60)) == 60
        ends.source.sendall(bytes(60))
        assert len(to_the_end(ends.sink)) == 40
        ends.connect()


def test_limit_data_that_is_raised(api: Api, ends: Ends, stream: str) -> None:
    """What has passed counts when the limit is raised."""
    name = api.toxic("limit_data", stream, bytes=100)
    ends.source.sendall(bytes(60))
    assert len(receive(ends.sink, 60)) == 60
    api("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"bytes": 200}})
    ends.source.sendall(bytes(300))
    assert len(to_the_end(ends.sink)) == 140


def test_limit_data_at_the_limit(api: Api, ends: Ends, stream: str) -> None:
    """The last byte that may pass closes the connection; at a limit of 0 the first one does, and is lost."""
    name = api.toxic("limit_data", stream, bytes=5)
    ends.source.sendall(b"hello")
    assert to_the_end(ends.sink) == b"hello"
    api("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"bytes": 0}})
    ends.connect()
    ends.source.sendall(b"h")
    assert to_the_end(ends.sink) == b""


def test_noop(api: Api, ends: Ends, stream: str) -> None:
    """A noop changes nothing."""
    api.toxic("noop", stream)
    ends.source.sendall(b"hello")
    ends.source.shutdown(socket.SHUT_WR)
    assert to_the_end(ends.sink) == b"hello"


def test_a_toxic_of_the_other_direction(api: Api, ends: Ends, stream: str) -> None:
    """A toxic leaves the other direction alone."""
    other = {"upstream": "downstream", "downstream": "upstream"}[stream]
    api.toxic("bandwidth", other, rate=0)
    ends.source.sendall(b"hello")
    assert ends.sink.recv(10) == b"hello"


@pytest.mark.parametrize("kind", ["latency", "bandwidth", "slicer", "noop"])
def test_the_end_follows_the_data(api: Api, ends: Ends, stream: str, kind: str) -> None:
    """An end that comes right behind data arrives behind it, whatever the toxic does."""
    attributes: dict[str, Any] = {
        "latency": {"latency": 50},
        "bandwidth": {"rate": 1000},
        "slicer": {"average_size": 1000, "size_variation": 10, "delay": 50},
        "noop": {},
    }[kind]
    api.toxic(kind, stream, 1, **attributes)
    ends.source.sendall(bytes(100_000))
    ends.source.shutdown(socket.SHUT_WR)
    assert to_the_end(ends.sink) == bytes(100_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["latency", "slicer", "noop"])
def test_toxics_come_and_go_under_traffic(api: Api, ends: Ends, stream: str, kind: str) -> None:
    """While data flows, toxics are added, changed and removed: not a byte is lost or changes its place."""
    data = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    some: dict[str, Any] = {"latency": {"latency": 3}, "slicer": {"average_size": 5000, "delay": 10}}
    with sending(ends.source, data), collecting(ends.sink, len(data)) as collected:
        for _ in range(15):
            name = api.toxic(kind, stream, **some.get(kind, {}))
            api("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": 1})
            api.remove(name)
    assert b"".join(collected) == data
