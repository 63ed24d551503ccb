"""Counts, durations and examples."""

from itertools import pairwise
from math import log10

import pytest

from chaos_prometheus.tally import BOUNDS, Tally
from chaoscore import IterationEnded, Outcome


def test_buckets_are_six_to_a_decade() -> None:
    """From 10 us to 1,000 s, each bound is about one and a half times the one before."""
    assert (BOUNDS[0], BOUNDS[-1], len(BOUNDS)) == (1e-5, 1000.0, 49)
    steps = [log10(high / low) for low, high in pairwise(BOUNDS)]
    assert all(0.14 < step < 0.19 for step in steps)


def ended(outcome: Outcome, seconds: float, iteration: int = 1, at: float = 0.0) -> IterationEnded:
    return IterationEnded(at, 3, iteration, outcome, seconds)


def test_the_cancelled_have_no_duration() -> None:
    """A cancelled iteration is counted, and its duration is not, as in a report."""
    tally = Tally()
    tally.add([ended(Outcome.OK, 0.5), ended(Outcome.CANCELLED, 9.0)], 0.0)
    assert (tally.counts[Outcome.OK], tally.counts[Outcome.CANCELLED]) == (1, 1)
    assert (tally.durations.count, tally.durations.maximum) == (1, 0.5)


def test_nothing_but_cancelled_ones_is_counted_too() -> None:
    """A batch that says nothing of durations has none."""
    tally = Tally()
    tally.add([ended(Outcome.CANCELLED, 9.0)] * 3, 0.0)
    assert (tally.counts[Outcome.CANCELLED], tally.durations.count, tally.examples) == (3, 0, {})


def test_a_clock_that_goes_back_costs_the_duration_only() -> None:
    """An iteration of a negative duration is counted."""
    tally = Tally()
    tally.add([ended(Outcome.OK, -0.5), ended(Outcome.OK, 0.5)], 0.0)
    assert (tally.counts[Outcome.OK], tally.durations.count) == (2, 1)
    assert tally.last == {}


@pytest.mark.parametrize(("seconds", "le"), [(0.00022, 0.00022), (0.0003, 0.00033), (5000.0, None), (1e-9, 1e-5)])
def test_an_example_stands_in_its_bucket(seconds: float, le: float | None) -> None:
    """The slowest of a batch is the example of the first bucket that holds it."""
    tally = Tally()
    tally.add([ended(Outcome.OK, seconds / 2, 1, 10.0), ended(Outcome.OK, seconds, 2, 11.0)], 1000.0)
    [(bucket, example)] = tally.examples.items()
    assert (BOUNDS[bucket] if bucket < len(BOUNDS) else None) == le
    assert (example.seconds, example.worker, example.iteration, example.wall) == (seconds, 3, 2, 1011.0)


def test_the_last_of_each_outcome_is_an_example() -> None:
    """Of what failed, the latest is kept."""
    tally = Tally()
    tally.add([ended(Outcome.FAILED, 0.1, 4), ended(Outcome.OK, 0.1, 5), ended(Outcome.FAILED, 0.1, 7)], 0.0)
    assert {outcome: each.iteration for outcome, each in tally.last.items()} == {Outcome.FAILED: 7}
