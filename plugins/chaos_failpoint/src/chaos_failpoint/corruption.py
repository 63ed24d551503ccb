"""Values made wrong, in the ways in which memory, disks and networks do it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

Uniform = Callable[[], float]


class UncorruptibleError(TypeError):
    """A value of this type cannot be made wrong in this way."""

    def __init__(self, kind: str, value: object, fits: str) -> None:
        self.kind, self.value = kind, value
        super().__init__(f"corrupt({kind}) cannot change a value of type {type(value).__name__}; it fits {fits}")


def none(value: object, uniform: Uniform) -> None:
    """Return None."""


def nan(value: object, uniform: Uniform) -> float:
    """Return the float that is not a number."""
    return float("nan")


def empty(value: Any, uniform: Uniform) -> Any:
    """Return the empty value of the same type: ``""``, ``0``, ``[]``."""
    try:
        return type(value)()
    except TypeError:
        raise UncorruptibleError("empty", value, "types that can be made without arguments") from None


def truncate(value: Any, uniform: Uniform) -> Any:
    """Return the first part of a sequence; at least the last item is lost."""
    _need_sequence("truncate", value)
    return value[: int(uniform() * len(value))]


def swap(value: Any, uniform: Uniform) -> Any:
    """Return a sequence in which two neighbours have changed places."""
    _need_sequence("swap", value)
    if len(value) < 2:
        return value
    at = int(uniform() * (len(value) - 1))
    return value[:at] + value[at + 1 : at + 2] + value[at : at + 1] + value[at + 2 :]


def bitflip(value: Any, uniform: Uniform) -> Any:
    """Return a number, text or bytes of which one bit is flipped."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << int(uniform() * max(value.bit_length(), 1)))
    if isinstance(value, float):
        return struct.unpack("<d", _flipped(struct.pack("<d", value), uniform))[0]
    if isinstance(value, (bytes, bytearray)):
        return type(value)(_flipped(bytes(value), uniform))
    if isinstance(value, str):
        return _flipped(value.encode("utf-8", "surrogatepass"), uniform).decode("utf-8", "replace")
    raise UncorruptibleError("bitflip", value, "bool, int, float, str, bytes and bytearray")


def _flipped(data: bytes, uniform: Uniform) -> bytes:
    if not data:
        return data
    at = int(uniform() * len(data) * 8)
    flipped = bytearray(data)
    flipped[at // 8] ^= 1 << (at % 8)
    return bytes(flipped)


def _need_sequence(kind: str, value: Any) -> None:
    if not isinstance(value, (str, bytes, bytearray, list, tuple)):
        raise UncorruptibleError(kind, value, "str, bytes, bytearray, list and tuple")


KINDS: dict[str, Callable[[Any, Uniform], Any]] = {
    "none": none,
    "bitflip": bitflip,
    "truncate": truncate,
    "swap": swap,
    "nan": nan,
    "empty": empty,
}
"""The corruptions by the names that terms give them."""
