"""UDP: a proxy's port, and for each client a socket to the upstream, through which its datagrams go."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from chaos_toxiproxy.server.addresses import Address, bound
from chaos_toxiproxy.server.chains import Chain
from chaos_toxiproxy.server.chance import Chance
from chaos_toxiproxy.server.stages import Piece, Receiver
from chaos_toxiproxy.server.toxics.base import DIRECTIONS, DOWNSTREAM, UPSTREAM, Toxic

if TYPE_CHECKING:
    from chaos_toxiproxy.server.proxies import Proxy

IDLE_S = 60.0
"""How long a client's socket is kept that is not used."""

MOST_SESSIONS = 1024
"""How many clients there may be; datagrams of further ones are lost."""

_LARGEST = 64 * 1024
_AT_ONCE = 64
"""How many datagrams are read before others have their turn."""

_NetAddress = tuple[Any, ...]


class DatagramLink(Chain):
    """One direction between a client and the upstream: datagrams are sent, or lost."""

    __slots__ = ("_sink", "_to")

    datagrams = True

    def __init__(self, session: Session, direction: str, sink: socket.socket, to: _NetAddress | None) -> None:
        super().__init__(session, direction)
        self._sink, self._to = sink, to

    def take(self, datagram: bytes) -> None:
        """Let a datagram begin its way."""
        self.received += len(datagram)
        self.head.data(datagram)

    def data(self, piece: Piece) -> None:
        try:
            self.sent += self._sink.send(piece) if self._to is None else self._sink.sendto(piece, self._to)
        except OSError:  # full, or nobody there: lost, as datagrams are
            return

    def end(self) -> None:
        """Datagrams have no end."""

    def close_after(self, rest: Receiver) -> None:
        self.connection.close()


class Session:
    """
    What UDP has instead of a connection: a client's address, and a socket of its own to the upstream.

    Attributes:
        number: How many clients the proxy had before: the identity that chance goes by.
        links: One for each direction, by its name.
        used_s: When the last datagram came, by the loop's clock.
        closed: It is over.
    """

    def __init__(
        self, port: UdpPort, number: int, client: _NetAddress, upstream: socket.socket, downstream: socket.socket
    ) -> None:
        self._port, self._proxy, self.number, self._client = port, port.proxy, number, client
        self.loop, self.closed = port.proxy.loop, False
        self._upstream = upstream
        self.used_s = self.loop.time()
        self.links = {
            UPSTREAM: DatagramLink(self, UPSTREAM, upstream, None),
            DOWNSTREAM: DatagramLink(self, DOWNSTREAM, downstream, client),
        }
        for direction in DIRECTIONS:
            self.fit(direction)
        self.loop.add_reader(upstream.fileno(), self._readable)

    @property
    def client(self) -> str:
        return str(Address.of(self._client))

    def chance(self, toxic: Toxic[Any]) -> Chance:
        return Chance(self._proxy.world.seed, self._proxy.name, toxic.name, self.number)

    def fit(self, direction: str) -> None:
        self.links[direction].fit(self._proxy.chains[direction])

    def take(self, datagram: bytes) -> None:
        """Take a datagram of the client."""
        self.used_s = self.loop.time()
        self.links[UPSTREAM].take(datagram)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                datagram = self._upstream.recv(_LARGEST)
            except OSError:  # nothing more, or the upstream refuses
                return
            self.used_s = self.loop.time()
            self.links[DOWNSTREAM].take(datagram)
            if self.closed:
                return

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._proxy.forget(self)
        self._port.sessions.pop(self._client, None)
        self.loop.remove_reader(self._upstream.fileno())
        for link in self.links.values():
            link.drop_stages()
        self._upstream.close()

    reset = close


class UdpPort:
    """
    A proxy's port for datagrams.

    Raises:
        ApiError: The port is taken, or the address not ours.
    """

    def __init__(self, proxy: Proxy, address: Address, upstream: Address) -> None:
        self.proxy, self._upstream = proxy, upstream
        self._socket = bound(address, socket.SOCK_DGRAM)
        self.address = Address.of(self._socket.getsockname())
        self.sessions: dict[_NetAddress, Session] = {}
        self._loop = proxy.loop
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._sweeping = self._loop.call_later(IDLE_S, self._sweep)

    def close(self) -> None:
        """Take no more datagrams."""
        self._sweeping.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                datagram, client = self._socket.recvfrom(_LARGEST)
            except OSError:  # nothing more, or an answer could not be delivered
                return
            session = self.sessions.get(client) or self._session(client)
            if session is not None:
                session.take(datagram)

    def _session(self, client: _NetAddress) -> Session | None:
        if len(self.sessions) >= MOST_SESSIONS:
            return None
        upstream = socket.socket(self._upstream.family, socket.SOCK_DGRAM)
        upstream.setblocking(False)
        upstream.connect((self._upstream.host, self._upstream.port))
        session = Session(self, self.proxy.next_number(), client, upstream, self._socket)
        self.sessions[client] = session
        self.proxy.remember(session)
        return session

    def _sweep(self) -> None:
        """Forget clients that say nothing for long."""
        for session in tuple(self.sessions.values()):
            if self._loop.time() - session.used_s > IDLE_S:
                session.close()
        self._sweeping = self._loop.call_later(IDLE_S, self._sweep)
