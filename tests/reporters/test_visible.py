"""Hostile text made visible."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoscore.reporters.visible import count, date, encodable, near, percent, visible, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – µs 漢字 🙂", "plain – µs 漢字 🙂"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud83d", "\\ud83d"),
        ("\u2028", "\\u2028"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_does_not_print_is_shown_by_its_escape(text: str, shown: str) -> None:
    """Letters of every script stay, control characters and disguises do not."""
    assert visible(text) == shown


@settings(deadline=None)
@given(st.text())
def test_whatever_is_shown_prints(text: str) -> None:
    """No text gets anything unprintable through."""
    assert visible(text).isprintable()


def test_a_huge_text_is_cut_off() -> None:
    """The reader is told how much is missing."""
    assert visible("x" * 1_500, 10) == "xxxxxxxxxx... [1,490 more characters]"


def test_the_last_lines_of_a_stack() -> None:
    """The innermost frames are the ones that are shown, their indentation kept."""
    assert list(visible_lines("a\n  b\n\tc\x1b\n", 2)) == ["... 1 more lines", "  b", "    c\\x1b"]
    assert list(visible_lines("", 2)) == []


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("/srv/ann/shop/jobs.py:3 in claim", "shop/jobs.py:3 in claim"),
        ("C:\\shop\\app\\jobs.py:3 in claim", "app/jobs.py:3 in claim"),
        ("maybe_delay at /srv/ann/shop/jobs.py:3 in f", "maybe_delay at shop/jobs.py:3 in f"),
        ("<string>:6 in execute", "<string>:6 in execute"),
        ("before:claim", "before:claim"),
        ("", ""),
    ],
)
def test_places_without_the_way_to_them(where: str, shown: str) -> None:
    """A place in code keeps its file and folder, a point its name."""
    assert near(where) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0%"), (1, "100%"), (0.5, "50%"), (0.98765, "98.77%"), (0.99999, "> 99.99%"), (0.00001, "< 0.01%")],
)
def test_a_share_is_only_all_or_nothing_where_it_is(share: float, shown: str) -> None:
    """99,999 of 100,000 is not 100 %."""
    assert percent(share) == shown


def test_a_date_that_cannot_be_is_a_number() -> None:
    """A log with a broken clock still has a report."""
    assert date(0) == "1970-01-01 00:00:00 UTC"
    assert date(1e300) == "1e+300 s since 1970"


def test_a_number_with_its_noun() -> None:
    """One is singular, all else plural."""
    assert [count(n, "finding") for n in (0, 1, 1204)] == ["0 findings", "1 finding", "1,204 findings"]


def test_what_an_encoding_does_not_know_is_escaped() -> None:
    """A terminal that knows only ASCII is sent nothing else."""
    assert encodable("5 µs", "ascii") == "5 \\xb5s"
    assert encodable("5 µs", None) == "5 µs"
