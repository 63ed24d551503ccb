"""Changes headers of requests or responses."""

from __future__ import annotations

from typing import Any

import attrs

from chaos_toxiproxy.server.gojson import Object
from chaos_toxiproxy.server.http.heads import Head
from chaos_toxiproxy.server.http.stages import HttpSettings, HttpStage


class HttpHeadersStage(HttpStage["HttpHeaders"]):
    """Gives headers other values, and removes some."""

    __slots__ = ()

    def meet(self, head: Head) -> None:
        for name, value in self.settings.headers.items():
            if value is None:
                head.remove([name.encode("latin-1")])
            else:
                head.put(name.encode("latin-1"), value.encode("latin-1"))


def _sendable(_: object, field: attrs.Attribute[Any], headers: Object) -> None:
    for name, value in headers.items():
        named = name and ":" not in name
        if not named or not (value is None or isinstance(value, str)) or not _fits(f"{name}{value or ''}"):
            raise ValueError(f"{field.name} maps names to text, or to null to remove them, not {name!r} to {value!r}")


def _fits(text: str) -> bool:
    return "\r" not in text and "\n" not in text and all(ord(each) < 256 for each in text)


@attrs.frozen(kw_only=True)
class HttpHeaders(HttpSettings):
    """
    Change headers.

    Attributes:
        headers: Names, with a text each; null removes a header.
    """

    type = "http_headers"
    stage = HttpHeadersStage

    headers: Object = attrs.field(factory=Object, validator=_sendable, metadata={"kind": Object})
