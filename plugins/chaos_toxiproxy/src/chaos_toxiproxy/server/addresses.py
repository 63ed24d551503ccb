"""Addresses as Go writes them: ``127.0.0.1:80``, ``[::1]:80``, ``localhost:80``, ``:80``, or nothing at all."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from functools import lru_cache
from typing import Any

import attrs

from chaos_toxiproxy.server.answers import ApiError

RESOLVE_S = 5.0
"""How long a name may take to become an address."""

_WORDS = {
    errno.EADDRINUSE: "address already in use",
    errno.EADDRNOTAVAIL: "cannot assign requested address",
    errno.EACCES: "permission denied",
}


@attrs.frozen
class Address:
    """A numeric host, of which the empty one means every interface, and a port."""

    host: str
    port: int

    @classmethod
    def of(cls, name: tuple[Any, ...]) -> Address:
        """Return what the *name* of a socket is, such as ``("127.0.0.1", 80)``."""
        return cls(str(name[0]), int(name[1]))

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if not self.host or ":" in self.host else socket.AF_INET

    @property
    def loopback(self) -> bool:
        return bool(self.host) and ipaddress.ip_address(self.host.partition("%")[0]).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def split(text: str) -> tuple[str, int]:
    """
    Return host and port of an address.

    Raises:
        ValueError: It has no port, or none that can be.
    """
    if not text:
        return "", 0
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (text.startswith("[") and not bracketed):
        raise ValueError(f"address {text}: missing port in address")
    if ":" in host and not bracketed:
        raise ValueError(f"address {text}: too many colons in address")
    if not port.isascii() or not (port or "0").isdecimal() or int(port or 0) > 65535:
        raise ValueError(f"address {port}: invalid port" if port.isdecimal() else f"lookup tcp/{port}: unknown port")
    return host.removeprefix("[").removesuffix("]"), int(port or 0)


async def resolved(text: str, operation: str) -> Address:
    """
    Return the address that *text* stands for.

    Args:
        text: An address, whose host may be a name.
        operation: What is wanted of it, for the error.

    Raises:
        ApiError: It cannot be understood, or its name not be resolved.
    """
    try:
        host, port = split(text)
        return Address(host and (await candidates(host))[0], port)
    except (ValueError, OSError) as error:
        raise ApiError(500, f"{operation}{error}") from None


async def candidates(host: str) -> list[str]:
    """
    Return the numeric addresses of *host*, IPv4 first.

    Raises:
        OSError: It has none, or nobody answers the question in `RESOLVE_S` seconds.
    """
    if numeric(host):
        return [host]
    if host in ("", "localhost"):  # without asking, as the name may not stand for anything else
        return ["127.0.0.1", "::1"]
    question = asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    try:
        answers = await asyncio.wait_for(question, RESOLVE_S)
    except (OSError, UnicodeError, TimeoutError):
        raise OSError(f"lookup {host}: no such host") from None
    return sorted({str(answer[4][0]) for answer in answers}, key=lambda each: (":" in each, each))


@lru_cache(maxsize=1024)
def numeric(host: str) -> bool:
    """Tell whether *host* is an address and not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def bound(address: Address, kind: socket.SocketKind) -> socket.socket:
    """
    Return a socket that is bound there and does not block; a TCP socket listens.

    Raises:
        ApiError: The port is taken, or the address not ours.
    """
    try:
        if not address.host and not socket.has_dualstack_ipv6():
            address = attrs.evolve(address, host="0.0.0.0")  # noqa: S104 - every interface is what was asked for
        return _bound(address, kind)
    except OSError as error:
        network = "tcp" if kind is socket.SOCK_STREAM else "udp"
        why = _WORDS.get(error.errno or 0) or os.strerror(error.errno or 0).lower()
        raise ApiError(500, f"listen {network} {address}: bind: {why}") from None


def _bound(address: Address, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(address.family, kind)
    try:
        sock.setblocking(False)
        if address.family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(address.host)))
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
        sock.bind((address.host or "::", address.port))
        if kind is socket.SOCK_STREAM:
            sock.listen(socket.SOMAXCONN)
    except OSError:
        sock.close()
        raise
    return sock
