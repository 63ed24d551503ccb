"""What a link reads from and writes to."""

from __future__ import annotations

import socket
import struct
from typing import Protocol

_AT_ONCE = struct.pack("ii", 1, 0)


class Wire(Protocol):
    """The end of a connection: a socket that does not block, or something that behaves like one."""

    def fileno(self) -> int: ...
    def recv_into(self, buffer: bytearray, /) -> int: ...
    def send(self, data: bytes | memoryview, /) -> int: ...

    def finish(self) -> None:
        """Send that nothing follows; what comes back is still read."""

    def close(self) -> None: ...

    def reset(self) -> None:
        """Close so that the other side sees a connection reset."""


class TcpWire(socket.socket):
    """A TCP socket that does not block and sends at once."""

    __slots__ = ()

    @classmethod
    def of(cls, sock: socket.socket) -> TcpWire:
        """Make *sock* one."""
        wire = cls(sock.family, sock.type, sock.proto, sock.detach())
        wire.prepare()
        return wire

    def prepare(self) -> None:
        """Do not block, and do not wait for more to send."""
        self.setblocking(False)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self) -> None:
        try:
            self.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone, which reading will tell
            return

    def reset(self) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.close()
