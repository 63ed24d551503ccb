"""Connections through a proxy: everything here holds for Toxiproxy and for the embedded server."""

from __future__ import annotations

import hashlib
import os

import pytest

from tests.services import child
from tests.services.proxied import Api, Upstream, collecting, how_it_ends, receive, sending, to_the_end


def test_data_arrives(api: Api, upstream: Upstream) -> None:
    """What is sent in both directions at once arrives, whole and in order."""
    client, server = upstream.pair(api.proxy(upstream.port))
    there, back = os.urandom(3_000_000), os.urandom(3_000_000)
    with (
        sending(client, there),
        sending(server, back),
        collecting(server, len(there)) as arrived,
        collecting(client, len(back)) as returned,
    ):
        pass
    assert (b"".join(arrived), b"".join(returned)) == (there, back)


def test_a_slow_reader(api: Api, upstream: Upstream) -> None:
    """A reader that stalls stops the sender, and gets everything in the end."""
    client, server = upstream.pair(api.proxy(upstream.port))
    data = os.urandom(1 << 20)
    client.setblocking(False)
    sent = 0
    for _ in range(10_000):
        try:
            sent += client.send(data)
        except BlockingIOError:
            break
    else:
        pytest.fail("it never stopped")
    with collecting(server, sent) as collected:
        pass
    expected = (data * (sent // len(data) + 1))[:sent]
    assert len(collected[0]) == sent
    assert sent % len(data) or collected[0] == expected


def test_a_close_is_passed_on(api: Api, upstream: Upstream) -> None:
    """When one side closes, the other one sees the end behind the data."""
    address = api.proxy(upstream.port)
    for closing in (0, 1):
        ends = upstream.pair(address)
        ends[closing].sendall(b"last words")
        ends[closing].close()
        assert to_the_end(ends[1 - closing]) == b"last words"


def test_an_upstream_that_refuses(api: Api, upstream: Upstream) -> None:
    """A client of an upstream that refuses is accepted, and sees the end."""
    client = upstream.connect(api.proxy(child.free_port()))
    assert client.recv(1) == b""


@pytest.mark.parametrize("where", ["nowhere", "127.0.0.1", "nobody.invalid:80", "127.0.0.1:http"])
def test_an_upstream_that_cannot_be(api: Api, upstream: Upstream, where: str) -> None:
    """An upstream is not looked at before somebody connects, and then the client sees the end."""
    client = upstream.connect(api.proxy(where))
    assert client.recv(1) == b""


def test_an_upstream_by_name(api: Api, upstream: Upstream) -> None:
    """An upstream may be a name."""
    client, server = upstream.pair(api.proxy(f"localhost:{upstream.port}"))
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"


def test_disabling(api: Api, upstream: Upstream) -> None:
    """Disabling a proxy ends all its connections, and those of others live on."""
    pairs = [upstream.pair(api.proxy(upstream.port, name)) for name in ("p", "other")]
    assert api("PATCH", "/proxies/p", {"enabled": False}).status == 200
    assert [how_it_ends(sock) for sock in pairs[0]] == ["fin", "fin"]
    pairs[1][0].sendall(b"hello")
    assert pairs[1][1].recv(10) == b"hello"


def test_toxics_of_new_connections(api: Api, upstream: Upstream) -> None:
    """A toxic strikes connections that come later as well as those that are there."""
    address = api.proxy(upstream.port)
    old = upstream.pair(address)
    api.toxic("limit_data", "upstream", bytes=3)
    new = upstream.pair(address)
    for client, server in (old, new):
        client.sendall(b"hello")
        assert to_the_end(server) == b"hel"


def test_toxicity_0(api: Api, upstream: Upstream) -> None:
    """A toxic of toxicity 0 strikes nobody, and one of 1 everybody."""
    address = api.proxy(upstream.port)
    api.toxic("timeout", "upstream", toxicity=0, timeout=1)
    client, server = upstream.pair(address)
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"
    api("PATCH", "/proxies/p/toxics/timeout_upstream", {"toxicity": 1})
    assert to_the_end(upstream.pair(address)[1]) == b""


def test_some_toxicity(api: Api, upstream: Upstream) -> None:
    """A toxicity between strikes some connections and leaves others alone."""
    address = api.proxy(upstream.port)
    api.toxic("limit_data", "upstream", toxicity=0.5, bytes=1)
    arrived = []
    for _ in range(60):
        client, server = upstream.pair(address)
        client.sendall(b"ab")
        arrived.append(receive(server, 2))
    assert set(arrived) == {b"a", b"ab"}


def test_many_connections(api: Api, upstream: Upstream) -> None:
    """Two hundred connections at once carry what belongs to them."""
    address = api.proxy(upstream.port)
    pairs = [upstream.pair(address) for _ in range(200)]
    for number, (client, _) in enumerate(pairs):
        client.sendall(hashlib.sha256(b"%d" % number).digest())
    for number, (_, server) in enumerate(pairs):
        assert receive(server, 32) == hashlib.sha256(b"%d" % number).digest()
