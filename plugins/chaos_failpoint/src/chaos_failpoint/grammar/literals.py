"""Literals as Go and Python write them: read without evaluating anything, and written so that they can be read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chaos_failpoint.grammar.reading import Cursor

DEPTH = 30
"""How deep lists, tuples, sets and dicts may be nested."""

EXPECTED = 'a literal such as 5, 1.5, true, None, "text" or [1, 2]'

_NUMBER = re.compile(
    r"[+-]?(?:(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)"
    r"|([0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?))(?![\w.])"
)
_NAMES = {"true": True, "True": True, "false": False, "False": False, "None": None}
_NAME = re.compile(rf"({'|'.join(_NAMES)})(?![\w.])")
_STRING = re.compile(r"""([bB]?)(["'])""")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_CODED = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})")


def read_literal(cursor: Cursor, depth: int = 0) -> Any:
    """Read the literal that comes next; raises `ParseError` where there is none."""
    if depth > DEPTH:
        raise cursor.error(f"at most {DEPTH} brackets within one another")
    if (name := cursor.match(_NAME)) is not None:
        return _NAMES[name[1]]
    if (quote := cursor.match(_STRING)) is not None:
        text = _text(cursor, quote[2], is_bytes=bool(quote[1]))
        return text.encode("latin-1") if quote[1] else text
    if (number := cursor.match(_NUMBER)) is not None:
        return _number(cursor, number)
    read = _BRACKETS.get(cursor.peek())
    if read is None:
        raise cursor.error(EXPECTED)
    return read(cursor, depth + 1)


def _number(cursor: Cursor, match: re.Match[str]) -> int | float:
    text = match[0].replace("_", "")
    if match[1]:
        return int(text, 0)
    try:
        return int(text)
    except ValueError:
        return float(text)


def _text(cursor: Cursor, quote: str, *, is_bytes: bool) -> str:
    """Read up to the closing *quote*."""
    began = cursor.at - 1
    parts: list[str] = []
    while cursor.at < cursor.end:
        each = cursor.text[cursor.at]
        cursor.at += 1
        if each == quote:
            return "".join(parts)
        if is_bytes and each > "\x7f":
            raise cursor.error("bytes in ASCII or as \\xHH", cursor.at - 1)
        parts.append(_escaped(cursor, is_bytes=is_bytes) if each == "\\" else each)
    raise cursor.error(f"a closing {quote} for the text that begins here", began)


def _escaped(cursor: Cursor, *, is_bytes: bool) -> str:
    began = cursor.at - 1
    each = cursor.text[cursor.at : cursor.at + 1] if cursor.at < cursor.end else ""
    if each in _ESCAPES and each:
        cursor.at += 1
        return _ESCAPES[each]
    coded = _CODED.match(cursor.text, cursor.at, cursor.end)
    if coded is not None:
        number = int(coded[4], 8) if coded[4] else int(coded[1] or coded[2] or coded[3], 16)
        if number <= (0xFF if is_bytes else 0x10FFFF):
            cursor.at = coded.end()
            return chr(number)
    raise cursor.error('an escape such as \\n, \\" or \\x41', began)


def _items(cursor: Cursor, closing: str, read: Callable[[], Any]) -> tuple[list[Any], bool]:
    """Read what stands between here and *closing*, and tell whether a comma came last."""
    items: list[Any] = []
    comma = True
    while not cursor.take(closing):
        if not comma:
            raise cursor.error(f"',' or '{closing}'")
        items.append(read())
        comma = cursor.take(",")
    return items, comma and bool(items)


def _list(cursor: Cursor, depth: int) -> list[Any]:
    cursor.need("[", EXPECTED)
    return _items(cursor, "]", lambda: read_literal(cursor, depth))[0]


def _tuple(cursor: Cursor, depth: int) -> Any:
    cursor.need("(", EXPECTED)
    items, comma = _items(cursor, ")", lambda: read_literal(cursor, depth))
    return items[0] if len(items) == 1 and not comma else tuple(items)


def _dict_or_set(cursor: Cursor, depth: int) -> dict[Any, Any] | set[Any]:
    """Read a dict or a set; what the first item is decides."""
    cursor.need("{", EXPECTED)
    pairs: list[bool] = []

    def item() -> Any:
        key = _hashable(cursor, depth)
        pairs.append(cursor.take(":"))
        if pairs[-1] != pairs[0]:
            raise cursor.error("':' after every key of a dict, and none in a set")
        return (key, read_literal(cursor, depth)) if pairs[0] else key

    items, _ = _items(cursor, "}", item)
    return set(items) if pairs and not pairs[0] else dict(items)


def _hashable(cursor: Cursor, depth: int) -> Any:
    cursor.skip_blanks()
    began = cursor.at
    key = read_literal(cursor, depth)
    try:
        hash(key)
    except TypeError:
        raise cursor.error("a key or an element that is not a list, dict or set", began) from None
    return key


_BRACKETS: dict[str, Callable[[Cursor, int], Any]] = {"[": _list, "(": _tuple, "{": _dict_or_set}


# -- writing


def write_literal(value: object) -> str:
    """
    Return *value* as text that `read_literal` turns into an equal value.

    Raises:
        TypeError: It is of a type that has no literals.
    """
    if value is None or isinstance(value, bool):
        return {None: "None", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value).replace("inf", "1e999")
    if isinstance(value, (str, bytes)):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    return _bracketed(value)


def _bracketed(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{write_literal(k)}: {write_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple, set)) and (value or not isinstance(value, set)):
        items = ", ".join(map(write_literal, value))
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        opening, closing = _AROUND[type(value)]
        return f"{opening}{items}{comma}{closing}"
    raise TypeError(f"{value!r} has no literal")


_AROUND: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}


def _quoted(value: str | bytes) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    written = "".join(_character(each, ascii_only=isinstance(value, bytes)) for each in text)
    return f'b"{written}"' if isinstance(value, bytes) else f'"{written}"'


def _character(each: str, *, ascii_only: bool) -> str:
    short = _SHORT.get(each)
    if short is not None:
        return short
    if each.isprintable() and (each.isascii() or not ascii_only):
        return each
    number = ord(each)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
