"""Values that are changed."""

import math
from collections import OrderedDict, namedtuple
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_patch.corruption import WAYS, same
from chaoscore import Stream

Pair = namedtuple("Pair", "left right")
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(), st.complex_numbers()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.text(), inner),
        st.builds(OrderedDict, st.dictionaries(st.text(), inner)),
    ),
    max_leaves=8,
)


def draw(seed: int = 0) -> Any:
    """A source of seeded numbers, as an injector is given."""
    stream, numbers = Stream(seed, "it", 0, ()), count(1)
    return lambda: stream.uniform(0, next(numbers))


@given(value=VALUES, way=st.sampled_from(sorted(WAYS)), seed=st.integers(0, 9))
def test_corruption_is_seeded_and_leaves_the_original(value: Any, way: str, seed: int) -> None:
    """One seed gives one result, whatever the value, and the value itself is never changed."""
    before = repr(value)
    once, again = WAYS[way](value, draw(seed)), WAYS[way](value, draw(seed))
    assert repr(once) == repr(again)
    assert repr(value) == before
    if not same(value, once):
        assert way in ("none", "nan") or type(once) is type(value)
        assert way == "nan" or repr(once) != before


@given(value=st.integers())
def test_one_bit_of_an_integer_is_flipped(value: int) -> None:
    """A flipped integer differs in one bit."""
    assert (WAYS["bitflip"](value, draw()) ^ value).bit_count() == 1


@given(value=st.one_of(st.binary(min_size=1), st.text(min_size=1)))
def test_one_element_of_a_text_is_flipped(value: Any) -> None:
    """A flipped text or bytes has its length, and differs in one place."""
    flipped = WAYS["bitflip"](value, draw())
    assert len(flipped) == len(value)
    assert sum(one != other for one, other in zip(value, flipped, strict=True)) == 1


@given(
    value=st.one_of(st.text(min_size=1), st.binary(min_size=1), st.lists(st.integers(), min_size=1)), seed=st.integers()
)
def test_a_truncated_value_is_a_beginning(value: Any, seed: int) -> None:
    """What is truncated is shorter, and how it began."""
    shorter = WAYS["truncate"](value, draw(seed))
    assert len(shorter) < len(value)
    assert value[: len(shorter)] == shorter


@given(value=st.one_of(st.text(), st.binary(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers())))
def test_swapping_keeps_what_is_there(value: Any) -> None:
    """Two different elements change places; where there are no two, nothing happens."""
    swapped = WAYS["swap"](value, draw())
    items, after = (list(each.values()) if isinstance(each, dict) else list(each) for each in (value, swapped))
    assert sorted(items) == sorted(after)
    assert sum(one != other for one, other in zip(items, after, strict=True)) == (2 if len(set(items)) > 1 else 0)


@pytest.mark.parametrize(
    ("way", "value", "expected"),
    [
        ("none", 5, "None"),
        ("empty", "text", "''"),
        ("empty", {"a": 1}, "{}"),
        ("empty", OrderedDict(a=1), "OrderedDict()"),
        ("empty", 5, "5"),
        ("empty", Pair(1, 2), "Pair(left=1, right=2)"),
        ("nan", 5, "nan"),
        ("nan", [None, 5, "a"], "[None, nan, 'a']"),
        ("nan", {"price": Decimal(1), "name": "a"}, "{'price': Decimal('NaN'), 'name': 'a'}"),
        ("nan", Pair(True, 2.5), "Pair(left=True, right=nan)"),
        ("nan", "text", "'text'"),
        ("bitflip", True, "False"),
        ("bitflip", None, "None"),
        ("truncate", {"a": 1}, "{}"),
        ("truncate", 5, "5"),
        ("truncate", [], "[]"),
        ("swap", ("a", "b"), "('b', 'a')"),
        ("swap", Pair(1, 2), "Pair(left=2, right=1)"),
        ("swap", bytearray(b"ab"), "bytearray(b'ba')"),
        ("swap", {"a": 1, "b": 2}, "{'a': 2, 'b': 1}"),
        ("swap", [1, 1], "[1, 1]"),
        ("swap", 12, "12"),
    ],
)
def test_examples(way: str, value: Any, expected: str) -> None:
    """Each way does what its name says, as far as it can."""
    assert repr(WAYS[way](value, draw())) == expected


def test_what_cannot_be_compared_can_be_swapped() -> None:
    """Elements whose equality raises are taken to differ."""

    class Stubborn:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    one, other = Stubborn(), Stubborn()
    swapped = WAYS["swap"]([one, other], draw())
    assert swapped[0] is other
    assert swapped[1] is one


def test_the_same_is_the_same() -> None:
    """An empty value that was made anew is the same, an equal one that is not empty is not."""
    assert same([], [])
    assert not same([1], [1])
    assert not same((), [])
    assert same(math.nan, math.nan)
