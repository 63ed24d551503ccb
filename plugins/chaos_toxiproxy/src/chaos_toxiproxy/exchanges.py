"""Faults of HTTP requests and responses, which only the embedded server has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import attrs

from chaos_toxiproxy.packets import chance
from chaos_toxiproxy.striking import Poisons
from chaos_toxiproxy.toxics import some_ms, to_ms


def _method(value: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]*", value):
        raise ValueError(f"method is a word such as 'GET', or '' for any, not {value!r}")
    return value.upper()


def _path(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"path is a text such as '/orders/*', not {value!r}")
    return value


@attrs.frozen(kw_only=True)
class Exchange(Poisons):
    """
    Strike HTTP messages: downstream the responses, upstream the requests.

    Attributes:
        method: Of the request, such as ``"GET"``; empty: any.
        path: Of the request, without its query, ``*`` stands for anything; empty: any.
        probability: Chance of a message that matches to be struck, above 0, up to 1.
    """

    method: str = attrs.field(default="", converter=_method)
    path: str = attrs.field(default="", converter=_path)
    probability: float = attrs.field(default=1.0, converter=chance)

    def sent(self) -> Mapping[str, Any]:
        """Return which messages are meant, and what happens to them."""
        return {"method": self.method, "path": self.path, "probability": self.probability, **self.change()}

    def change(self) -> Mapping[str, Any]:
        """Return what happens to a message that is struck."""
        return {}


def _status(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"status is a whole number, 200 to 599, not {value!r}")
    if not 200 <= value <= 599:
        raise ValueError(f"status is a whole number, 200 to 599, not {value!r}")
    return value


@attrs.frozen
class HttpStatus(Exchange):
    """
    Give responses another status; headers and body stay.

    Attributes:
        status: 200 to 599.
    """

    kind: ClassVar[str] = "toxiproxy.http_status"
    toxic: ClassVar[str] = "http_status"

    status: int = attrs.field(default=503, converter=_status)

    def __attrs_post_init__(self) -> None:
        if self.stream != "downstream":
            raise ValueError(f"stream must be 'downstream', as only responses have a status, not {self.stream!r}")

    def change(self) -> Mapping[str, Any]:
        """Return the status."""
        return {"status": self.status}


@attrs.frozen
class HttpDelay(Exchange):
    """
    Let messages wait, and those behind them.

    Attributes:
        delay_s: How long; whole milliseconds.
    """

    kind: ClassVar[str] = "toxiproxy.http_delay"
    toxic: ClassVar[str] = "http_delay"

    delay_s: float = attrs.field(converter=some_ms, alias="delay")

    def change(self) -> Mapping[str, Any]:
        """Return milliseconds."""
        return {"delay": to_ms(self.delay_s)}


@attrs.frozen
class HttpAbort(Exchange):
    """Reset the connection instead of passing a message on: upstream before the request arrives."""

    kind: ClassVar[str] = "toxiproxy.http_abort"
    toxic: ClassVar[str] = "http_abort"


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"body is a text, not {value!r}")
    return value


@attrs.frozen
class HttpBody(Exchange):
    """
    Replace the body of messages, and their length with it.

    Attributes:
        body: What comes instead, as UTF-8.
    """

    kind: ClassVar[str] = "toxiproxy.http_body"
    toxic: ClassVar[str] = "http_body"

    body: str = attrs.field(converter=_text)

    def change(self) -> Mapping[str, Any]:
        """Return the body."""
        return {"body": self.body}


def _headers(value: Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise TypeError(f"headers are a mapping of names to text, and '' removes one, not {value!r}")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str) or not re.fullmatch(r"[\w-]+", name, re.ASCII):
            raise TypeError(f"headers map names to text, and '' removes one, not {name!r} to {text!r}")
        if not text.isprintable() or any(ord(each) > 255 for each in text):
            raise ValueError(f"headers: {name!r} cannot be {text!r}; it is one line of Latin-1")
    return MappingProxyType(dict(value))


@attrs.frozen
class HttpHeaders(Exchange):
    """
    Change headers of messages.

    Attributes:
        headers: Maps names to what they are set to; empty: removed.
    """

    kind: ClassVar[str] = "toxiproxy.http_headers"
    toxic: ClassVar[str] = "http_headers"

    headers: Mapping[str, str] = attrs.field(converter=_headers)

    def change(self) -> Mapping[str, Any]:
        """Return the headers, those to remove as null."""
        return {"headers": {name: text or None for name, text in self.headers.items()}}
