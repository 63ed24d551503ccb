"""Parameters of this plugin's parts, parsed and checked in one place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

import attrs

from chaoscore import seconds

OnLoop = Literal["refuse", "block"]
"""What becomes of a plain function that would be held up while an event loop runs in its thread."""

Pattern = Annotated[str, "regular expression"]
"""A regular expression that is searched for in command lines."""

Offset = Annotated[float | int | str | timedelta, "offset"]
"""Seconds, a `timedelta`, or text such as ``"-1h"`` or ``"90s"``; may be negative."""


def arguments(value: Sequence[Any]) -> tuple[Any, ...]:
    """
    Return the arguments of an exception; a text stands for a list of one.

    Raises:
        TypeError: It is no list.
    """
    if isinstance(value, (str, bytes)):
        return (value,)
    if not isinstance(value, Iterable):
        raise TypeError(f"args must be a list of arguments, not {value!r}")
    return tuple(value)


def makes(kind: type[BaseException], args: tuple[Any, ...]) -> None:
    """Raise ValueError where *kind* cannot be made with *args*."""
    try:
        kind(*args)
    except Exception as error:
        raise ValueError(f"{kind.__name__} cannot be made with args {args!r}: {error}") from error


def optional_pattern(value: Pattern | None) -> str | None:
    """Return *value* where it is a regular expression, or None; raises ValueError, TypeError."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"a regular expression is text, not {value!r}")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a regular expression: {error}") from error
    return value


def offset(value: Offset) -> float:
    """
    Return *value* in seconds.

    Raises:
        ValueError: The text has no or another unit, or the offset is zero or not finite.
        TypeError: The value is of another type.
    """
    if isinstance(value, str):
        text = value.strip()
        sign = -1.0 if text.startswith("-") else 1.0
        number = sign * seconds(text.lstrip("+-"))
    elif isinstance(value, timedelta):
        number = value.total_seconds()
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"an offset is seconds, a timedelta, or text such as '-1h', not {value!r}")
    else:
        number = float(value)
    if not number or not math.isfinite(number):
        raise ValueError(f"an offset is not zero and finite, not {value!r}")
    return number


def is_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is not a whole number from 1, as an attrs validator."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{attribute.alias} is a whole number from 1, not {value!r}")


def is_whole(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is not a whole number from 0, as an attrs validator."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{attribute.alias} is a whole number from 0, not {value!r}")


def is_bool(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is not true or false, as an attrs validator."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.alias} is true or false, not {value!r}")


def is_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no text, or an empty one, as an attrs validator."""
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{attribute.alias} is text with something in it, not {value!r}")


def is_on_loop(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is not one of `OnLoop`, as an attrs validator."""
    if value not in ("refuse", "block"):
        raise ValueError(f"{attribute.alias} is 'refuse' or 'block', not {value!r}")
