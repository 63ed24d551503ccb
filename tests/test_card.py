"""The summary that notebooks show of a report."""

from html.parser import HTMLParser

import pytest

from chaoscore.card import card
from chaoscore.fold import replay
from chaoscore.testing import hostile_run
from chaoscore.testing.hostile import TEXTS


class Reader(HTMLParser):
    """Keeps the elements and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_report_shows_what_matters() -> None:
    """The verdict, why, the faults, the findings, the seed and the command are in the summary of a report."""
    shown = Reader(replay(hostile_run("out of stock"))._repr_html_()).text
    for part in ("hostile", "FAIL", "it: 1", "holds: 1 x out of stock", "7", "chaoscore run out of stock"):
        assert part in shown


@pytest.mark.parametrize("text", [*TEXTS, "<img src=x onerror=alert(1)>"])
def test_nothing_in_it_is_markup(text: str) -> None:
    """Whatever the system under test says, the summary has the same elements, and no character that does not print."""
    source = replay(hostile_run(text))._repr_html_()
    assert set(Reader(source).tags) <= {"div", "b", "table", "tr", "th", "td"}
    assert source.isprintable()


def test_what_has_no_value_is_left_out() -> None:
    """A fact without a value has no row."""
    assert Reader(card("a", "pass", {"one": "1", "none": ""})).tags.count("tr") == 1


def test_a_long_value_is_cut() -> None:
    """One value takes no more than a few lines."""
    assert len(card("a", "pass", {"one": "x" * 100_000})) < 2_000
