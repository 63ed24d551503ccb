"""What the embedded server tells of what happens."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.services.proxied import PATIENCE_S, Api, Upstream, receive


@contextmanager
def following(api: Api) -> Iterator[Iterator[dict[str, Any]]]:
    """Yield events as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE_S)
    connection.request("GET", "/events")
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("Content-Type")) == (200, "application/x-ndjson")
    yield (json.loads(line) for line in iter(reply.readline, b""))
    reply.close()
    connection.close()


def test_the_life_of_a_connection(ours: Api, upstream: Upstream) -> None:
    """A connection is told of when it begins, when a toxic strikes it, and at its end with the bytes of each toxic."""
    address = ours.proxy(upstream.port)
    ours.toxic("latency", "upstream")
    ours.toxic("slow_close", "downstream")
    with following(ours) as events:
        client, server = upstream.pair(address)
        client.sendall(b"hello")
        assert receive(server, 5) == b"hello"
        server.sendall(b"bye")
        server.close()
        assert receive(client, 3) == b"bye"
        client.close()
        told = [next(events) for _ in range(4)]
    assert [each.pop("time") > 1e9 for each in told] == [True] * 4
    here = {"proxy": "p", "connection": 0}
    peer = "{}:{}".format(*server_side(told))
    assert told == [
        {"event": "connected", **here, "client": peer},
        {"event": "struck", **here, "toxic": "latency_upstream", "type": "latency", "stream": "upstream"},
        {"event": "struck", **here, "toxic": "slow_close_downstream", "type": "slow_close", "stream": "downstream"},
        {
            "event": "closed",
            **here,
            "upstream": {"received": 5, "sent": 5, "toxics": {"latency_upstream": 5}},
            "downstream": {"received": 3, "sent": 3, "toxics": {"slow_close_downstream": 0}},
        },
    ]


def server_side(told: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the client's address as the events have it."""
    host, _, port = told[0]["client"].rpartition(":")
    return host, port


def test_live_connections(ours: Api, upstream: Upstream) -> None:
    """Connections are listed with their clients, their bytes and what struck them."""
    address = ours.proxy(upstream.port)
    client, server = upstream.pair(address)
    ours.toxic("limit_data", "upstream", bytes=100)
    ours.toxic("latency", "upstream")
    client.sendall(b"hello")
    assert receive(server, 5) == b"hello"
    [shown] = ours("GET", "/proxies/p/connections").json
    assert shown == {
        "connection": 0,
        "client": "{}:{}".format(*client.getsockname()),
        "upstream": {"received": 5, "sent": 5, "toxics": {"latency_upstream": 5}},
        "downstream": {"received": 0, "sent": 0, "toxics": {}},
    }


def test_the_effect_of_a_toxic(ours: Api, upstream: Upstream) -> None:
    """The connections that a toxic struck, and the bytes that it disturbed, are counted when they are over as well."""
    address = ours.proxy(upstream.port)
    ours.toxic("latency", "upstream")
    assert ours("GET", "/proxies/p/toxics/latency_upstream/effect").json == {"connections": 0, "bytes": 0}
    for _ in range(2):
        client, server = upstream.pair(address)
        client.sendall(b"hello")
        assert receive(server, 5) == b"hello"
        client.close()
        server.close()
    assert ours("GET", "/proxies/p/toxics/latency_upstream/effect").json == {"connections": 2, "bytes": 10}
    text = ours("GET", "/metrics").body.decode()
    assert 'toxiproxy_toxic_bytes_total{proxy="p",toxic="latency_upstream"} 10' in text.splitlines()


def test_a_listener_that_does_not_listen(ours: Api, upstream: Upstream) -> None:
    """Events that nobody reads do not hold up the server."""
    address = ours.proxy(upstream.port)
    with following(ours), following(ours):
        for _ in range(300):
            client, server = upstream.pair(address)
            client.close()
            server.close()
        assert ours("GET", "/version").status == 200
