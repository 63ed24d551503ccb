"""Datagrams."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.services.proxied import PATIENCE_S, Api


class Net:
    """A socket for datagrams, as client or server."""

    def __init__(self, stack: ExitStack) -> None:
        self.sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.sock.settimeout(PATIENCE_S)
        self.sock.bind(("127.0.0.1", 0))
        self.port = int(self.sock.getsockname()[1])

    def take(self) -> bytes:
        """Return the next datagram, whose sender can be answered."""
        datagram, self.last = self.sock.recvfrom(65536)
        return datagram

    def all(self) -> list[bytes]:
        """Return all that come until one says that it is the last."""
        return [datagram for datagram in iter(self.take, b"end")]  # noqa: C416 - reads as what it is


@pytest.fixture
def net() -> Iterator[Callable[[], Net]]:
    """Makes sockets."""
    with ExitStack() as stack:
        yield lambda: Net(stack)


@pytest.fixture
def server(net: Callable[[], Net]) -> Net:
    """The other end."""
    return net()


@pytest.fixture
def client(net: Callable[[], Net], ours: Api, server: Net) -> Net:
    """A client of a proxy."""
    client = net()
    client.sock.connect(ours.proxy(server.port, network="udp"))
    return client


def test_there_and_back(ours: Api, client: Net, server: Net) -> None:
    """Datagrams arrive as they are, and so do answers; the proxy says that it carries UDP."""
    assert ours("GET", "/proxies/p").json["network"] == "udp"
    for datagram in (b"hello", b"", b"x" * 60_000):
        client.sock.send(datagram)
        assert server.take() == datagram
        server.sock.sendto(datagram[::-1], server.last)
        assert client.take() == datagram[::-1]


def test_clients_are_told_apart(net: Callable[[], Net], ours: Api, client: Net, server: Net) -> None:
    """Each client gets its own answers."""
    other = net()
    other.sock.connect(client.sock.getpeername())
    senders = {}
    for each, datagram in ((client, b"one"), (other, b"two"), (client, b"one")):
        each.sock.send(datagram)
        assert server.take() == datagram
        senders[datagram] = server.last
    for datagram, sender in senders.items():
        server.sock.sendto(datagram, sender)
    assert (client.take(), other.take()) == (b"one", b"two")
    assert [each["connection"] for each in ours("GET", "/proxies/p/connections").json] == [0, 1]


def send(client: Net, server: Net, count: int) -> list[bytes]:
    """Send so many datagrams and return those that arrive; the last one is sent until it does."""
    for number in range(count):
        client.sock.send(b"%d" % number)
        if number % 50 == 49:  # so that no buffer overflows
            client.sock.send(b"sync")
    server.sock.settimeout(0.2)
    arrived: list[bytes] = []
    while arrived[-1:] != [b"end"]:
        client.sock.send(b"end")
        try:
            arrived.append(server.take())
        except TimeoutError:
            continue
    return [each for each in arrived if each not in (b"end", b"sync")]


def test_loss(ours: Api, client: Net, server: Net) -> None:
    """Some datagrams are lost, and the others arrive in order."""
    ours.toxic("loss", "upstream", probability=0.5)
    arrived = [int(each) for each in send(client, server, 100)]
    assert 20 < len(arrived) < 80
    assert arrived == sorted(set(arrived))


def test_all_is_lost(ours: Api, client: Net, server: Net) -> None:
    """At a probability of 1 nothing arrives until the toxic is removed."""
    name = ours.toxic("loss", "upstream", probability=1)
    client.sock.send(b"lost")
    while ours("GET", f"/proxies/p/toxics/{name}/effect").json != {"connections": 1, "bytes": 4}:
        pass
    ours.remove(name)
    client.sock.send(b"found")
    assert server.take() == b"found"


def test_duplication(ours: Api, client: Net, server: Net) -> None:
    """At a probability of 1 each datagram comes twice."""
    ours.toxic("duplicate", "upstream", probability=1)
    client.sock.send(b"a")
    client.sock.send(b"b")
    assert [server.take() for _ in range(4)] == [b"a", b"a", b"b", b"b"]


def test_reordering(ours: Api, client: Net, server: Net) -> None:
    """A datagram that is kept back is overtaken, and comes when its time is over or the toxic goes."""
    name = ours.toxic("reorder", "upstream", probability=1, delay=600_000)
    client.sock.send(b"first")
    while not ours("GET", f"/proxies/p/toxics/{name}/effect").json["bytes"]:
        pass
    ours("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"probability": 0}})
    client.sock.send(b"second")
    assert server.take() == b"second"
    ours.remove(name)
    assert server.take() == b"first"


def test_reordering_by_time(ours: Api, client: Net, server: Net) -> None:
    """All datagrams arrive although some are kept back."""
    ours.toxic("reorder", "upstream", probability=0.5, delay=1)
    for number in range(20):
        client.sock.send(b"%d" % number)
    assert sorted(int(server.take()) for _ in range(20)) == list(range(20))


def test_corruption(ours: Api, client: Net, server: Net) -> None:
    """Datagrams are damaged, and keep their length."""
    ours.toxic("corrupt", "upstream", probability=1)
    client.sock.send(bytes(100))
    arrived = server.take()
    assert {each.bit_count() for each in arrived} == {1}
    assert len(arrived) == 100


def test_latency(ours: Api, client: Net, server: Net) -> None:
    """Datagrams that wait for their time come at once when the toxic goes."""
    name = ours.toxic("latency", "upstream", latency=600_000)
    for datagram in (b"a", b"b"):
        client.sock.send(datagram)
    while ours("GET", f"/proxies/p/toxics/{name}/effect").json["bytes"] < 2:
        pass
    ours.remove(name)
    assert [server.take(), server.take()] == [b"a", b"b"]


def test_what_is_for_streams(ours: Api, client: Net) -> None:
    """Toxics of streams are refused for datagrams, and those of datagrams for streams."""
    refused = ours("POST", "/proxies/p/toxics", {"type": "slicer"})
    assert refused.error == (400, "invalid toxic type: slicer does not work on udp")
    ours.proxy(1, "tcp")
    refused = ours("POST", "/proxies/tcp/toxics", {"type": "reorder"})
    assert refused.error == (400, "invalid toxic type: reorder does not work on tcp")


def test_an_upstream_that_refuses(net: Callable[[], Net], ours: Api) -> None:
    """Datagrams to nobody are lost, and the proxy goes on."""
    gone = net()
    port = gone.port
    gone.sock.close()
    client = net()
    client.sock.connect(ours.proxy(port, network="udp"))
    for _ in range(5):
        client.sock.send(b"hello")
    assert ours("PATCH", "/proxies/p", {"enabled": False}).json["enabled"] is False
    assert ours("PATCH", "/proxies/p", {"enabled": True}).json["enabled"] is True


def test_bad_plans(ours: Api) -> None:
    """A network that is none is refused, and so is an upstream that cannot be resolved."""
    plan = {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"}
    assert ours("POST", "/proxies", {**plan, "network": "sctp"}).status == 400
    bad = ours("POST", "/proxies", {**plan, "network": "udp", "upstream": "nowhere"})
    assert bad.error == (500, "dial udp: address nowhere: missing port in address")
