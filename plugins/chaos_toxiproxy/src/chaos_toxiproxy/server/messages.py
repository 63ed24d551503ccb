"""Requests as they come over a connection of HTTP/1.1."""

from __future__ import annotations

import re
from http import HTTPStatus

import attrs

from chaos_toxiproxy.server.answers import text

MOST_HEAD_BYTES = 64 * 1024
MOST_BODY_BYTES = 16 * 1024 * 1024

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_END_OF_TRAILER = b"\r\n\r\n"
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class BadRequestError(Exception):
    """What came is no request, or too much; *reply* says so, and the connection is of no use any more."""

    def __init__(self, status: int, why: str = "") -> None:
        phrase = HTTPStatus(status).phrase
        self.reply = text(status, f"{status} {phrase}: {why}" if why else f"{status} {phrase}")
        super().__init__(why or phrase)


@attrs.frozen
class Message:
    """
    A request, whole.

    Attributes:
        method: As in GET.
        path: Without the query.
        query: What stands behind the question mark.
        headers: Their names are in lower case; of several the last counts.
        body: What was sent, without the framing.
        length: How many bytes of the connection it took.
        keep: The connection is kept for another request.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    length: int
    keep: bool


@attrs.frozen
class Incomplete:
    """More has to come; the client may be waiting to be told to go on."""

    waits: bool = False


def read(received: bytearray) -> Message | Incomplete:
    """
    Return the first request in *received*.

    Raises:
        BadRequestError: It is none, or longer than it may be.
    """
    end = _END_OF_HEAD.search(received)
    if end is None:
        if len(received) > MOST_HEAD_BYTES:
            raise BadRequestError(431)
        return Incomplete()
    method, target, version, headers = _head(bytes(received[: end.start()]).decode("latin-1"))
    body = _body(received, end.end(), headers)
    if body is None:
        return Incomplete(headers.get("expect", "").lower() == "100-continue")
    path, _, query = target.partition("?")
    if _BAD_ESCAPE.search(path):
        raise BadRequestError(400)
    asked = headers.get("connection", "").lower()
    keep = "close" not in asked and (version != "HTTP/1.0" or "keep-alive" in asked)
    return Message(method, path, query, headers, *body, keep)


def _head(head: str) -> tuple[str, str, str, dict[str, str]]:
    first, *lines = head.replace("\r\n", "\n").lstrip("\n").split("\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError(400)
    origin = _ORIGIN.match(words[1])
    target = words[1][origin.end() :] if origin else words[1]
    if not target.startswith("/"):
        raise BadRequestError(400)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError(400, "malformed header")
        headers[name.lower()] = value.strip()
    return words[0], target, words[2], headers


def _body(received: bytearray, begin: int, headers: dict[str, str]) -> tuple[bytes, int] | None:
    """Return the body and where it ends, or None where more has to come."""
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked":
            raise BadRequestError(501, "unsupported transfer encoding")
        return _chunks(received, begin)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise BadRequestError(400, "bad Content-Length")
    if len(length) > 10 or int(length) > MOST_BODY_BYTES:
        raise BadRequestError(413)
    end = begin + int(length)
    return (bytes(received[begin:end]), end) if len(received) >= end else None


def _chunks(received: bytearray, begin: int) -> tuple[bytes, int] | None:
    body = bytearray()
    while True:
        if len(body) > MOST_BODY_BYTES:
            raise BadRequestError(413)
        size = _SIZE.match(received, begin)
        if size is None:
            if received.find(b"\r\n", begin) >= 0 or len(received) - begin > MOST_HEAD_BYTES:
                raise BadRequestError(400, "malformed chunk")
            return None
        begin = size.end()
        if not int(size[1], 16):
            return _trailer(received, begin, bytes(body))
        end = begin + int(size[1], 16)
        if len(received) < end + 2:
            if end - begin > MOST_BODY_BYTES:
                raise BadRequestError(413)
            return None
        body += received[begin:end]
        begin = end + 2


def _trailer(received: bytearray, begin: int, body: bytes) -> tuple[bytes, int] | None:
    if received.startswith(b"\r\n", begin):
        return body, begin + 2
    end = received.find(_END_OF_TRAILER, begin)
    return None if end < 0 else (body, end + len(_END_OF_TRAILER))
