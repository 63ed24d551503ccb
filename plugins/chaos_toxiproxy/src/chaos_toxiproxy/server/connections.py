"""A TCP connection: a client's socket, one to the upstream, and a link for each direction."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chaos_toxiproxy.server.addresses import Address, split
from chaos_toxiproxy.server.chance import Chance
from chaos_toxiproxy.server.dialling import Dialling
from chaos_toxiproxy.server.links import Link, TlsLink
from chaos_toxiproxy.server.tls import Side, TlsWire, agreed
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, DOWNSTREAM, UPSTREAM, Toxic
from chaos_toxiproxy.server.wires import Wire, reset

if TYPE_CHECKING:
    from chaos_toxiproxy.server.proxies import Proxy


class Connection:
    """
    A connection through *proxy*.

    Attributes:
        proxy: Whose it is.
        number: How many the proxy accepted before: the identity that chance goes by.
        links: One for each direction, by its name; none before the upstream has answered.
        broken: One side cannot be written to any more.
        closed: It is over.
    """

    __slots__ = (
        "_agreeing",
        "_client",
        "_dialling",
        "_upstream",
        "broken",
        "closed",
        "links",
        "loop",
        "number",
        "proxy",
    )

    def __init__(self, proxy: Proxy, number: int, client: socket.socket) -> None:
        self.proxy, self.number, self.loop = proxy, number, proxy.loop
        self._client: Side = client
        self._upstream: Side | None = None
        self._dialling: Dialling | None = None
        self._agreeing: asyncio.Task[None] | None = None
        self.links: dict[str, Link] = {}
        self.broken = self.closed = False

    def start(self) -> None:
        """Connect to the upstream."""
        self._dialling = Dialling(self.loop, self._dialled)
        self._dialling.start(self.proxy.upstream)

    def _dialled(self, upstream: socket.socket | None) -> None:
        self._dialling = None
        if upstream is None:
            self.close()
            return
        self._upstream = upstream
        if any(self.proxy.tls):
            self._agreeing = self.loop.create_task(self._agree(upstream))
        else:
            self._begin()

    async def _agree(self, upstream: socket.socket) -> None:
        tls, client = self.proxy.plan.tls, self._client
        assert isinstance(client, socket.socket)
        name = tls.server_name if tls and tls.server_name else split(self.proxy.upstream)[0]
        try:
            self._client, self._upstream = await agreed(self.proxy.tls, name, client, upstream)
        except (OSError, ValueError):
            self.close()
        else:
            self._agreeing = None
            self._begin()

    def _begin(self) -> None:
        client, upstream = self._client, self._upstream
        assert upstream is not None
        self.links = {
            UPSTREAM: _link(self, UPSTREAM, client, upstream),
            DOWNSTREAM: _link(self, DOWNSTREAM, upstream, client),
        }
        for link in tuple(self.links.values()):
            link.start()
        for direction in DIRECTIONS:
            if self.proxy.chains[direction]:
                self.fit(direction)

    @property
    def client(self) -> str:
        try:
            return str(Address.of(self._client.getpeername()))
        except OSError:  # it is gone
            return ""

    def fit(self, direction: str) -> None:
        """Take up that the toxics of *direction* have changed."""
        if direction in self.links:
            self.links[direction].fit(self.proxy.chains[direction])

    def chance(self, toxic: Toxic[Any]) -> Chance:
        """Return the draws of *toxic* for this connection."""
        return Chance(self.proxy.world.seed, self.proxy.name, toxic.name, self.number)

    # -- its end

    def finish(self, link: Link) -> None:
        """Take that all of *link* is written: pass that on, and close when the other direction is finished too."""
        if link.closes or all(each.finished for each in self.links.values()):
            self.close()
        else:
            link.finish_writing()

    def cannot_send(self, link: Link) -> None:
        """Take that the other side of *link* is gone; what it sent before is still passed on."""
        if self.closed:
            return
        self.broken = True
        back = next(each for each in self.links.values() if each is not link)
        if back.ended:
            self.reset()
        else:
            link.abandon()

    def close(self) -> None:
        """Close both sides."""
        self._over(lambda wire: wire.close())

    def reset(self) -> None:
        """Close both sides so that they see a connection reset."""
        self._over(reset)

    def _over(self, end: Callable[[Wire], None]) -> None:
        if self.closed:
            return
        self.closed = True
        if self._dialling is not None:
            self._dialling.cancel()
        if self._agreeing is not None:
            self._stop_agreeing(self._agreeing)
        self.proxy.forget(self)
        for link in self.links.values():
            link.stop()
        end(self._client)
        if self._upstream is not None:
            end(self._upstream)
        self.links = {}

    def _stop_agreeing(self, task: asyncio.Task[None]) -> None:
        """End the handshakes, and see that no late callback of theirs meets another socket of the same number."""
        for wire in (self._client, self._upstream):
            if wire is not None:
                self.loop.remove_reader(wire.fileno())
                self.loop.remove_writer(wire.fileno())
        if task is not asyncio.current_task(self.loop):
            task.cancel()


def _link(connection: Connection, direction: str, source: Wire, sink: Wire) -> Link:
    kind = TlsLink if isinstance(source, TlsWire) else Link
    return kind(connection, direction, source, sink)
