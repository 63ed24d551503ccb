"""What stands in the brackets behind an action: how each action's arguments are read and written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from chaos_failpoint.errors import ParseError
from chaos_failpoint.grammar.literals import EXPECTED, read_literal, write_literal
from chaos_failpoint.grammar.reading import Cursor

Args = tuple[Any, ...]

CORRUPTIONS = ("none", "bitflip", "truncate", "swap", "nan", "empty")
"""The kinds of corruption that need no function."""

MOST_NS = 2**63 - 1
"""The longest duration, as in Go: 292 years."""

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_MILLISECONDS = re.compile(r"[0-9]+(?![\w.])")
_DURATION_PART = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(sorted(_UNITS, key=len, reverse=True))})")
_TARGET = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*(?::[^\W\d]\w*(?:\.[^\W\d]\w*)*)?(?![\w.:])")
_QUOTES = "\"'"


@attrs.frozen
class Shape:
    """
    How the arguments of an action are read and written.

    Attributes:
        expected: What may stand in the brackets, in words.
        read: Reads them; the cursor ends where the bracket closes.
        write: Returns them as text; an empty one stands for no brackets.
        needed: Whether there must be some.
    """

    expected: str
    read: Callable[[Cursor], Args]
    write: Callable[[Args], str]
    needed: bool = False


def read_value(cursor: Cursor) -> Args:
    """Read one literal, a tuple without its brackets, or a text without its quotes."""
    raw = cursor.rest
    quoted = raw[:1] in tuple(_QUOTES) or raw[:2].lower() in tuple(f"b{each}" for each in _QUOTES)
    try:
        items = _listed(cursor)
    except ParseError:
        if quoted:
            raise
        cursor.at = cursor.end
        return (raw,)
    return (items[0],) if len(items) == 1 else (tuple(items),)


def _listed(cursor: Cursor) -> list[Any]:
    items = [read_literal(cursor)]
    while cursor.take(","):
        items.append(read_literal(cursor))
    if not cursor.ended():
        raise cursor.error("',' or the closing ')'")
    return items


def read_duration(cursor: Cursor) -> Args:
    """Read milliseconds as a whole number, or a duration with units, in quotes or without; return nanoseconds."""
    quoted = cursor.peek() in tuple(_QUOTES)
    inner = cursor
    if quoted:
        began = cursor.at + 1
        read_literal(cursor)
        inner = Cursor(cursor.text, began, cursor.at - 1)
    whole = None if quoted else inner.match(_MILLISECONDS)
    begins = inner.at
    nanoseconds = int(whole[0]) * 10**6 if whole else _with_units(inner)
    if nanoseconds > MOST_NS:
        raise cursor.error("a duration of at most 292 years", begins)
    return (nanoseconds,)


def _with_units(cursor: Cursor) -> int:
    total, part = 0, cursor.match(_DURATION_PART)
    while part is not None:
        whole, _, fraction = part[1].partition(".")
        total += int(f"{whole}{fraction}") * _UNITS[part[2]] // 10 ** len(fraction)
        part = cursor.match(_DURATION_PART)
    if cursor.at == 0 or cursor.text[cursor.at - 1] not in "smh" or not cursor.ended():
        raise cursor.error(DURATION.expected)
    return total


def _write_duration(args: Args) -> str:
    if not args:
        return ""
    nanoseconds = args[0]
    return str(nanoseconds // 10**6) if nanoseconds % 10**6 == 0 else f"{nanoseconds}ns"


def _read_call(cursor: Cursor) -> Args:
    target = _read_target(cursor)
    return (target, *(_listed(cursor) if cursor.take(",") and not cursor.ended() else ()))


def _read_target(cursor: Cursor) -> str:
    found = cursor.match(_TARGET)
    if found is None:
        raise cursor.error("a dotted name such as ConnectionResetError or package.module:name")
    return found[0]


def _write_call(args: Args) -> str:
    return ", ".join([args[0], *map(write_literal, args[1:])])


def _read_corruption(cursor: Cursor) -> Args:
    cursor.skip_blanks()
    began = cursor.at
    args = _read_call(cursor)
    is_path = "." in args[0] or ":" in args[0]
    if not is_path and (args[0] not in CORRUPTIONS or len(args) > 1):
        raise cursor.error(f"{CORRUPTION.expected}, which alone takes more arguments", began, CORRUPTIONS)
    return args


def _read_name(cursor: Cursor) -> Args:
    name = read_value(cursor)[0] if cursor.peek() in tuple(_QUOTES) else cursor.rest
    if not isinstance(name, str) or not name:
        raise cursor.error(NAME.expected)
    cursor.at = cursor.end
    return (name,)


def _read_exit(cursor: Cursor) -> Args:
    cursor.skip_blanks()
    began, code = cursor.at, read_literal(cursor)
    if isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 255:
        raise cursor.error(EXIT.expected, began)
    return (code,)


def _read_signal(cursor: Cursor) -> Args:
    import signal  # only for those who send one

    cursor.skip_blanks()
    began, given = cursor.at, read_value(cursor)[0]
    known = {each.name: each.value for each in signal.Signals}
    if not isinstance(given, bool) and (given in known or given in known.values()):
        return (given,)
    raise cursor.error(SIGNAL.expected, began, known)


def _nothing(cursor: Cursor) -> Args:
    raise cursor.error("no argument")


def _write_values(args: Args) -> str:
    return ", ".join(map(write_literal, args))


NOTHING = Shape("no argument", _nothing, _write_values)
VALUE = Shape(f"{EXPECTED}, or plain text", read_value, _write_values)
DURATION = Shape("milliseconds as a whole number, or a duration such as 1m30s", read_duration, _write_duration, True)
CAP = Shape(DURATION.expected, read_duration, _write_duration)
CALL = Shape("a dotted name, and literals after it", _read_call, _write_call, True)
CORRUPTION = Shape(f"{', '.join(CORRUPTIONS)}, or the path of a function", _read_corruption, _write_call, True)
NAME = Shape("the name of a failpoint", _read_name, _write_values, True)
EXIT = Shape("an exit code from 0 to 255", _read_exit, _write_values)
SIGNAL = Shape("a signal such as SIGKILL or 9", _read_signal, _write_values)

ACTIONS = {
    "off": NOTHING,
    "return": VALUE,
    "sleep": DURATION,
    "delay": DURATION,
    "panic": VALUE,
    "break": NOTHING,
    "print": VALUE,
    "pause": CAP,
    "yield": NOTHING,
    "raise": CALL,
    "cancel": VALUE,
    "corrupt": CORRUPTION,
    "call": CALL,
    "wait": NAME,
    "exit": EXIT,
    "kill": SIGNAL,
}
"""What each action takes; the first nine are those of fail(9), gofail, pingcap/failpoint and fail-rs."""
