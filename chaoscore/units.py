"""Durations, sizes and probabilities as people write them, parsed in one place."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Annotated

Duration = Annotated[float | int | str | timedelta, "duration"]
"""Seconds as a number, a `timedelta`, or text such as ``"250ms"`` or ``"1h30m"``."""

Size = Annotated[int | str, "size"]
"""Bytes as a whole number, or text such as ``"64KiB"`` or ``"1.5GB"``."""

Probability = Annotated[float | int | str, "probability"]
"""A number from 0 to 1, or text such as ``"5%"``."""

LONGEST_S = 3e9
"""The longest duration, about 95 years: sleeping overflows at three times that."""

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = (
    {"B": 1}
    | {f"{p}B": 1000**i for i, p in enumerate("kMGT", 1)}
    | {f"{p}iB": 1024**i for i, p in enumerate("KMGT", 1)}
)
_BYTES["KB"] = 1000
_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_DURATION_PART = re.compile(rf"({_NUMBER})\s*(ns|us|µs|ms|s|m|h|d)\s*")
_SIZE = re.compile(rf"({_NUMBER})\s*({'|'.join(_BYTES)})")
_PERCENT = re.compile(rf"({_NUMBER})\s*%")


def seconds(value: Duration) -> float:
    """
    Return *value* in seconds.

    Raises:
        ValueError: The text has no or another unit, or the duration is negative or above `LONGEST_S`.
        TypeError: The value is of another type.
    """
    shown = value
    if isinstance(value, timedelta):
        value = value.total_seconds()
    elif isinstance(value, str):
        value = _parse_duration(value)
    number = _number(value, "a duration", "seconds, a timedelta, or text such as '250ms'")
    if not 0 <= number < math.inf:
        raise ValueError(f"a duration must be finite and not negative, not {shown!r}")
    if number > LONGEST_S:
        raise ValueError(f"a duration must be at most {LONGEST_S:g} s (about 95 years), not {shown!r}")
    return number


def optional_seconds(value: Duration | None) -> float | None:
    """Return *value* in seconds, or None where it is None."""
    return None if value is None else seconds(value)


def size_bytes(value: Size) -> int:
    """
    Return *value* in bytes.

    Raises:
        ValueError: The text has no or another unit, or the size is negative.
        TypeError: The value is of another type.
    """
    if isinstance(value, str):
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a size; write a number and one of {', '.join(_BYTES)}, such as '64MiB'")
        return _bytes(match[1], _BYTES[match[2]])
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"a size is a whole number of bytes or text such as '64MiB', not {value!r}")
    if value < 0:
        raise ValueError(f"a size must not be negative: {value!r}")
    return value


def optional_bytes(value: Size | None) -> int | None:
    """Return *value* in bytes, or None where it is None."""
    return None if value is None else size_bytes(value)


def probability(value: Probability) -> float:
    """
    Return *value* as a number from 0 to 1.

    Raises:
        ValueError: It lies outside, or the text is no percentage.
        TypeError: The value is of another type.
    """
    shown = value
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a probability; write a number from 0 to 1, or text such as '5%'")
        value = float(match[1]) / 100
    number = _number(value, "a probability", "a number from 0 to 1, or text such as '5%'")
    if not 0 <= number <= 1:
        raise ValueError(f"a probability lies between 0 and 1 (or '0%' and '100%'), not {shown!r}")
    return number


def show_seconds(value: float) -> str:
    """Return *value* seconds as short text in the unit that fits: ``'12.3 ms'``."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= factor:
            rounded = float(f"{value / factor:.3g}")  # as a number again: three digits of 999.9 are 1e+03
            return f"{rounded:g} {unit}" if value < 1000 else f"{value:,.0f} s"
    return f"{value / 1e-9:.0f} ns" if value else "0 s"


def show_bytes(value: float) -> str:
    """Return *value* bytes as short text in the binary unit that fits: ``'64.0 MiB'``."""
    for unit, digits in (("B", 0), ("KiB", 1), ("MiB", 1), ("GiB", 1)):
        if abs(round(value, digits)) < 1024:
            return f"{value:.{digits}f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _parse_duration(text: str) -> float:
    total, at = 0.0, 0
    stripped = text.strip()
    while at < len(stripped):
        match = _DURATION_PART.match(stripped, at)
        if match is None:
            break
        total += float(match[1]) * _SECONDS[match[2]]
        at = match.end()
    if at == 0 or at < len(stripped):
        hint = (
            f"; {stripped!r} has no unit, did you mean {stripped + 's'!r}?" if re.fullmatch(_NUMBER, stripped) else ""
        )
        raise ValueError(
            f"{text!r} is not a duration; write numbers with ns, us, ms, s, m, h or d, such as '1m30s'{hint}"
        )
    return total


def _number(value: object, what: str, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} is {expected}, not {value!r}")
    try:
        return float(value)
    except OverflowError:  # an int beyond all floats; the range checks refuse it as what it was
        return math.inf if value > 0 else -math.inf


def _bytes(number: str, factor: int) -> int:
    """Return *number* times *factor*: exactly where it is whole, and ValueError where it is beyond all floats."""
    if number.isdecimal():
        return int(number) * factor
    size = float(number) * factor
    if size == math.inf:
        raise ValueError(f"a size must be finite, not {number}")
    return int(size)
