"""A proxy: where it listens, where it leads to, its toxics and its connections."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterator
from typing import Any

import attrs

from chaos_toxiproxy.server.addresses import Address
from chaos_toxiproxy.server.answers import ApiError
from chaos_toxiproxy.server.chains import Chain, Flow
from chaos_toxiproxy.server.connections import Connection
from chaos_toxiproxy.server.datagrams import UdpPort
from chaos_toxiproxy.server.events import Events
from chaos_toxiproxy.server.listeners import TcpListener
from chaos_toxiproxy.server.plans import Plan
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, Toxic


@attrs.frozen
class World:
    """
    What all proxies of a server share.

    Attributes:
        loop: What runs them.
        seed: What chance goes by.
        events: Who is told what happens.
    """

    loop: asyncio.AbstractEventLoop
    seed: int
    events: Events = attrs.field(factory=Events)


@attrs.define
class Counts:
    """Bytes that came and went in one direction."""

    received: int = 0
    sent: int = 0


class Proxy:
    """
    A proxy.

    Attributes:
        world: What it shares with others.
        plan: What was asked for.
        name: Its name, for good.
        listen: Where it listens: as asked for, or as it is once it was enabled.
        upstream: Where it leads to.
        chains: Its toxics, by direction and in the order in which they were added.
    """

    def __init__(self, world: World, plan: Plan) -> None:
        self.world, self.plan, self.loop = world, plan, world.loop
        self.name, self.listen, self.upstream = plan.name, plan.listen, plan.upstream
        self.tls = (None, None) if plan.tls is None else plan.tls.contexts()
        self.chains: dict[str, list[Toxic[Any]]] = {direction: [] for direction in DIRECTIONS}
        self._listener: TcpListener | UdpPort | None = None
        self._flows: set[Flow] = set()
        self._numbers = itertools.count()
        self._over = {direction: Counts() for direction in DIRECTIONS}

    # -- its life

    @property
    def enabled(self) -> bool:
        return self._listener is not None

    def start(self, address: Address, upstream: Address | None) -> None:
        """
        Accept connections at *address*; *upstream* is where datagrams go.

        Raises:
            ApiError: The port is taken.
        """
        if upstream is None:
            self._listener = TcpListener(self.loop, address, self._serve)
        else:
            self._listener = UdpPort(self, address, upstream)
        self.listen = str(self._listener.address)

    def stop(self) -> None:
        """Accept no more connections, and close those that there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for flow in tuple(self._flows):
            flow.close()

    # -- its connections

    def next_number(self) -> int:
        """Return how many connections there were before this one."""
        return next(self._numbers)

    def _serve(self, client: socket.socket) -> None:
        connection = Connection(self, self.next_number(), client)
        self.remember(connection)
        connection.start()

    def remember(self, flow: Flow) -> None:
        """Take that *flow* has begun."""
        self._flows.add(flow)
        if self.world.events:
            self._tell("connected", flow, client=flow.client)

    def forget(self, flow: Flow) -> None:
        """Take that *flow* is over."""
        self._flows.discard(flow)
        for direction, link in flow.links.items():
            over = self._over[direction]
            over.received, over.sent = over.received + link.received, over.sent + link.sent
        if self.world.events:
            self._tell("closed", flow, **{direction: _disturbed(link) for direction, link in flow.links.items()})

    def counts(self) -> dict[str, Counts]:
        """Return how many bytes came and went, by direction, up to now."""
        links = [(direction, link) for flow in self._flows for direction, link in flow.links.items()]
        counts = {direction: attrs.evolve(over) for direction, over in self._over.items()}
        for direction, link in links:
            counts[direction].received += link.received
            counts[direction].sent += link.sent
        return counts

    def connections(self) -> list[dict[str, Any]]:
        """Return what requests see of the connections that there are."""
        return [
            {
                "connection": flow.number,
                "client": flow.client,
                **{direction: _disturbed(link) for direction, link in flow.links.items()},
            }
            for flow in sorted(self._flows, key=lambda flow: flow.number)
        ]

    # -- its toxics

    @property
    def toxics(self) -> Iterator[Toxic[Any]]:
        """All of them: upstream, then downstream."""
        return (toxic for chain in self.chains.values() for toxic in chain)

    def toxic(self, name: str) -> Toxic[Any]:
        """
        Return the toxic of this *name*.

        Raises:
            ApiError: There is none.
        """
        for toxic in self.toxics:
            if toxic.name == name:
                return toxic
        raise ApiError(404, "toxic not found")

    def add(self, toxic: Toxic[Any]) -> None:
        """
        Add *toxic* to the end of its chain, in all connections too.

        Raises:
            ApiError: There is one of that name.
        """
        if any(toxic.name == each.name for each in self.toxics):
            raise ApiError(409, "toxic already exists")
        self.chains[toxic.direction].append(toxic)
        self._fit(toxic.direction)

    def change(self, toxic: Toxic[Any], toxicity: float, settings: Any) -> None:
        """Give *toxic* other settings, in all connections too."""
        toxic.toxicity, toxic.settings = toxicity, settings
        self._fit(toxic.direction)
        for flow in tuple(self._flows):
            for stage in flow.links[toxic.direction].stages if flow.links else ():
                if stage.toxic is toxic:
                    stage.change()

    def remove(self, *toxics: Toxic[Any]) -> None:
        """Remove *toxics*, from all connections too."""
        for direction in {toxic.direction for toxic in toxics}:
            self.chains[direction] = [each for each in self.chains[direction] if each not in toxics]
            self._fit(direction)

    def _fit(self, direction: str) -> None:
        for flow in tuple(self._flows):
            flow.fit(direction)

    def struck(self, toxic: Toxic[Any], link: Chain) -> None:
        """Take that *toxic* strikes *link* for the first time."""
        if self.world.events:
            self._tell("struck", link.connection, toxic=toxic.name, type=toxic.settings.type, stream=link.direction)

    def _tell(self, event: str, flow: Flow, **fields: Any) -> None:
        self.world.events.tell(event, proxy=self.name, connection=flow.number, **fields)

    # -- what requests see

    def shown(self) -> dict[str, Any]:
        """Return what requests see."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": [toxic.shown() for toxic in self.toxics],
            **self.plan.shown(),
        }


def _disturbed(link: Chain) -> dict[str, Any]:
    """Return how many bytes a link carried, and how many of them each toxic that struck it disturbed."""
    struck = {stage.toxic.name: stage.struck_bytes for stage in link.stages if stage.struck_bytes is not None}
    return {"received": link.received, "sent": link.sent, "toxics": struck}
