"""The head of a message: its first line and its headers."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/1\.[01]")
_RESPONSE = re.compile(rb"HTTP/1\.[01] (\d\d\d)(?: .*)?")


_BEGINNING = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}( [\x21-\xff]*( H?T?T?P?/?1?\.?[01]?)?)?")


def may_begin(data: bytes, *, request: bool) -> bool:
    """Tell whether *data* can be the beginning of a message; other protocols must not wait for the end of a head."""
    line, whole, _ = data.partition(b"\r\n")
    if request:
        return bool((_REQUEST if whole else _BEGINNING).fullmatch(line.removesuffix(b"\r")))
    return bool(_RESPONSE.fullmatch(line)) if whole else b"HTTP/1.".startswith(line[:7])


@attrs.frozen
class Asked:
    """What a request asks for: a *method*, and a *path* without its query."""

    method: str
    path: str


@attrs.define
class Head:
    """
    The head of a message.

    Attributes:
        first: Its first line.
        headers: Names and values, in their order.
    """

    first: bytes
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def read(cls, text: bytes) -> Head | None:
        """Return the head that *text* is, without the empty line; None where it is none."""
        first, *lines = text.split(b"\r\n")
        headers = [line.partition(b":") for line in lines]
        if not all(name and colon for name, colon, _ in headers):
            return None
        return cls(first, [(name, value.strip()) for name, _, value in headers])

    def asked(self) -> Asked | None:
        """Return what it asks for; None where it is no request."""
        found = _REQUEST.fullmatch(self.first)
        if found is None:
            return None
        return Asked(found[1].decode(), found[2].partition(b"?")[0].decode("latin-1"))

    def status(self) -> int | None:
        """Return the status; None where it is no response."""
        found = _RESPONSE.fullmatch(self.first)
        return None if found is None else int(found[1])

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header; *name* is in lower case."""
        return [value for each, value in self.headers if each.lower() == name]

    def remove(self, names: Iterable[bytes]) -> None:
        """Remove headers; *names* are in lower case."""
        gone = set(names)
        self.headers = [(name, value) for name, value in self.headers if name.lower() not in gone]

    def put(self, name: bytes, value: bytes) -> None:
        """Give a header this value alone."""
        self.remove([name.lower()])
        self.headers.append((name, value))

    def text(self) -> bytes:
        """Return it as it is sent."""
        lines = [self.first, *(name + b": " + value for name, value in self.headers)]
        return b"\r\n".join(lines) + b"\r\n\r\n"
