"""When an injector was open."""

import itertools
from math import inf

from chaos_dashboard.windows import MOST, Span, Windows


def test_they_are_kept_in_order() -> None:
    """Each window has its beginning and its end; one that is still open has none."""
    windows = Windows()
    windows.opened(1.0)
    windows.lifted(2.0)
    windows.opened(5.0)
    assert list(windows) == [Span(1.0, 2.0), Span(5.0, inf)]
    assert windows.is_open


def test_many_are_merged_and_stay_true() -> None:
    """Ten thousand windows take no more room than are kept; first and last stay, and no opening is forgotten."""
    windows = Windows()
    for number in range(10_000):
        windows.opened(number * 10.0)
        windows.lifted(number * 10.0 + 5)
    spans = list(windows)
    assert len(spans) <= MOST
    assert (spans[0].start, spans[-1].end) == (0.0, 99_995.0)
    assert sum(span.openings for span in spans) == 10_000
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))


def test_the_widest_gaps_stay() -> None:
    """Windows that were close together are merged before those that were far apart."""
    windows = Windows()
    for number in range(MOST + 1):
        start = number * 10.0 + (10_000.0 if number > MOST // 2 else 0.0)
        windows.opened(start)
        windows.lifted(start + 1)
    gaps = [after.start - before.end for before, after in zip(windows, list(windows)[1:], strict=False)]
    assert max(gaps) > 10_000


def test_a_lift_without_an_opening_is_nothing() -> None:
    """A log that begins late may lift what it never opened; opening twice is opening once."""
    windows = Windows()
    windows.lifted(1.0)
    assert list(windows) == []
    windows.opened(2.0)
    windows.opened(3.0)
    assert list(windows) == [Span(2.0, inf)]
