"""Proof that a fault in a proxy struck somebody: connections and bytes, never a guess."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from typing import Any

import attrs

from chaos_toxiproxy import sockets
from chaos_toxiproxy.addresses import split
from chaos_toxiproxy.errors import RefusedUpstreamError
from chaos_toxiproxy.providing import Proxy

PROBE_S = 1.0

_COUNTED = re.compile(r"^toxiproxy_proxy_received_bytes_total\{(.*)\} ([0-9.eE+]+)$", re.MULTILINE)
_PROXY = re.compile(r'proxy="((?:[^"\\]|\\.)*)"')


@attrs.frozen
class Struck:
    """
    What a fault struck so far.

    Attributes:
        connections: How many connections.
        carried_bytes: How many bytes of theirs.
        source: Who says so, in words.
    """

    connections: int
    carried_bytes: int
    source: str

    def detail(self) -> Mapping[str, object]:
        """Return it as detail of evidence."""
        return {"connections": self.connections, "bytes": self.carried_bytes, "says": self.source}


class Traffic:
    """
    What has passed a proxy since this object was made, whichever server it is.

    Toxiproxy counts the bytes of a connection when that ends, and only where it was started with metrics; so the kernel
    is asked for connections that live on (Linux, on this machine). What neither tells does not count.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._ended_bytes = self._counted()
        self._live = self._connections()

    def struck(self) -> Struck:
        """Return the connections that carried something since then, and how much."""
        live, before = self._connections(), self._live or {}
        grown = [carried - before.get(key, 0) for key, carried in (live or {}).items()]
        grown = [each for each in grown if each > 0]
        over = [carried for key, carried in before.items() if key not in (live or {})]
        counted = self._counted()
        ended_bytes = 0
        if counted is not None and self._ended_bytes is not None:
            ended_bytes = max(0, counted - self._ended_bytes - sum(over))
        connections = len(grown) + (max(1, len(over)) if ended_bytes else 0)
        return Struck(connections, sum(grown) + ended_bytes, self._source(live is not None, counted is not None))

    @property
    def live(self) -> int:
        """Return how many connections there were when this object was made."""
        return len(self._live or {})

    def _connections(self) -> dict[sockets.Key, int] | None:
        if not self._proxy.server.is_here:
            return None
        return sockets.connections(socket.gethostbyname(self._proxy.host), self._proxy.port)

    def _counted(self) -> int | None:
        """Return the bytes that the server has counted for the proxy; None where it has no metrics."""
        text = self._proxy.server.client.metrics()
        if text is None:
            return None
        return sum(int(float(value)) for labels, value in _COUNTED.findall(text) if self._is_own(labels))

    def _is_own(self, labels: str) -> bool:
        found = _PROXY.search(labels)
        return found is not None and found[1] == self._proxy.key

    def _source(self, kernel: bool, metrics: bool) -> str:
        known = ["the kernel"] * kernel + ["the server's metrics"] * metrics
        return " and ".join(known) or "nobody: start the server with -proxy-metrics, or use server='embedded'"


def by_toxic(proxy: Proxy, toxic: str) -> Struck | None:
    """Return what a toxic struck by the account of its server; None where that keeps none, as Toxiproxy does not."""
    effect = proxy.server.client.effect(proxy.key, toxic)
    return None if effect is None else Struck(effect["connections"], effect["bytes"], "the server, of this toxic")


def check_upstream(proxy: Proxy) -> None:
    """
    See that something listens at the upstream, where that can be seen from here; asked only when nothing passed.

    Raises:
        RefusedUpstreamError: Nothing does.
    """
    if not proxy.server.is_here:
        return
    try:
        socket.create_connection(split(proxy.upstream), PROBE_S).close()
    except OSError as error:
        raise RefusedUpstreamError(proxy.name, proxy.upstream, str(error)) from error


def shown(proxy: Proxy) -> dict[str, Any]:
    """Return what evidence says of the place."""
    return {"proxy": proxy.name, "upstream": proxy.upstream}
