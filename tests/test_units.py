"""Durations, sizes and probabilities as people write them."""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaoscore.units import (
    optional_bytes,
    optional_seconds,
    probability,
    seconds,
    show_bytes,
    show_seconds,
    size_bytes,
)

HOSTILE_TEXT = (
    st.text()
    | st.text("0123456789.eE+- \t\nnuµmshdkKMGTiB%", max_size=30)
    | st.integers(0, 400).map(lambda n: "9" * n + "s")
)
HUGE = pytest.param(10**400, id="10**400")
NOT_A_NUMBER = st.none() | st.booleans() | st.binary() | st.lists(st.integers()) | st.complex_numbers()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0, 0.0),
        (2, 2.0),
        (0.25, 0.25),
        (timedelta(minutes=1, milliseconds=5), 60.005),
        ("250ms", 0.25),
        (" 5 s ", 5.0),
        ("7ns", 7e-9),
        ("12us", 12e-6),
        ("12µs", 12e-6),
        ("1h30m", 5400.0),
        ("1m 30s", 90.0),
        ("1.5d", 129_600.0),
        (".5s", 0.5),
        ("5.s", 5.0),
        ("0ms", 0.0),
    ],
)
def test_seconds(written: Any, expected: float) -> None:
    """Numbers are seconds; text has units, which may be chained."""
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("written", ["", " ", "ms", "5", "-5s", "5 sec", "1e3s", "5s-", "s5", "1s,2s", "five", "5S"])
def test_seconds_text_refused(written: str) -> None:
    """Text without a unit, or with another, is refused with the text and an example."""
    with pytest.raises(ValueError, match=re.escape(repr(written))) as caught:
        seconds(written)
    assert "such as '1m30s'" in str(caught.value)


def test_seconds_hint() -> None:
    """A bare number as text gets the hint that it lacks its unit."""
    with pytest.raises(ValueError, match=re.escape("did you mean '5s'?")):
        seconds("5")


@pytest.mark.parametrize("value", [-1, -0.001, math.inf, -math.inf, math.nan, timedelta(seconds=-1), HUGE])
def test_seconds_range(value: Any) -> None:
    """A duration that is negative or without end is refused."""
    with pytest.raises(ValueError, match="a duration must be finite and not negative"):
        seconds(value)


@pytest.mark.parametrize("value", [3e9 + 1, "834000h", timedelta(days=35_000)])
def test_seconds_longest(value: Any) -> None:
    """A duration that timers of the platform might not take is refused, with the value as it was written."""
    with pytest.raises(ValueError, match=f"at most 3e.09 s .*, not {re.escape(repr(value))}"):
        seconds(value)


@given(HOSTILE_TEXT)
@example("9" * 400 + "s")
@example("9" * 5000 + "s")
@example("٣s")
@example("²s")
def test_seconds_any_text(text: str) -> None:
    """Any text either parses to a finite duration or raises ValueError."""
    try:
        value = seconds(text)
    except ValueError:
        return
    assert 0 <= value < math.inf


@pytest.mark.parametrize("parse", [seconds, size_bytes, probability])
@given(value=NOT_A_NUMBER)
def test_other_types(parse: Callable[[Any], object], value: object) -> None:
    """What is no number (a truth value is none) is a TypeError that shows it."""
    with pytest.raises(TypeError, match=re.escape(repr(value))):
        parse(value)


@given(st.floats(0, 1e9))
def test_seconds_number_is_itself(value: float) -> None:
    """A number that is a duration comes back unchanged."""
    assert seconds(value) == value


@given(st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_seconds_chained(minutes: int, whole: int, milliseconds: int) -> None:
    """A chain of units is their sum."""
    assert seconds(f"{minutes}m{whole}s{milliseconds}ms") == pytest.approx(60 * minutes + whole + milliseconds / 1000)


def test_optional() -> None:
    """None stays None, and anything else is parsed."""
    assert optional_seconds(None) is None
    assert optional_seconds("5ms") == 0.005
    assert optional_bytes(None) is None
    assert optional_bytes("1KiB") == 1024


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0, 0),
        (4096, 4096),
        ("5B", 5),
        ("64KiB", 65_536),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1.5 MiB", 1_572_864),
        (" 2GB ", 2_000_000_000),
        ("1TiB", 1024**4),
        (".5KiB", 512),
        ("9007199254740993B", 9_007_199_254_740_993),
    ],
)
def test_size(written: Any, expected: int) -> None:
    """Sizes are whole bytes; text has decimal or binary units, and no digit is lost."""
    assert size_bytes(written) == expected


