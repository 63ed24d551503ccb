"""Addresses of servers, proxies and upstreams, parsed in one place."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

PORT = 8474
"""Where Toxiproxy's API listens unless told otherwise."""

_ADDRESS = re.compile(r"(\[[\w:.%]+\]|[^\s:/\[\]]*):(\d{1,5})")


def split(address: object, *, least: int = 1) -> tuple[str, int]:
    """
    Return host and port of ``"host:port"`` or ``"[::1]:port"``.

    Args:
        address: The text.
        least: The lowest port there may be; 0 stands for any that is free.

    Raises:
        ValueError: It is something else.
    """
    match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if match is None or not least <= int(match[2]) <= 65535:
        raise ValueError(
            f"an address is 'host:port', such as '127.0.0.1:5432', with a port up to 65535, not {address!r}"
        )
    return match[1].strip("[]"), int(match[2])


def joined(host: str, port: int) -> str:
    """Return ``"host:port"``, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def api(url: str) -> tuple[str, int]:
    """
    Return host and port of the API at ``"http://host:port"`` or ``"host:port"``.

    Raises:
        ValueError: It is something else.
    """
    text = url if "://" in url else f"http://{url}"
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "http" or not parts.hostname or port == -1 or parts.path.strip("/") or parts.query:
        raise ValueError(f"a server is 'http://host:port', such as 'http://127.0.0.1:{PORT}', not {url!r}")
    return parts.hostname, PORT if port is None else port


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine and nothing else."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
