"""What the kernel tells of connections."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from chaos_toxiproxy import sockets
from chaos_toxiproxy.samples import total
from tests.services.peers import exchange, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux tells")


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket that listens, by either version of IP."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        found = socket.create_server((request.param, 0), family=family)
    except OSError as error:
        pytest.skip(f"cannot run here: {error}")
    with found:
        yield found


def test_bytes_of_live_connections_are_counted(listener: socket.socket) -> None:
    """Each connection of a port is told with the bytes that it has carried, both ways, until the server closes it."""
    port = listener.getsockname()[1]
    assert sockets.connections(port) == {}
    with socket.create_connection(listener.getsockname()[:2], 20) as client:
        accepted, _ = listener.accept()
        with accepted:
            assert [*(sockets.connections(port) or {}).values()] == [0]
            client.sendall(b"x" * 1000)
            while len(accepted.recv(65536, socket.MSG_PEEK)) < 1000:
                pass
            accepted.sendall(b"y" * 10)
            assert client.recv(10) == b"y" * 10
            assert wait_until(lambda: [*(sockets.connections(port) or {}).values()] == [1010])
        assert wait_until(lambda: sockets.connections(port) == {})


def test_another_port_is_not_counted(listener: socket.socket) -> None:
    """Connections to other ports are left out."""
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_connection(listener.getsockname()[:2], 20):
        assert sockets.connections(other.getsockname()[1]) == {}


METRICS = """# TYPE toxiproxy_proxy_received_bytes_total counter
toxiproxy_proxy_received_bytes_total{direction="upstream",listener=":1",proxy="a\\\\b\\"c",upstream="d"} 5
toxiproxy_proxy_received_bytes_total{direction="downstream",listener=":1",proxy="a\\\\b\\"c",upstream="d"} 1e+06
toxiproxy_proxy_received_bytes_total{direction="downstream",listener=":1",proxy="a",upstream="d"} 7
process_open_fds 9
"""


def test_metrics_are_summed_over_the_labels_that_are_not_named() -> None:
    """Values with the wanted labels are added up, whatever their other labels; nothing is nothing, not 0."""
    name = "toxiproxy_proxy_received_bytes_total"
    assert total(METRICS, name, proxy='a\\b"c') == 1_000_005
    assert total(METRICS, name, proxy="a") == 7
    assert total(METRICS, name, proxy="a", direction="upstream") is None
    assert total(METRICS, "toxiproxy_toxic_bytes_total") is None


def test_an_exchange_is_whole() -> None:
    """What one side of a pair sends, the other can send back."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"hello")
        assert exchange(ours, b"hello") == b"hello"
