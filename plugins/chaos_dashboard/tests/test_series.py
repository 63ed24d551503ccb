"""A run over time, in a bounded number of buckets."""

import math

import pytest

from chaos_dashboard.series import MOST, Series
from chaos_dashboard.spread import Spread
from chaoscore import Outcome, Sampled


def filled(seconds: int, step: int = 1) -> Series:
    series = Series()
    for second in range(0, seconds, step):
        bucket = series.at(second + 0.5)
        bucket.ended({Outcome.OK: 2, Outcome.FAILED: 1})
        bucket.spread.add(Spread.of([0.01, 0.02]))
        bucket.fire("it")
        bucket.sampled(Sampled(second, 1, 0.0, 1_000 + second))
    return series


def test_a_day_is_reduced_and_nothing_of_it_lost() -> None:
    """86,400 seconds take no more buckets than are kept, in order, and everything that happened is still counted."""
    buckets = list(filled(86_400))
    assert 700 < len(buckets) <= MOST
    assert [at for at, _ in buckets] == [index * 64 for index in range(len(buckets))]
    assert sum(bucket.outcomes[Outcome.OK] for _, bucket in buckets) == 2 * 86_400
    assert sum(bucket.fired["it"] for _, bucket in buckets) == 86_400
    assert sum(bucket.spread.count for _, bucket in buckets) == 2 * 86_400


def test_a_peak_stays() -> None:
    """When buckets become one, the sample with the most memory is the one that is kept."""
    series = filled(100)
    series.at(50).sampled(Sampled(50.0, 1, 0.0, 5_000_000))
    series.at(1e6)
    assert max(bucket.sample.rss_bytes or 0 for _, bucket in series if bucket.sample) == 5_000_000


@pytest.mark.parametrize("at", [-1.0, 1e300, math.inf, math.nan])
def test_a_time_that_cannot_be(at: float) -> None:
    """A time outside of any run is taken for the nearest that can be, and ends in a bucket like any other."""
    series = filled(10)
    series.at(at).fire("other")
    assert sum(bucket.fired.get("other", 0) for _, bucket in series) == 1
    assert sum(bucket.fired.get("it", 0) for _, bucket in series) == 10


def test_since() -> None:
    """What is new begins with the bucket that was not complete."""
    series = filled(100, 10)
    assert [at for at, _ in series.since(70.2)] == [70, 80, 90]
    assert list(Series().since(0.0)) == []


def test_silence_has_no_buckets() -> None:
    """Seconds in which nothing happened take no room."""
    assert len(list(filled(1_000, 100))) == 10
