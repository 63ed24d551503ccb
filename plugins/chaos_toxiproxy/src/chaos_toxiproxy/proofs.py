"""Proof that a fault in a proxy struck somebody: connections and bytes, never a guess."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

import attrs

from chaos_toxiproxy import sockets
from chaos_toxiproxy.addresses import is_loopback, split
from chaos_toxiproxy.errors import RefusedUpstreamError
from chaos_toxiproxy.providing import Proxy
from chaos_toxiproxy.samples import total

PROBE_S = 1.0
LATE_S = 0.5
"""How long to wait for the first proof: the end of a connection, for one, is seen after its client has gone on."""

LOOK_S = 0.02


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
        return {"connections": self.connections, "bytes": self.carried_bytes, "told by": self.source}


def by_toxic(proxy: Proxy, toxic: str) -> Struck | None:
    """Return what a toxic struck by the account of its server; None where that keeps none, as Toxiproxy does not."""
    text = proxy.server.client.metrics(f"toxic {toxic!r} of proxy {proxy.key!r}") or ""
    connections = total(text, "toxiproxy_toxic_connections_total", proxy=proxy.key, toxic=toxic)
    if connections is None:
        return None
    carried = total(text, "toxiproxy_toxic_bytes_total", proxy=proxy.key, toxic=toxic)
    return Struck(connections, carried or 0, "the server, of this toxic")


def proved(look: Callable[[], Struck]) -> Struck:
    """Return what *look* returns, as soon as it is something, and nothing after a while."""
    until = time.monotonic() + LATE_S
    while not (struck := look()).connections and time.monotonic() < until:
        time.sleep(LOOK_S)
    return struck


class Traffic:
    """
    What has passed a proxy since this object was made, whichever server it is.

    Toxiproxy counts the bytes of a connection when that ends, and only where it was started with metrics; so the kernel
    is asked for connections that live on (Linux, on this machine). What neither tells does not count.

    Attributes:
        live: How many connections there were then.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._before_bytes = self._counted()
        self._before = self._connections() or {}
        self.live = len(self._before)

    def struck(self) -> Struck:
        """Return the connections that carried something since then, and how much."""
        live, counted = self._connections(), self._counted()
        grown = [carried - self._before.get(key, 0) for key, carried in (live or {}).items()]
        grown = [each for each in grown if each > 0]
        over = [carried for key, carried in self._before.items() if key not in (live or {})]
        ended_bytes = 0
        if counted is not None and self._before_bytes is not None:
            ended_bytes = max(0, counted - self._before_bytes - sum(over))
        ended = max(1, len(over)) if ended_bytes else 0  # those that came and went in between count as one
        return Struck(len(grown) + ended, sum(grown) + ended_bytes, _sources(live is not None, counted is not None))

    def _connections(self) -> dict[sockets.Key, int] | None:
        if not self._proxy.server.is_here or self._proxy.is_udp:
            return None
        return sockets.connections(self._proxy.port)

    def _counted(self) -> int | None:
        """Return the bytes that the server has counted for the proxy; None where it has no metrics."""
        text = self._proxy.server.client.metrics(f"proxy {self._proxy.key!r}")
        if text is None:
            return None
        return total(text, "toxiproxy_proxy_received_bytes_total", proxy=self._proxy.key) or 0


def _sources(kernel: bool, metrics: bool) -> str:
    known = ["the kernel"] * kernel + ["the server's metrics"] * metrics
    return " and ".join(known) or "nobody: start the server with -proxy-metrics, or use server='embedded'"


def check_upstream(proxy: Proxy) -> None:
    """
    See that something listens at the upstream, where that is on this machine; asked only when nothing passed.

    Raises:
        RefusedUpstreamError: Nothing does.
    """
    host, port = split(proxy.upstream)
    if not proxy.server.is_here or not is_loopback(host) or proxy.is_udp:
        return
    try:
        socket.create_connection((host, port), PROBE_S).close()
    except TimeoutError:
        return  # it may be busy, which is another matter
    except OSError as error:
        raise RefusedUpstreamError(proxy.name, proxy.upstream, str(error)) from error
