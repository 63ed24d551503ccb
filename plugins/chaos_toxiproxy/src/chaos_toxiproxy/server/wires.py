"""What a link reads from and writes to: a socket that does not block, or what behaves like one."""

from __future__ import annotations

import socket
import struct
from typing import Any, Protocol

_AT_ONCE = struct.pack("ii", 1, 0)


class Wire(Protocol):
    """One side of a connection; the methods are those of `socket.socket`."""

    def fileno(self) -> int: ...
    def recv_into(self, buffer: bytearray, /) -> int: ...
    def send(self, data: bytes | memoryview, /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def setsockopt(self, level: int, option: int, value: bytes, /) -> None: ...
    def getpeername(self) -> Any: ...
    def close(self) -> None: ...


def finish(wire: Wire) -> None:
    """Tell the other side that nothing follows; what comes back is still read."""
    try:
        wire.shutdown(socket.SHUT_WR)
    except OSError:  # it is gone, which reading will tell
        return


def reset(wire: Wire) -> None:
    """Close *wire* so that the other side sees a connection reset."""
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    finally:
        wire.close()
