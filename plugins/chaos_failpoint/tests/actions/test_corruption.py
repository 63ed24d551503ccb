"""Values made wrong: what comes out is of the kind that was asked for, and never what went in."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_failpoint import corruption
from chaos_failpoint.corruption import KINDS, UncorruptibleError
from chaos_failpoint.grammar.arguments import CORRUPTIONS

uniforms = st.floats(0, 1, exclude_max=True)


def test_the_grammar_knows_them() -> None:
    """The grammar accepts exactly the kinds that there are."""
    assert tuple(KINDS) == CORRUPTIONS


@pytest.mark.parametrize(
    ("kind", "value", "number", "corrupted"),
    [
        ("none", "x", 0.5, None),
        ("empty", "abc", 0.5, ""),
        ("empty", [1], 0.5, []),
        ("empty", 5, 0.5, 0),
        ("empty", {"a": 1}, 0.5, {}),
        ("truncate", "abcd", 0.5, "ab"),
        ("truncate", b"abcd", 0.99, b"abc"),
        ("truncate", [1, 2], 0.0, []),
        ("swap", "abcd", 0.0, "bacd"),
        ("swap", (1, 2, 3), 0.99, (1, 3, 2)),
        ("swap", [1, 2], 0.5, [2, 1]),
        ("bitflip", True, 0.5, False),
        ("bitflip", 8, 0.0, 9),
        ("bitflip", 0, 0.5, 1),
        ("bitflip", b"\x00\x00", 0.5, b"\x00\x01"),
        ("bitflip", bytearray(b"\x00"), 0.0, bytearray(b"\x01")),
        ("bitflip", "a", 0.0, "`"),
    ],
)
def test_kinds(kind: str, value: Any, number: float, corrupted: Any) -> None:
    """Each kind does what it says, at the place that the number chooses, and keeps the type."""
    result = KINDS[kind](value, lambda: number)
    assert result == corrupted
    assert kind == "none" or type(result) is type(value)


def test_nan() -> None:
    """Whatever the value, `nan` makes it a float that is no number."""
    assert math.isnan(KINDS["nan"]("x", lambda: 0.5))


@pytest.mark.parametrize("value", ["", b"", [], ()])
def test_nothing_to_spoil(value: Any) -> None:
    """What is empty stays empty."""
    for kind in ("truncate", "swap"):
        assert KINDS[kind](value, lambda: 0.5) == value
    if isinstance(value, (str, bytes)):
        assert corruption.bitflip(value, lambda: 0.5) == value


@settings(deadline=None)
@given(st.binary(min_size=1), uniforms)
def test_bitflip_changes_one_bit(value: bytes, number: float) -> None:
    """A bit flip changes exactly one bit of bytes."""
    flipped = corruption.bitflip(value, lambda: number)
    changed = int.from_bytes(value, "big") ^ int.from_bytes(flipped, "big")
    assert changed.bit_count() == 1


@settings(deadline=None)
@given(st.integers() | st.booleans() | st.floats(allow_nan=False), uniforms)
def test_bitflip_changes_numbers(value: float, number: float) -> None:
    """A bit flip changes every number."""
    flipped = corruption.bitflip(value, lambda: number)
    assert flipped != value or math.copysign(1, flipped) != math.copysign(1, value)


@settings(deadline=None)
@given(st.text(min_size=1) | st.binary(min_size=1) | st.lists(st.integers(), min_size=1), uniforms)
def test_truncate_loses_something(value: Any, number: float) -> None:
    """What is truncated is a proper beginning."""
    shorter = corruption.truncate(value, lambda: number)
    assert len(shorter) < len(value)
    assert value[: len(shorter)] == shorter


@settings(deadline=None)
@given(st.lists(st.integers(), min_size=2, unique=True), uniforms)
def test_swap_loses_nothing(value: list[int], number: float) -> None:
    """What is swapped has the same items in another order."""
    swapped = corruption.swap(value, lambda: number)
    assert swapped != value
    assert sorted(swapped) == sorted(value)


@pytest.mark.parametrize(
    ("kind", "value"), [("bitflip", {"a": 1}), ("truncate", 5), ("swap", {1}), ("empty", lambda x: x)]
)
def test_what_does_not_fit(kind: str, value: Any) -> None:
    """A value of a type that cannot be made wrong in that way is an error that says which can."""
    with pytest.raises(UncorruptibleError, match=rf"corrupt\({kind}\) cannot change .* it fits"):
        KINDS[kind](value, lambda: 0.5)
