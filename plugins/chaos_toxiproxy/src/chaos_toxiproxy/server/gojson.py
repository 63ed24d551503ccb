"""
Reading JSON as Go does, which is what clients of Toxiproxy were written against.

Keys match whatever their case, unknown keys are passed over, `null` leaves a field as it was, what follows the first
value is not read, and an integer is written as one: neither ``5.0`` nor ``5e3``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chaos_toxiproxy.server.answers import bad_body

LARGEST = 2**63
_SPACE = re.compile(r"[ \t\r\n]*")


class Decimal(float):
    """A number that is not written as an integer of 64 bits, and how it is written."""

    text: str

    def __new__(cls, text: str) -> Decimal:
        made = super().__new__(cls, text)
        made.text = text
        return made


class Object(dict[str, Any]):
    """An object of JSON; its keys are in lower case."""

    def read(self, owner: str, key: str, kind: type, default: Any) -> Any:
        """
        Return the value of *key*, or *default* where there is none.

        Args:
            owner: What the field belongs to, for the error.
            key: Its name, perhaps with the path to it.
            kind: str, bool, int, float, list, dict or `Object`.
            default: What it is otherwise.

        Raises:
            ApiError: It is of another kind.
        """
        value = self.get(key.rpartition(".")[2])
        return default if value is None else checked(value, kind, f"{owner}.{key}")


def read(body: bytes) -> Any:
    """
    Return the first value in *body*.

    Raises:
        ApiError: There is none, or it is not JSON.
    """
    text = body.decode("utf-8", "replace")
    start = _SPACE.match(text)
    begin = start.end() if start else 0
    if begin == len(text):
        raise bad_body("EOF")
    try:
        return _DECODER.raw_decode(text, begin)[0]
    except json.JSONDecodeError as error:
        raise bad_body(_in_words(text, error)) from None
    except (RecursionError, ValueError):
        raise bad_body("exceeded max depth") from None


def read_object(body: bytes, what: str) -> Object:
    """Return the object in *body*; *what* it should describe is for the error."""
    value = read(body)
    return Object() if value is None else _whole(value, Object, what)


def read_array(body: bytes, what: str) -> list[Object]:
    """Return the objects in *body*."""
    value = read(body)
    items = [] if value is None else _whole(value, list, f"[]{what}")
    return [Object() if item is None else _whole(item, Object, what) for item in items]


def checked(value: Any, kind: type, field: str) -> Any:
    """Return *value* if it is of *kind*; *field* is where it stands, for the error."""
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise bad_body(f"json: cannot unmarshal {_kind(value)} into Go struct field {field} of type {_GO_TYPES[kind]}")


def _whole(value: Any, kind: type, what: str) -> Any:
    if isinstance(value, kind):
        return value
    raise bad_body(f"json: cannot unmarshal {_kind(value).split()[0]} into Go value of type {what}")


def _kind(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"number {value.text}"
    return next(name for kind, name in _NAMES.items() if isinstance(value, kind))


def _in_words(text: str, error: json.JSONDecodeError) -> str:
    rest = text[error.pos :].strip()
    if not rest or rest in _BEGUN or error.msg.startswith("Unterminated"):
        return "unexpected EOF"
    where = _WHERE.get(error.msg, "looking for beginning of value")
    return f"invalid character {rest[0]!r} {where}"


def _object(pairs: list[tuple[str, Any]]) -> Object:
    """Return the object of *pairs*: the last one of a key counts, unless it is null."""
    made = Object()
    for key, value in pairs:
        if value is not None or key.lower() not in made:
            made[key.lower()] = value
    return made


def _integer(text: str) -> int | Decimal:
    fits = len(text) <= 20 and -LARGEST <= int(text) < LARGEST
    return int(text) if fits else Decimal(text)


def _constant(name: str) -> float:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)
_BEGUN = {word[:size] for word in ("null", "true", "false", "-") for size in range(1, len(word) + 1)}
_WHERE: Mapping[str, str] = {
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Invalid control character at": "in string literal",
}
_NAMES: Mapping[type, str] = {
    bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"
}  # fmt: skip
_GO_TYPES: Mapping[type, str] = {
    bool: "bool", int: "int64", float: "float32", str: "string", list: "[]interface {}", dict: "map", Object: "struct"
}  # fmt: skip
