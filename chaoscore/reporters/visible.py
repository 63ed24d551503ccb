"""Text from the system under test, made safe to show: nothing in it can move a cursor, hide, or end a table."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

LINE_CHARS = 1_000
"""Longest text that is shown as one value; the JSON report has all of it."""


def visible(text: str, limit: int = LINE_CHARS) -> str:
    """
    Return *text* as one line in which every character that does not print is shown by its escape.

    That takes in control characters, ANSI sequences, line breaks, marks that turn the direction of writing, and halves
    of surrogate pairs.

    Args:
        text: Anything.
        limit: Characters after which it is cut off.
    """
    if len(text) > limit:
        text = f"{text[:limit]}... [{len(text) - limit:,} more characters]"
    return text if text.isprintable() else "".join(map(_escaped, text))


def visible_lines(text: str, last: int) -> Iterator[str]:
    """Yield the *last* lines of a stack or traceback, each made visible, and what was left out before them."""
    lines = text.rstrip().splitlines()
    if len(lines) > last:
        yield f"... {len(lines) - last:,} more lines"
    for line in lines[-last:]:
        yield visible(line.expandtabs(4))


def near(where: str) -> str:
    """Return a place in code with no more of its path than the file and its folder."""
    label, at, path = where.rpartition(" at ")
    parts = path.replace("\\", "/").split("/")
    return visible(label + at + "/".join(parts[-2:]))


def percent(share: float) -> str:
    """Return a share as a percentage that says 0 or 100 only where it is exactly that."""
    if 0 < share < 0.0001:
        return "< 0.01%"
    if 0.9999 < share < 1:
        return "> 99.99%"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def date(wall: float) -> str:
    """Return seconds since 1970-01-01 as a date and time in UTC."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall))
    except (OSError, OverflowError, ValueError):
        return f"{wall} s since 1970"


def count(number: int, noun: str) -> str:
    """Return *number* with its noun: ``'1 finding'``, ``'1,204 findings'``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def encodable(text: str, encoding: str | None) -> str:
    """Return *text* with escapes for what *encoding* does not know."""
    name = encoding or sys.getdefaultencoding()
    return text.encode(name, "backslashreplace").decode(name)


def wants_color() -> bool:
    """Tell whether the user's environment allows colour; see no-color.org."""
    return not os.environ.get("NO_COLOR")


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