@pytest.mark.parametrize("written", ["", "64", "64 KiBs", "-1B", "1kiB", "1PB", "KiB", "1e3B", "1KiB 2B"])
def test_size_text_refused(written: str) -> None:
    """Text that is no size is refused with the text and an example."""
    with pytest.raises(ValueError, match=re.escape(repr(written))) as caught:
        size_bytes(written)
    assert "such as '64MiB'" in str(caught.value)


def test_size_range() -> None:
    """A negative size, and a fraction of a byte as a number, are refused."""
    with pytest.raises(ValueError, match="must not be negative: -1"):
        size_bytes(-1)
    with pytest.raises(TypeError, match=r"whole number of bytes.*not 1\.5"):
        size_bytes(1.5)  # type: ignore[arg-type]


@given(HOSTILE_TEXT)
@example("9" * 400 + ".0GB")
@example("9" * 5000 + "B")
def test_size_any_text(text: str) -> None:
    """Any text either parses to a whole number of bytes or raises ValueError."""
    try:
        value = size_bytes(text)
    except ValueError:
        return
    assert isinstance(value, int)
    assert value >= 0


@pytest.mark.parametrize(
    ("written", "expected"), [(0, 0), (1, 1), (0.25, 0.25), ("5%", 0.05), (" 100 % ", 1), ("0%", 0)]
)
def test_probability(written: Any, expected: float) -> None:
    """A probability is a number from 0 to 1 or a percentage."""
    assert probability(written) == pytest.approx(expected)


@pytest.mark.parametrize("value", [-0.1, 1.1, 5, math.nan, math.inf, "101%", "9999999%", HUGE])
def test_probability_range(value: Any) -> None:
    """What lies outside 0 to 1 is refused as it was written."""
    with pytest.raises(ValueError, match="between 0 and 1") as caught:
        probability(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("written", ["", "0.5", "half", "-5%", "5 percent", "%"])
def test_probability_text_refused(written: str) -> None:
    """Text that is no percentage is refused, even where it is a number."""
    with pytest.raises(ValueError, match="is not a probability"):
        probability(written)


@given(HOSTILE_TEXT)
@example("9" * 400 + "%")
def test_probability_any_text(text: str) -> None:
    """Any text either parses to a number from 0 to 1 or raises ValueError."""
    try:
        value = probability(text)
    except ValueError:
        return
    assert 0 <= value <= 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (1e-9, "1 ns"),
        (999e-9, "999 ns"),
        (12.34e-6, "12.3 us"),
        (0.0123, "12.3 ms"),
        (1, "1 s"),
        (61.5, "61.5 s"),
        (999.6, "1000 s"),
        (1000, "1,000 s"),
        (86_400, "86,400 s"),
    ],
)
def test_show_seconds(value: float, shown: str) -> None:
    """A duration is shown in the unit that fits, with three digits."""
    assert show_seconds(value) == shown


@given(st.floats(1e-9, 1e6))
@example(0.9996)
@example(999.96e-6)
@example(0.9999999e-6)
@example(1.5e-9)
def test_show_seconds_reads_back(value: float) -> None:
    """What is shown, read back, is the duration to within rounding, and never in powers of ten."""
    shown = show_seconds(value)
    assert "e" not in shown
    assert seconds(shown.replace(",", "")) == pytest.approx(value, rel=0.005, abs=0.6e-9)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (67_108_864, "64.0 MiB"),
        (1024**2 - 1, "1.0 MiB"),
        (-2048, "-2.0 KiB"),
        (1024**5, "1024.0 TiB"),
    ],
)
def test_show_bytes(value: float, shown: str) -> None:
    """A size is shown in the binary unit that fits, also a negative one, as growth can be."""
    assert show_bytes(value) == shown


@given(st.integers(0, 1024**4))
def test_show_bytes_reads_back(value: int) -> None:
    """What is shown, read back, is the size to within rounding."""
    assert size_bytes(show_bytes(value)) == pytest.approx(value, rel=0.06)
