"""What things are told apart by."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_prometheus.labels import CHARS, OTHER, Bounded, clean


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_label_is_one_short_printable_line(text: str) -> None:
    """Whatever a text is, as a label it prints, can be encoded, and is no longer than the bound."""
    shown = clean(text)
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert len(shown) <= CHARS


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a shop", "a shop"), ("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\ud800", "\\ud800"), ("é", "é"), ("", "")],
)
def test_what_does_not_print_is_shown_by_its_escape(text: str, shown: str) -> None:
    """Ordinary text stays as it is; control characters and halves of pairs are spelt out."""
    assert clean(text) == shown


def test_what_is_too_long_is_cut_off() -> None:
    """Of a text of a megabyte the beginning is shown."""
    assert clean("x" * 1_000_000) == "x" * (CHARS - 3) + "..."


def test_sets_of_labels_are_bounded() -> None:
    """After so many sets, whatever is new shares one more, and what was there before is still told apart."""
    counts = Bounded(2, lambda: [0], limit=3)
    for number in range(10):
        counts.at("s", str(number))[0] += 1
    counts.at("s", "1")[0] += 1
    assert {key: value for key, [value] in counts.items()} == {
        ("s", "0"): 1,
        ("s", "1"): 2,
        ("s", "2"): 1,
        (OTHER, OTHER): 7,
    }
    assert counts.folded == 7


def test_labels_that_look_the_same_are_the_same() -> None:
    """Two texts that are shown alike make one series, not two that Prometheus would refuse."""
    counts = Bounded(1, lambda: [0], limit=3)
    counts.at("x" * 200)[0] += 1
    counts.at("x" * 300)[0] += 1
    assert [value for _, [value] in counts.items()] == [2]
