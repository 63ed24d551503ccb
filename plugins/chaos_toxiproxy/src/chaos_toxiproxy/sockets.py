"""What the kernel knows of the connections of a port: which there are, and how many bytes each has carried (Linux)."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator

Key = tuple[bytes, int]
"""The address and port of a client."""

PATIENCE_S = 5.0
"""How long the kernel may take to answer."""

_SOCK_DIAG_BY_FAMILY = 20
_ERROR, _DONE = 2, 3
_DUMP = 0x301
_INFO = 2
_LIVE = (1, 3, 8)
"""Established, on its way to that, or closed by the client alone."""
_CARRIED_AT = 120
"""Where `tcp_info` has the bytes that were acknowledged and received; kernels before 4.2 end earlier."""

_HEADER = struct.Struct("=IHHII")
_ALIGNED = 3


def connections(port: int) -> dict[Key, int] | None:
    """
    Return the bytes that each connection to *port* has carried, in both directions, as its server sees it.

    Those that the server has closed already are not among them.

    Returns:
        None where the system does not tell; it tells only of this machine.
    """
    if sys.platform != "linux":
        return None
    try:
        return _ask(socket.AF_INET, port) | _ask(socket.AF_INET6, port)
    except OSError:
        return None


def _ask(family: int, port: int) -> dict[Key, int]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as asking:
        asking.settimeout(PATIENCE_S)
        asking.send(_request(family, port))
        return {key: carried for at, key, carried in _answers(asking) if at == port}


def _request(family: int, port: int) -> bytes:
    wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, 0xFFFFFFFF)
    where = struct.pack("!HH", port, 0) + bytes(36) + b"\xff" * 8
    return _HEADER.pack(_HEADER.size + len(wanted) + len(where), _SOCK_DIAG_BY_FAMILY, _DUMP, 1, 0) + wanted + where


def _answers(asking: socket.socket) -> Iterator[tuple[int, Key, int]]:
    while True:
        data, at = asking.recv(1 << 18), 0
        while at < len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if kind in (_DONE, _ERROR):
                return
            message = data[at + _HEADER.size : at + length]
            if message[1] in _LIVE:
                own, theirs = struct.unpack_from("!HH", message, 4)
                yield own, (message[24:40], theirs), _carried(message)
            at += (length + _ALIGNED) & ~_ALIGNED


def _carried(message: bytes) -> int:
    at = 72
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == _INFO and length >= 4 + _CARRIED_AT + 16:
            return sum(struct.unpack_from("=QQ", message, at + 4 + _CARRIED_AT))
        at += (max(length, 4) + _ALIGNED) & ~_ALIGNED
    return 0
