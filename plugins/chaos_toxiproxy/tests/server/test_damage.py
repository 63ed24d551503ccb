"""Loss and corruption of streams."""

from __future__ import annotations

import os

import pytest

from tests.services.proxied import Api, Upstream, receive, silent, to_the_end


def damaged(api: Api, upstream: Upstream, data: bytes, pieces: int, probability: float) -> bytes:
    """Send *data* through a proxy that corrupts, in so many pieces, and return what arrives."""
    client, server = upstream.pair(api.proxy(upstream.port))
    api.toxic("corrupt", "upstream", probability=probability)
    size = len(data) // pieces
    for begin in range(0, len(data), size):
        client.sendall(data[begin : begin + size])
    client.close()
    arrived = to_the_end(server)
    api.clear()
    return arrived


def test_corruption(ours: Api, upstream: Upstream) -> None:
    """About the share of bytes that was asked for differs, each by one bit, and the length stays."""
    data = os.urandom(200_000)
    arrived = damaged(ours, upstream, data, 20, probability=0.01)
    differing = [(a ^ b) for a, b in zip(data, arrived, strict=True) if a != b]
    assert 1700 < len(differing) < 2300
    assert {each.bit_count() for each in differing} == {1}


def test_corruption_has_a_seed(ours: Api, upstream: Upstream) -> None:
    """The same bytes are damaged in the same way however the stream is cut."""
    data = bytes(50_000)
    first = damaged(ours, upstream, data, 1, probability=0.001)
    assert first != data
    assert damaged(ours, upstream, data, 100, probability=0.001) == first


@pytest.mark.parametrize(("probability", "share"), [(0, 0), (1, 1)])
def test_extremes_of_corruption(ours: Api, upstream: Upstream, probability: int, share: int) -> None:
    """At 0 no byte is damaged and at 1 each one."""
    data = os.urandom(10_000)
    arrived = damaged(ours, upstream, data, 7, probability=probability)
    assert sum(a != b for a, b in zip(data, arrived, strict=True)) == share * len(data)


def test_what_was_damaged_is_counted(ours: Api, upstream: Upstream) -> None:
    """The effect of a corruption is the bytes that it changed."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("corrupt", "upstream", probability=1)
    client.sendall(b"12345")
    receive(server, 5)
    assert ours("GET", "/proxies/p/toxics/corrupt_upstream/effect").json == {"connections": 1, "bytes": 5}


def test_a_lost_segment_comes_late(ours: Api, upstream: Upstream) -> None:
    """What is lost of a stream, and what is behind it, comes when it is sent again; removing the toxic sends it."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    name = ours.toxic("loss", "upstream", probability=1, delay=600_000)
    data = os.urandom(10_000)
    client.sendall(data)
    assert silent(server)
    ours.remove(name)
    assert receive(server, len(data)) == data


def test_some_segments_are_lost(ours: Api, upstream: Upstream) -> None:
    """Streams arrive whole and in order however many segments are lost, and less than all of them are."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("loss", "upstream", probability=0.1, delay=5)
    data = os.urandom(300_000)
    client.sendall(data)
    client.close()
    assert to_the_end(server) == data
    struck = ours("GET", "/proxies/p/toxics/loss_upstream/effect").json["bytes"]
    assert 0 < struck < len(data) / 3


@pytest.mark.parametrize("value", [-0.1, 1.5, "x"])
def test_probabilities(ours: Api, value: object) -> None:
    """A probability is from 0 to 1."""
    ours.proxy(1)
    for kind in ("loss", "corrupt"):
        bad = {"type": kind, "attributes": {"probability": value}}
        assert ours("POST", "/proxies/p/toxics", bad).status == 400
