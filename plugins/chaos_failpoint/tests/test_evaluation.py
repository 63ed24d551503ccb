"""Which term fires: modifiers, distances instead of draws, and lulls that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, pairwise
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos_failpoint import parse
from chaos_failpoint.evaluation import LONGEST, Counts, Draw, Gaps, distance, evaluate, lull
from chaos_failpoint.grammar import Percent, Term, Terms
from chaoscore import Stream


def draws(seed: int = 1) -> Draw:
    stream, number = Stream(seed, "test", 0, ()), count()
    return lambda: stream.uniform(next(number))


def no_draw() -> float:
    raise AssertionError("nothing must be drawn")


def fired(text: str, hits: int, draw: Draw = no_draw, matching: list[bool] | None = None) -> list[int | None]:
    """Which term fires at each of so many hits."""
    terms = parse(text)
    counts, gaps = Counts(terms), Gaps(terms)
    return [evaluate(terms, matching or [True] * len(terms), counts, gaps, draw) for _ in range(hits)]


# -- modifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("off", [0, 0, 0]),
        ("2*off", [0, 0, None, None]),
        ("0*off", [None, None]),
        ("2+off", [None, None, 0, 0]),
        ("2+1*off", [None, None, 0, None]),
        ("1*2+off", [None, None, None]),
        ("3*2+off", [None, None, 0, None]),
        ("1+1+off", [None, None, 0]),
        ("1*off->panic", [0, 1, 1]),
        ("2*off->1*panic", [0, 0, 1, None]),
        ("1+off->panic", [1, 0, 0]),
        ("0%off", [None, None]),
        ("100%off", [0, 0]),
        ("1000%off", [0, 0]),
        ("100%1*off", [0, None]),
        ("0%1*off->panic", [1, 1]),
    ],
)
def test_modifiers(text: str, expected: list[int | None]) -> None:
    """Modifiers are asked in written order and must all pass; the first term that passes ends the evaluation."""
    assert fired(text, len(expected)) == expected


def test_a_count_behind_a_probability_counts_faults() -> None:
    """In ``p%n*`` the count goes down only where the probability has passed: n faults in the end."""
    assert len([each for each in fired("30%5*off", 1000, draws()) if each == 0]) == 5


def test_a_count_before_a_probability_counts_hits() -> None:
    """In ``n*p%`` the count goes down at every hit: nothing can fire after n of them."""
    result = fired("20*30%off", 1000, draws())
    assert 0 in result[:20]
    assert set(result[20:]) == {None}


def test_filters_use_up_nothing() -> None:
    """A hit that a filter turns away leaves the counts and probabilities of its term as they were."""
    terms = parse("1*off[key=a]->2+panic[key=b]")
    counts, gaps = Counts(terms), Gaps(terms)
    for _ in range(3):
        assert evaluate(terms, [False, False], counts, gaps, no_draw) is None
    assert counts.left == [[1], [2]]
    assert evaluate(terms, [True, True], counts, gaps, no_draw) == 0


# -- probabilities


@pytest.mark.parametrize("percent", [0.0, 5e-324, 1e-300])
def test_never(percent: float) -> None:
    """0 % is infinitely far away, and what is next to it further than anybody counts."""
    assert distance(percent, lambda: 0.5) > LONGEST


def test_always() -> None:
    """100 % is always the next one, and needs no draw."""
    assert distance(100.0, no_draw) == 0
    assert distance(0.0, no_draw) == inf


@settings(deadline=None)
@given(st.floats(1e-9, 100, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_the_next_one_fires_where_the_number_is_below_the_probability(percent: float, number: float) -> None:
    """The distance is 0 exactly where a single draw would be below the probability, but for rounding."""
    probability = percent / 100
    if abs(number - probability) > 1e-12:
        assert (distance(percent, lambda: number) == 0) is (number < probability)


@pytest.mark.parametrize("percent", [0.5, 3, 50, 97])
def test_distances_follow_the_probability(percent: float) -> None:
    """Over 20,000 hits, the share of faults is the probability, within four standard deviations."""
    hits = 20_000
    found = sum(each == 0 for each in fired(f"{percent}%off", hits, draws()))
    expected, deviation = hits * percent / 100, (hits * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(found - expected) < 4 * deviation


def test_distances_have_no_memory() -> None:
    """A hit right after a fault is as likely to be struck as any other."""
    result = fired("20%off", 20_000, draws())
    after = [second == 0 for first, second in pairwise(result) if first == 0]
    assert 0.16 < sum(after) / len(after) < 0.24


def test_without_order_each_hit_draws_for_itself() -> None:
    """Where hits have no order, nothing is remembered of one for the next: only its own number counts."""
    terms = parse("50%off")
    numbers = iter([0.9, 0.1, 0.7, 0.2])
    result = [evaluate(terms, [True], Counts(terms), None, lambda: next(numbers)) for _ in range(4)]
    assert result == [None, 0, None, 0]


# -- lulls

modifier = st.sampled_from(["", "0%", "5%", "50%", "100%", "2*", "0*", "40*", "3+", "0+"])
term_text = st.lists(modifier, max_size=3).map(lambda parts: "".join(parts) + "off")
terms_text = st.lists(term_text, min_size=1, max_size=3).map("->".join)


def lazily(terms: Terms, draw: Draw) -> Iterator[int | None]:
    """Which term fires at each hit, evaluated only where no lull promises that nothing does."""
    counts, gaps, quiet = Counts(terms), Gaps(terms), 0
    while True:
        if quiet:
            quiet -= 1
            yield None
        else:
            yield evaluate(terms, [True] * len(terms), counts, gaps, draw)
            quiet = lull(terms, counts, gaps, draw)


def eagerly(terms: Terms, draw: Draw) -> Iterator[int | None]:
    """Which term fires at each hit, evaluated at every one."""
    counts, gaps = Counts(terms), Gaps(terms)
    while True:
        yield evaluate(terms, [True] * len(terms), counts, gaps, draw)


@settings(deadline=None)
@given(terms_text.filter(lambda text: text.count("5%") + text.count("50%") <= 1))
def test_lulls_change_nothing(text: str) -> None:
    """Hit by hit, the same terms fire with lulls as without; tried where there is one order of draws."""
    terms = parse(text)
    with_lulls, without = lazily(terms, draws()), eagerly(terms, draws())
    assert [next(with_lulls) for _ in range(200)] == [next(without) for _ in range(200)]


@settings(deadline=None)
@given(terms_text, st.lists(st.integers(0, 60), min_size=9, max_size=9))
def test_a_lull_is_kept(text: str, distances: list[int]) -> None:
    """Where a lull promises that nothing fires, evaluating step by step comes to the same."""
    terms, rest = parse(text), iter(distances)
    before, after = Gaps(terms), Gaps(terms)
    before.left = [[float(next(rest)) if each in GIVEN else None for each in term.modifiers] for term in terms]
    after.left = [list(each) for each in before.left]
    length = lull(terms, Counts(terms), after, no_draw)
    counts = Counts(terms)
    drawing = draws()  # only for terms that can never fire, which a lull leaves out
    stepped = [evaluate(terms, [True] * len(terms), counts, before, drawing) for _ in range(min(length, 60))]
    assert set(stepped) <= {None}


GIVEN = (Percent(5), Percent(50))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0%off", LONGEST),
        ("0*off", LONGEST),
        ("off", 0),
        ("2*off", 0),
        ("3+off", 0),
        ("off[key=1]", 0),
        ("0%off[key=1]", LONGEST),
    ],
)
def test_length_of_a_lull(text: str, length: int) -> None:
    """What can never fire makes a lull without end; what counts hits, or looks at them, makes none."""
    terms = parse(text)
    assert lull(terms, Counts(terms), Gaps(terms), no_draw) == length


def test_the_nearest_of_several_ends_a_lull() -> None:
    """Of several terms, the one whose success is nearest ends the lull, and the others are nearer by as much then."""
    terms = (*parse("1%off"), *parse("1%panic"))
    gaps = Gaps(terms)
    gaps.left = [[7.0], [3.0]]
    assert lull(terms, Counts(terms), gaps, no_draw) == 3
    assert gaps.left == [[4.0], [0.0]]
    assert evaluate(terms, [True, True], Counts(terms), gaps, no_draw) == 1


def test_a_term_of_its_own() -> None:
    """Terms that were built as values are evaluated as those that were read."""
    assert fired("off", 1) == [0]
    assert evaluate((Term("off"),), [True], Counts((Term("off"),)), None, no_draw) == 0
