"""Values that are changed a little, or altogether: each function returns a new value, or the same where it cannot."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

Draw = Callable[[], float]
"""Returns the next seeded number in [0, 1)."""


def none(value: Any, draw: Draw) -> Any:
    """Return None."""
    return None


def empty(value: Any, draw: Draw) -> Any:
    """Return an empty text, list, mapping and so on; the same for what cannot be empty."""
    if isinstance(value, (str, bytes, bytearray, list, tuple, dict, set, frozenset)) and not hasattr(value, "_fields"):
        return type(value)()
    return value


def bitflip(value: Any, draw: Draw) -> Any:
    """Return a number, text or bytes with one bit flipped, or a container in which that happened to one element."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << _index(draw, max(8, value.bit_length())))
    if isinstance(value, float):
        return _flipped_float(value, draw)
    if isinstance(value, (bytes, bytearray)) and value:
        at = _index(draw, len(value))
        return value[:at] + bytes([value[at] ^ (1 << _index(draw, 8))]) + value[at + 1 :]
    if isinstance(value, str) and value:
        at = _index(draw, len(value))
        return value[:at] + chr(ord(value[at]) ^ (1 << _index(draw, 7))) + value[at + 1 :]
    return _within(value, draw, bitflip)


def truncate(value: Any, draw: Draw) -> Any:
    """Return the beginning of a text, bytes, list, tuple or mapping; never all of it."""
    if isinstance(value, (str, bytes, bytearray, list, tuple)) and value and not hasattr(value, "_fields"):
        return value[: _index(draw, len(value))]
    if isinstance(value, dict) and value:
        keep = _index(draw, len(value))
        shorter = copy(value)
        for key in list(value)[keep:]:
            del shorter[key]
        return shorter
    return value


def swap(value: Any, draw: Draw) -> Any:
    """Return a text, bytes, list, tuple or mapping in which two elements have changed places."""
    if isinstance(value, dict):
        pair = _pair(list(value.values()), draw)
        if pair is None:
            return value
        keys = list(value)
        one, other = keys[pair[0]], keys[pair[1]]
        swapped = copy(value)
        swapped[one], swapped[other] = value[other], value[one]
        return swapped
    if not isinstance(value, (str, bytes, bytearray, list, tuple)):
        return value
    items: list[Any] = list(value)
    pair = _pair(items, draw)
    if pair is None:
        return value
    items[pair[0]], items[pair[1]] = items[pair[1]], items[pair[0]]
    return "".join(items) if isinstance(value, str) else _rebuilt(value, items)


def nan(value: Any, draw: Draw) -> Any:
    """Return NaN for a number, or a container in which one number has become NaN."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return math.nan
    if isinstance(value, Decimal):
        return Decimal("NaN")
    return _within(value, draw, nan)


WAYS: Mapping[str, Callable[[Any, Draw], Any]] = {
    "none": none,
    "bitflip": bitflip,
    "truncate": truncate,
    "swap": swap,
    "nan": nan,
    "empty": empty,
}


def same(one: Any, other: Any) -> bool:
    """Tell whether a corruption has left a value as it was; by identity first, since equality is others' code."""
    if one is other:
        return True
    return type(one) is type(other) and isinstance(one, (str, bytes, list, tuple, dict)) and not one and not other


def _index(draw: Draw, length: int) -> int:
    return int(draw() * length)


def _flipped_float(value: float, draw: Draw) -> float:
    [bits] = struct.unpack("<Q", struct.pack("<d", value))
    flipped: float = struct.unpack("<d", struct.pack("<Q", bits ^ (1 << _index(draw, 64))))[0]
    return flipped


def _within(value: Any, draw: Draw, way: Callable[[Any, Draw], Any]) -> Any:
    """Return a container in which *way* has changed one element, starting with a drawn one."""
    if isinstance(value, dict):
        keys: list[Any] = list(value)
    elif isinstance(value, (list, tuple)):
        keys = list(range(len(value)))
    else:
        return value
    first = _index(draw, len(keys)) if keys else 0
    for key in keys[first:] + keys[:first]:
        changed = way(value[key], draw)
        if changed is not value[key]:
            return _with(value, key, changed)
    return value


def _with(value: Any, key: Any, element: Any) -> Any:
    if isinstance(value, tuple):
        items = list(value)
        items[key] = element
        return _rebuilt(value, items)
    changed = copy(value)
    changed[key] = element
    return changed


def _rebuilt(value: Any, items: list[Any]) -> Any:
    """Return *items* as a value like *value*."""
    make = getattr(value, "_make", None)  # a named tuple
    return make(items) if make is not None else type(value)(items)


def _pair(items: list[Any], draw: Draw) -> tuple[int, int] | None:
    """Return two positions whose elements differ, starting with drawn ones, or None."""
    count = len(items)
    if count < 2:
        return None
    first, step = _index(draw, count), _index(draw, count - 1)
    for one in range(first, first + count):
        for offset in range(count - 1):
            other = one + 1 + (step + offset) % (count - 1)
            if not _alike(items[one % count], items[other % count]):
                return one % count, other % count
    return None


def _alike(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # noqa: BLE001 - equality of others' objects; what cannot be compared is taken to differ
        return False
