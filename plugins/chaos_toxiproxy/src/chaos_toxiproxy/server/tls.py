"""TLS: ended at the proxy, and begun anew on its other side, with the user's certificates."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any

import attrs

from chaos_toxiproxy.server.answers import bad_body
from chaos_toxiproxy.server.gojson import Object

HANDSHAKE_S = 10.0
"""How long both sides may take to agree."""

_AT_ONCE = 64 * 1024


@attrs.frozen(kw_only=True)
class Tls:
    """
    How a proxy uses TLS.

    Attributes:
        cert: A file with the certificate that clients see, and its chain; empty: clients do not speak TLS.
        key: A file with its key; empty: it is in the same file.
        client_ca: A file with the authorities of which clients must bring a certificate; empty: they need none.
        upstream: The upstream speaks TLS.
        ca: A file with the authorities that the upstream is believed by; empty: those of this machine.
        verify: The upstream's certificate is verified.
        server_name: The name that the upstream must prove; empty: the host of its address.
        upstream_cert: A file with the certificate that the upstream sees; empty: none.
        upstream_key: A file with its key; empty: it is in the same file.
    """

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    upstream: bool = False
    ca: str = ""
    verify: bool = True
    server_name: str = ""
    upstream_cert: str = ""
    upstream_key: str = ""

    @classmethod
    def read(cls, fields: Object) -> Tls:
        """
        Return what *fields* describe.

        Raises:
            ApiError: A value is of the wrong kind, or a file cannot be used.
        """
        values = {
            field.name: fields.read("Proxy", f"tls.{field.name}", type(field.default), field.default)
            for field in attrs.fields(cls)
        }
        tls = cls(**values)
        tls.contexts()
        return tls

    def contexts(self) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
        """
        Return what clients, and what the upstream is spoken to with.

        Raises:
            ApiError: A file cannot be used.
        """
        try:
            return self._for_clients(), self._for_upstream()
        except (OSError, ValueError) as error:
            raise bad_body(f"tls: {error}") from None

    def _for_clients(self) -> ssl.SSLContext | None:
        if not self.cert:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key or None)
        context.num_tickets = 0  # a client that goes without having read one would reset the connection
        if self.client_ca:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _for_upstream(self) -> ssl.SSLContext | None:
        if not self.upstream:
            return None
        context = ssl.create_default_context(cafile=self.ca or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.upstream_cert:
            context.load_cert_chain(self.upstream_cert, self.upstream_key or None)
        return context

    def shown(self) -> dict[str, Any]:
        """Return what requests see: what was asked for."""
        return attrs.asdict(self, filter=lambda field, value: value != field.default)


class TlsWire:
    """
    A socket that speaks TLS and is used like one that does not.

    Attributes:
        over: The other side has said farewell; what it said before may be unread.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_name: str | None) -> None:
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_name is None, server_hostname=server_name
        )
        self.over = False
        self._unsent = b""
        self._accepted = 0

    async def agree(self) -> None:
        """
        Do the handshake.

        Raises:
            OSError: They do not agree (`ssl.SSLError` is one), or the other side is gone.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                if self._outgoing.pending:
                    await loop.sock_sendall(self._socket, self._outgoing.read())
            some = await loop.sock_recv(self._socket, _AT_ONCE)
            if not some:
                raise ConnectionResetError
            self._incoming.write(some)

    def recv_into(self, buffer: bytearray, /) -> int:
        """Read all that is there: nobody is told of data that is left inside."""
        size = self._decrypted(buffer)
        if not size and not self.over:
            some = self._socket.recv(_AT_ONCE)
            if some:
                self._incoming.write(some)
            else:
                self._incoming.write_eof()
            size = self._decrypted(buffer)
        if size or self.over:
            return size
        raise BlockingIOError

    def _decrypted(self, buffer: bytearray) -> int:
        size, view = 0, memoryview(buffer)
        while size < len(buffer) and not self.over:
            try:
                more = int(self._tls.read(len(buffer) - size, view[size:]))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLEOFError:  # no farewell, but an end
                more = 0
            self.over = not more
            size += more
        return size

    def send(self, data: bytes | memoryview, /) -> int:
        """Encrypt and send some of *data*; what did not go whole is to be given again, as for any socket."""
        if not self._accepted:
            self._accepted = self._tls.write(data[:_AT_ONCE])
            self._unsent += self._outgoing.read()
        self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if self._unsent:
            raise BlockingIOError
        accepted, self._accepted = self._accepted, 0
        return accepted

    def shutdown(self, how: int, /) -> None:
        """Say farewell, and send that nothing follows."""
        with suppress(ssl.SSLError):  # it wants an answer, which reading will find
            self._tls.unwrap()
        try:
            self._socket.send(self._unsent + self._outgoing.read())
        finally:
            self._socket.shutdown(how)

    def fileno(self) -> int:
        return self._socket.fileno()

    def setsockopt(self, level: int, option: int, value: bytes, /) -> None:
        self._socket.setsockopt(level, option, value)

    def getpeername(self) -> Any:
        return self._socket.getpeername()

    def close(self) -> None:
        self._socket.close()


Side = socket.socket | TlsWire
"""One side of a connection, as it is spoken to."""


async def agreed(
    contexts: tuple[ssl.SSLContext | None, ssl.SSLContext | None],
    server_name: str,
    client: socket.socket,
    upstream: socket.socket,
) -> tuple[Side, Side]:
    """
    Do the handshakes with the sides that speak TLS, and return both.

    Raises:
        OSError: They do not agree (`ssl.SSLError` is one), or it takes too long.
    """
    wires = [client, upstream]
    sides = [
        (TlsWire(sock, context, name) if context else None)
        for sock, context, name in zip(wires, contexts, (None, server_name), strict=True)
    ]
    async with asyncio.timeout(HANDSHAKE_S):
        for side in sides:
            if side is not None:
                await side.agree()
    return sides[0] or client, sides[1] or upstream
