"""What the API answers: replies, and the errors that become one."""

from __future__ import annotations

import json
from typing import Any

import attrs

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@attrs.frozen
class Reply:
    """A status, a body, its content type, and further lines of the head."""

    status: int
    body: bytes = b""
    kind: str | None = None
    headers: tuple[str, ...] = ()


class ApiError(Exception):
    """A request that is refused: the *message* for people, and the HTTP *status*."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)

    @property
    def fields(self) -> dict[str, Any]:
        return {"error": self.message, "status": self.status}


def bad_body(why: str) -> ApiError:
    """Return the refusal of a body that cannot be read, or holds a value that cannot be."""
    return ApiError(400, f"bad request body: {why}")


def missing_field(what: str) -> ApiError:
    """Return the refusal of a body that lacks a field."""
    return ApiError(400, f"missing required field: {what}")


def refused(error: ApiError) -> Reply:
    """
    Return the reply that tells of *error*.

    Its content type says text although it is JSON: that is what `http.Error` of Go makes of it, and clients know it.
    """
    return text(error.status, encoded(error.fields).decode())


def text(status: int, line: str) -> Reply:
    """Return a reply of one *line*."""
    return Reply(status, f"{line}\n".encode(), TEXT, ("X-Content-Type-Options: nosniff",))


def found(value: object, status: int = 200) -> Reply:
    """Return a reply that holds *value* as JSON."""
    return Reply(status, encoded(value), JSON)


def encoded(value: object) -> bytes:
    """Return *value* as JSON without spaces, safe inside HTML as Go's is."""
    shown = _ENCODER.encode(value)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        shown = shown.replace(character, escape)
    return shown.encode("utf-8", "replace")


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

NOTHING = Reply(204)
