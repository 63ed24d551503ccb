"""The library toxiproxy-python, unmodified, against both servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import toxiproxy  # type: ignore[import-untyped]
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists  # type: ignore[import-untyped]

from tests.services.proxied import Api, Upstream


@pytest.fixture
def library(api: Api) -> Iterator[Any]:
    """The library, whose server is set for the whole process."""
    client = toxiproxy.Toxiproxy()
    before = toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port
    client.update_api_consumer("127.0.0.1", api.port)
    yield client
    client.destroy_all()
    toxiproxy.api.APIConsumer.host, toxiproxy.api.APIConsumer.port = before


def test_proxies(library: Any, upstream: Upstream) -> None:
    """Proxies are created, found, disabled, enabled and destroyed."""
    assert library.running()
    assert library.version()
    proxy = library.create(upstream=f"127.0.0.1:{upstream.port}", name="lib", listen="127.0.0.1:0")
    assert (proxy.name, proxy.enabled) == ("lib", True)
    with pytest.raises(ProxyExists):
        library.create(upstream="x", name="lib", listen="127.0.0.1:0")
    host, _, port = library.get_proxy("lib").listen.rpartition(":")
    client, server = upstream.pair((host, int(port)))
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"
    with proxy.down(), pytest.raises(ConnectionRefusedError):
        upstream.connect((host, int(port)))
    upstream.pair((host, int(port)))
    assert list(library.proxies()) == ["lib"]
    library.destroy(library.get_proxy("lib"))
    assert library.get_proxy("lib") is None


def test_toxics(library: Any, upstream: Upstream) -> None:
    """Toxics are added, found, felt and destroyed; wrong ones are refused."""
    proxy = library.create(upstream=f"127.0.0.1:{upstream.port}", name="lib", listen="127.0.0.1:0")
    host, _, port = proxy.listen.rpartition(":")
    client, server = upstream.pair((host, int(port)))
    proxy.add_toxic(type="latency", stream="upstream", attributes={"latency": 100})
    toxic = proxy.get_toxic("latency_upstream")
    assert (toxic.type, toxic.toxicity, toxic.attributes) == ("latency", 1.0, {"latency": 100, "jitter": 0})
    began = time.monotonic()
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"
    assert time.monotonic() - began >= 0.1
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="nonsense")
    with pytest.raises(NotFound):
        proxy.destroy_toxic("other")
    proxy.destroy_toxic("latency_upstream")
    assert proxy.toxics() == {}


def test_populating(library: Any) -> None:
    """Proxies are populated together, and a reset removes their toxics."""
    plans = [{"name": name, "upstream": "127.0.0.1:1", "listen": "127.0.0.1:0"} for name in ("one", "two")]
    made = library.populate(plans)
    assert [proxy.name for proxy in made] == ["one", "two"]
    made[0].add_toxic(type="noop")
    assert library.reset()
    assert library.get_proxy("one").toxics() == {}
