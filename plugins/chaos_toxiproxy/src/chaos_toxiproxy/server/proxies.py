"""A proxy: where it listens, where it leads to, its toxics and its connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

from chaos_toxiproxy.server.addresses import Address, bound
from chaos_toxiproxy.server.answers import ApiError
from chaos_toxiproxy.server.connections import Connection
from chaos_toxiproxy.server.links import Counts, Link
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, Toxic
from chaos_toxiproxy.server.wires import TcpWire

_AT_ONCE = 16
"""How many connections are accepted before others have their turn."""

_PAUSE_S = 0.1
"""How long nothing is accepted where there are no more sockets."""


class Proxy:
    """
    A proxy.

    Attributes:
        name: Its name, for good.
        listen: Where it listens: as asked for, or as it is once it was enabled.
        upstream: Where it leads to.
        enabled: It accepts connections.
        chains: Its toxics, by direction and in the order in which they were added.
        counts: Its bytes, by direction.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seed: int, name: str, listen: str, upstream: str) -> None:
        self.loop, self.seed = loop, seed
        self.name, self.listen, self.upstream = name, listen, upstream
        self.chains: dict[str, list[Toxic[Any]]] = {direction: [] for direction in DIRECTIONS}
        self.counts = {direction: Counts() for direction in DIRECTIONS}
        self._listener: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._accepted = 0

    @property
    def enabled(self) -> bool:
        return self._listener is not None

    # -- its life

    def start(self, address: Address) -> None:
        """
        Accept connections at *address*.

        Raises:
            ApiError: The port is taken.
        """
        listener = bound(address, socket.SOCK_STREAM)
        self._listener, self.listen = listener, str(Address.of(listener))
        self.loop.add_reader(listener, self._accept)

    def stop(self) -> None:
        """Accept no more connections, and close those that there are."""
        if self._listener is not None:
            self.loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for connection in tuple(self._connections):
            connection.close()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if self._listener is None:
                return
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._pause()
                return
            self._serve(TcpWire.of(client))

    def _pause(self) -> None:
        listener = self._listener
        assert listener is not None
        self.loop.remove_reader(listener)
        self.loop.call_later(_PAUSE_S, self._go_on, listener)

    def _go_on(self, listener: socket.socket) -> None:
        if listener is self._listener:
            self.loop.add_reader(listener, self._accept)

    def _serve(self, client: TcpWire) -> None:
        connection = Connection(self, self._accepted, client)
        self._accepted += 1
        self._connections.add(connection)
        connection.start()

    def forget(self, connection: Connection) -> None:
        """Take that *connection* is over."""
        self._connections.discard(connection)

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
        for connection in tuple(self._connections):
            link = connection.links.get(toxic.direction)
            for stage in link.stages if link else ():
                if stage.toxic is toxic:
                    stage.change()

    def remove(self, *toxics: Toxic[Any]) -> None:
        """Remove *toxics*, from all connections too."""
        for direction in {toxic.direction for toxic in toxics}:
            self.chains[direction] = [each for each in self.chains[direction] if each not in toxics]
            self._fit(direction)

    def _fit(self, direction: str) -> None:
        for connection in tuple(self._connections):
            connection.fit(direction)

    def struck(self, toxic: Toxic[Any], link: Link) -> None:
        """Take that *toxic* strikes *link* for the first time."""

    def shown(self) -> dict[str, Any]:
        """Return what requests see."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": [toxic.shown() for toxic in self.toxics],
        }
