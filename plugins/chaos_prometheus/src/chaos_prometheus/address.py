"""Where metrics can be had."""

from __future__ import annotations

import re

import attrs

PORT = 9464
"""What exporters of OpenTelemetry use as well: free on most machines, and found by whoever looks for metrics."""

HOST = "127.0.0.1"

_TEXT = re.compile(r"(?:(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+):)?(\d{1,5})")


@attrs.frozen
class Address:
    """
    A host and a port.

    Attributes:
        host: A name or an address of this machine; `HOST` reaches nobody but this machine.
        port: 0 to 65535; 0 lets the system choose.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_text(given: int | str) -> str:
    """
    Return *given*, which is ``9464``, ``"9464"``, ``"0.0.0.0:9464"`` or ``"[::1]:9464"``, as ``HOST:PORT``.

    Raises:
        TypeError: It is neither text nor a whole number.
        ValueError: It is not of that form.
    """
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        raise TypeError(f"address: expected PORT or HOST:PORT, not {given!r}")
    match = _TEXT.fullmatch(str(given).strip())
    if match is None or int(match[2]) > 65535:
        raise ValueError(f"address: expected PORT or HOST:PORT, such as {PORT} or {HOST}:{PORT}, not {given!r}")
    return str(Address((match[1] or HOST).strip("[]"), int(match[2])))


def parsed(text: str) -> Address:
    """Return what `address_text` has made."""
    host, _, port = text.rpartition(":")
    return Address(host.strip("[]"), int(port))
