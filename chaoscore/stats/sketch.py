"""What mergeable sketches share: comparing, and reading back what they wrote."""

from __future__ import annotations

from collections.abc import Mapping


class Sketch:
    """What is equal when it says the same."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON-able values."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes


def listed(data: Mapping[str, object], key: str) -> list[object]:
    """Return the list under *key*, or raise `ValueError`."""
    value = data.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key!r} must be a list, not {value!r}")
    return value


def whole(value: object, what: str) -> int:
    """Return *value* where it is a whole number from 0, or raise `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{what!r} must be a whole number from 0, not {value!r}")
    return value


def number(value: object, what: str) -> float:
    """Return *value* as a finite float, or raise `ValueError`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e150:
        return float(value)
    raise ValueError(f"{what!r} must be a finite number, not {value!r}")


def pair(value: object, what: str) -> tuple[int, int]:
    """Return *value* as two whole numbers, or raise `ValueError`."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{what!r} must hold pairs of whole numbers, not {value!r}")
    return whole(value[0], what), whole(value[1], what)


def key_and_bounds(value: object) -> tuple[str, tuple[int, int]]:
    """Return *value* as a key with the least and the most it may count, or raise `ValueError`."""
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        raise ValueError(f"'keys' must hold a text and two whole numbers each, not {value!r}")
    low, high = pair(value[1:], "keys")
    if not low <= high or not high:
        raise ValueError(f"'keys' must hold at least, at most of counts from 1, not {value!r}")
    return value[0], (low, high)
