"""What the numbers promise: exactness where they claim it, bounds elsewhere, and flat memory."""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoscore.stats import Histogram, Interval, Rate, Samples, TopCounts, Trend, wilson

untimed = settings(deadline=None)  # how fast an example runs depends on the machine, not on the code

LOWEST, HIGHEST = 2.0**-30, 2.0**34
INSIDE = st.builds(
    math.ldexp,
    st.floats(0.5, 1.0, exclude_max=True),
    st.integers(-29, 34),
)
ANY = st.one_of(INSIDE, st.just(0.0), st.just(-0.0), st.floats(0, 1e100), st.integers(0, 10**9))


def recorded(values: Iterable[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


def through_json(data: dict[str, object]) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(json.dumps(data, allow_nan=False))
    return loaded


class TestHistogram:
    @untimed
    @given(st.lists(INSIDE, min_size=1, max_size=600), st.integers(0, 1000))
    def test_quantiles(self, values: list[float], permille: int) -> None:
        """A quantile is within 0.5 % of the nearest-rank value of the sorted data."""
        rank = max(1, math.ceil(Fraction(permille, 1000) * len(values)))
        expected = sorted(values)[rank - 1]
        assert recorded(values).quantile(permille / 1000) == pytest.approx(expected, rel=0.005)

    def test_error_everywhere(self) -> None:
        """Half a bucket, 1/256, is the largest error anywhere in an octave, at either end too."""
        for start in (LOWEST, 1.0, HIGHEST / 2):
            for step in range(700):
                value = start * (1 + step / 700)
                median = recorded([LOWEST / 9, value, HIGHEST * 9]).quantile(0.5)
                assert median == pytest.approx(value, rel=1 / 256 + 1e-7)

    @pytest.mark.parametrize("value", [LOWEST, LOWEST / 1.5, HIGHEST, HIGHEST * 1.5, math.nextafter(HIGHEST, 0)])
    def test_alone_at_the_edge(self, value: float) -> None:
        """A value at either edge of the buckets, recorded alone, is every quantile."""
        assert recorded([value] * 3).quantile(0.5) == value

    @untimed
    @given(st.lists(ANY, min_size=1, max_size=600))
    def test_exact_figures(self, values: list[float]) -> None:
        """Count, minimum, maximum and total are those of the data, to the last bit."""
        histogram = recorded(values)
        assert histogram.count == len(values)
        assert (histogram.minimum, histogram.maximum) == (min(values), max(values))
        assert (histogram.quantile(0), histogram.quantile(1)) == (min(values), max(values))
        assert histogram.total == math.fsum(values)
        assert histogram.mean == math.fsum(values) / len(values)

    @untimed
    @given(st.lists(ANY, min_size=1, max_size=50))
    def test_quantiles_are_ordered(self, values: list[float]) -> None:
        """A higher quantile is never lower, and none leaves the range of the data."""
        histogram = recorded(values)
        found = [histogram.quantile(q / 20) or 0.0 for q in range(21)]
        assert found == sorted(found)
        assert found == histogram.quantiles([q / 20 for q in range(21)])
        assert min(values) <= found[0]
        assert found[-1] <= max(values)

    def test_rank_survives_rounding(self) -> None:
        """The 7th percentile of 100 values is the 7th, although 0.07 * 100 is more than 7."""
        assert recorded([2.0] * 7 + [4.0] * 93).quantile(0.07) == pytest.approx(2, rel=0.005)

    def test_empty(self) -> None:
        """An empty histogram has None for what does not exist, and zero for what can be counted."""
        empty = Histogram()
        assert (empty.count, empty.total) == (0, 0)
        assert [empty.minimum, empty.maximum, empty.mean, empty.quantile(0.5)] == [None] * 4
        assert empty.quantiles([0.5, 1]) == [None, None]
        assert empty.buckets([1, math.inf]) == [(1, 0), (math.inf, 0)]

    @pytest.mark.parametrize("value", [-1e-300, -1.0, math.nan, math.inf, -math.inf, 10**400])
    def test_impossible_values(self, value: float) -> None:
        """A value that no duration has is refused at once and counted nowhere."""
        histogram = recorded([1.0])
        with pytest.raises(ValueError, match="from 0 to 1e100"):
            histogram.record(value)
        with pytest.raises(ValueError, match="from 0 to 1e100"):
            histogram.record_all([2.0, value, 3.0])
        assert histogram == recorded([1.0])

    @pytest.mark.parametrize("q", [-0.01, 1.01, 99, math.nan])
    def test_impossible_quantiles(self, q: float) -> None:
        """Asking for 99 instead of 0.99 is an error, not the maximum."""
        with pytest.raises(ValueError, match="between 0 and 1"):
            Histogram().quantile(q)

    @untimed
    @given(st.lists(ANY, max_size=600))
    def test_all_at_once_is_one_by_one(self, values: list[float]) -> None:
        """Recording a list comes to the same as recording each of its values."""
        histogram = recorded([1.0])
        histogram.record_all(values)
        assert histogram == recorded([1.0, *values])

    def test_beyond_the_edges(self) -> None:
        """Values too small and too large for a bucket are counted, and zeros stay zeros."""
        histogram = recorded([-0.0, 0, 0.0, 5e-324, 1e-12, HIGHEST, 1e100])
        assert histogram.quantile(3 / 7) == 0
        assert str(histogram.minimum) == "0.0"
        assert 0 < (histogram.quantile(4 / 7) or 0) <= LOWEST * 1.01
        assert histogram.buckets([0, LOWEST, 1, math.inf]) == [
            (0, 3),
            (LOWEST, 5),
            (1, 5),
            (math.inf, 7),
        ]

    @untimed
    @given(st.lists(st.lists(ANY, max_size=300), min_size=1, max_size=4), st.randoms())
    def test_merging(self, parts: list[list[float]], chance: random.Random) -> None:
        """Merged in any order and grouping, parts equal one histogram that saw everything."""
        whole = recorded([value for part in parts for value in part])
        sketches = [recorded(part) for part in parts]
        chance.shuffle(sketches)
        left = reduce(lambda a, b: a + b, sketches, Histogram())
        right = reduce(lambda a, b: b + a, reversed(sketches), Histogram())
        assert left == whole
        assert right == whole

    @untimed
    @given(st.lists(ANY, max_size=600), st.integers(0, 600))
    def test_reading_changes_nothing(self, values: list[float], at: int) -> None:
        """A histogram that was read in between equals one that was not."""
        looked = recorded(values[:at])
        assert looked.total == math.fsum(values[:at])
        for value in values[at:]:
            looked.record(value)
        assert looked == recorded(values)

    def test_merging_leaves_the_other(self) -> None:
        """A merged histogram stays as it was, even when it is merged into itself."""
        one, other = recorded([1, 2]), recorded([3])
        one.merge(other)
        one.merge(one)
        assert other == recorded([3])
        assert one == recorded([1, 2, 3] * 2)

    @untimed
    @given(st.lists(ANY, max_size=100), st.lists(ANY, max_size=100), st.lists(INSIDE, min_size=1))
    def test_buckets(self, values: list[float], more: list[float], bounds: list[float]) -> None:
        """A bucket counts all up to its bound, nothing a bucket above it, and adds in a merger."""
        bounds = [*bounds, math.inf]
        one, other = recorded(values), recorded(more)
        for bound, count in one.buckets(bounds):
            least, most = sum(v <= bound for v in values), sum(v <= bound * 1.0079 for v in values)
            assert least <= count <= most
        assert one.buckets(bounds)[-1][1] == one.count
        both = zip(one.buckets(bounds), other.buckets(bounds), strict=True)
        assert (one + other).buckets(bounds) == [(b, n + m) for (b, n), (_, m) in both]

    @pytest.mark.parametrize("bound", [-1, math.nan])
    def test_impossible_bounds(self, bound: float) -> None:
        """A bound that no value can reach is an error."""
        with pytest.raises(ValueError, match="upper bound"):
            Histogram().buckets([bound])

    @untimed
    @given(st.lists(ANY, max_size=600))
    def test_json(self, values: list[float]) -> None:
        """A histogram comes back from JSON equal, and goes on like the original."""
        histogram = recorded(values)
        again = Histogram.from_dict(through_json(histogram.to_dict()))
        assert again == histogram
        assert again + recorded([1.5]) == histogram + recorded([1.5])

    def test_json_is_compact(self) -> None:
        """JSON grows with the buckets in use, not with the values recorded."""
        assert len(json.dumps(recorded([0.01, 0.02] * 5000).to_dict())) < 200

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scheme": "of another version"},
            {"cells": None},
            {"cells": [[1]]},
            {"cells": [[-1, 1]]},
            {"cells": [[8194, 1]]},
            {"cells": [[0, 1]]},
            {"cells": [[3969, True]]},
            {"cells": []},
            {"minimum": None},
            {"minimum": 0.5},
            {"maximum": math.nan},
            {"minimum": 3, "maximum": 1},
            {"total": [math.inf]},
            {"total": [1e308, 1e308]},
            {"total": ["3"]},
            {"total": [100]},
            {"total": []},
        ],
    )
    def test_contradictions(self, wrong: dict[str, object]) -> None:
        """What contradicts itself is refused rather than reported."""
        with pytest.raises(ValueError, match=r"."):
            Histogram.from_dict({**recorded([1, 2]).to_dict(), **wrong})

    def test_memory(self) -> None:
        """A million values over 30 decades take the room of one."""
        histogram, chance = recorded([1.0]), random.Random(1)
        cells = len(histogram._cells)
        for _ in range(1_000_000):
            histogram.record(chance.random() * 1e10 ** chance.randint(-2, 1))
        assert len(histogram._cells) == cells
        assert len(histogram._pending) < 256
        assert len(histogram._sum) < 10
        assert histogram.count == 1_000_001

    @pytest.fixture
    def restless(self) -> Iterator[None]:
        """Make threads take turns after nearly every instruction."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-7)
        yield
        sys.setswitchinterval(usual)

    @pytest.mark.usefixtures("restless")
    def test_threads(self) -> None:
        """Nothing is lost or counted twice when four threads record and a fifth reads."""
        histogram, done = Histogram(), threading.Event()

        def read() -> None:
            while not done.is_set():
                assert histogram.buckets([math.inf])[0][1] <= 80_000

        def write() -> None:
            for n in range(20_000):
                histogram.record(n)

        reader, writers = threading.Thread(target=read), [threading.Thread(target=write) for _ in range(4)]
        for thread in (reader, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()
        assert histogram == recorded(list(range(20_000)) * 4)

    def test_other_types(self) -> None:
        """A histogram equals no number, does not add to one, and is no key of a dict."""
        assert Histogram() != 0
        with pytest.raises(TypeError):
            Histogram() + 1  # type: ignore[operator]
        with pytest.raises(TypeError, match="unhashable"):
            hash(Histogram())


class TestInterval:
    def test_frozen(self) -> None:
        """An interval is a pair that nobody can change, and a copy of it is one, too."""
        interval = Interval(0.25, 0.75)
        assert tuple(interval) == (interval.low, interval.high) == (0.25, 0.75)
        assert copy.deepcopy(interval) == copy.copy(interval) == interval
        assert isinstance(copy.copy(interval), Interval)
        with pytest.raises(AttributeError):
            interval.low = 0  # type: ignore[misc]

    @pytest.mark.parametrize(("low", "high"), [(1, 0), (math.nan, 1), (0, math.nan)])
    def test_order(self, low: float, high: float) -> None:
        """No interval has its ends in the wrong order."""
        with pytest.raises(ValueError, match="from low to high"):
            Interval(low, high)


class TestWilson:
    @pytest.mark.parametrize(
        ("successes", "trials", "low", "high"),
        [
            (81, 263, 0.2553, 0.3662),  # these four: Newcombe 1998, table I, method 3
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (8, 10, 0.4902, 0.9433),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
        ],
    )
    def test_published(self, successes: int, trials: int, low: float, high: float) -> None:
        """The interval is the published one to the last printed digit."""
        assert wilson(successes, trials) == pytest.approx((low, high), abs=5.1e-5)

    @untimed
    @given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.001, 0.999999))
    def test_shape(self, successes: int, failures: int, confidence: float) -> None:
        """The interval stays within 0 and 1, holds the rate seen, and mirrors for failures."""
        trials = successes + failures
        low, high = wilson(successes, trials, confidence)
        assert 0 <= low <= (successes / trials if trials else 0.5) <= high <= 1
        mirrored = wilson(failures, trials, confidence)
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high), abs=1e-9)

    @pytest.mark.parametrize("confidence", [1e-6, 0.5, 0.9, 0.95, 0.99, 0.999999, 1 - 1e-12])
    def test_confidence(self, confidence: float) -> None:
        """The ends solve Wilson's equation with the standard library's normal quantile."""
        z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
        for end in wilson(3, 10, confidence):
            assert abs(0.3 - end) == pytest.approx(z * math.sqrt(end * (1 - end) / 10), rel=1e-4)

    def test_certain_ends(self) -> None:
        """Without a success the lower end is 0, without a failure the upper end is 1, exactly."""
        for trials in range(1, 300):
            assert wilson(0, trials).low == 0 < wilson(0, trials).high < 1
            assert wilson(trials, trials).high == 1 > wilson(trials, trials).low > 0

    def test_no_trials(self) -> None:
        """Nothing tried, nothing known."""
        assert wilson(0, 0) == (0, 1)

    @pytest.mark.parametrize(
        ("successes", "trials", "confidence"),
        [(-1, 3, 0.95), (4, 3, 0.95), (0, -1, 0.95), (1, 2, 0), (1, 2, 1), (1, 2, 95)],
    )
    def test_nonsense(self, successes: int, trials: int, confidence: float) -> None:
        """More successes than trials, or 95 for 95 %, is an error."""
        with pytest.raises(ValueError, match="between 0 and"):
            wilson(successes, trials, confidence)


def sampled(items: list[int], limit: int) -> Samples[int]:
    samples = Samples[int](limit)
    for item in items:
        samples.add(item)
    return samples


class TestSamples:
    @untimed
    @given(st.integers(0, 60), st.integers(1, 12))
    def test_ends(self, length: int, limit: int) -> None:
        """What is kept is the beginning and the end, each item once, and the rest is counted."""
        items = list(range(length))
        samples = sampled(items, limit)
        assert samples.first == tuple(items[:limit])
        assert samples.last == tuple(items[-limit:])
        assert list(samples) == sorted({*items[:limit], *items[-limit:]})
        assert samples.count == length == len(list(samples)) + samples.dropped

    @untimed
    @given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(1, 8))
    def test_merging(self, lengths: list[int], limit: int) -> None:
        """Merging is recording one stream after the other, however the streams are grouped."""
        numbers = itertools.count()
        parts = [list(itertools.islice(numbers, length)) for length in lengths]
        merged, grouped = sampled(parts[0], limit), sampled(parts[-1], limit)
        for part in parts[1:]:
            merged.merge(sampled(part, limit))
        for part in reversed(parts[:-1]):
            earlier = sampled(part, limit)
            earlier.merge(grouped)
            grouped = earlier
        assert merged == grouped == sampled(list(range(sum(lengths))), limit)

    def test_merging_with_itself(self) -> None:
        """A stream may follow itself."""
        samples = sampled([1, 2, 3], 2)
        samples.merge(samples)
        assert samples == sampled([1, 2, 3, 1, 2, 3], 2)

    @untimed
    @given(st.lists(st.integers(), max_size=30), st.integers(1, 8))
    def test_json(self, items: list[int], limit: int) -> None:
        """Samples come back from JSON equal, and go on like the originals."""
        samples = sampled(items, limit)
        again = Samples.from_dict(through_json(samples.to_dict()))
        samples.add(7)
        again.add(7)
        assert again == samples

    @pytest.mark.parametrize(
        "wrong",
        [{"limit": 0}, {"limit": 1}, {"count": 1}, {"first": [1]}, {"last": "12"}, {"count": -2}],
    )
    def test_contradictions(self, wrong: dict[str, object]) -> None:
        """What contradicts itself is refused rather than reported."""
        with pytest.raises(ValueError, match=r"."):
            Samples.from_dict({**sampled([1, 2], 5).to_dict(), **wrong})

    def test_memory(self) -> None:
        """A hundred thousand items take the room of ten."""
        samples = sampled(list(range(100_000)), 5)
        assert (len(samples._first), len(samples._last), samples.dropped) == (5, 5, 99_990)

    def test_limits(self) -> None:
        """Samples that keep nothing, or different numbers of items, do not exist or merge."""
        with pytest.raises(ValueError, match="at least 1"):
            Samples(0)
        with pytest.raises(ValueError, match="do not merge"):
            sampled([], 3).merge(sampled([], 4))


KEYS = st.lists(st.sampled_from("abcdefghij"), max_size=120)


def counted(keys: list[str], capacity: int) -> TopCounts:
    counts = TopCounts(capacity)
    for key in keys:
        counts.add(key)
    return counts


def assert_true(counts: TopCounts, keys: list[str]) -> None:
    """Every range holds the true count, and no key left out has more than the smallest range."""
    truth, kept = Counter(keys), counts.top()
    assert counts.total == len(keys)
    assert len(kept) <= counts.capacity
    for key, least, most in kept:
        assert least <= truth[key] <= most
    smallest = min((most for _, _, most in kept), default=0)
    missing = truth.keys() - {key for key, _, _ in kept}
    assert all(truth[key] <= smallest for key in missing)
    assert counts.dropped == len(keys) - sum(least for _, least, _ in kept)
    if counts.exact:
        assert {key: most for key, _, most in kept} == truth


class TestTopCounts:
    @untimed
    @given(KEYS, st.integers(1, 12))
    def test_guarantees(self, keys: list[str], capacity: int) -> None:
        """Ranges hold the truth, are at most total / capacity wide, and miss no frequent key."""
        counts = counted(keys, capacity)
        assert_true(counts, keys)
        assert all(most - least <= len(keys) / capacity for _, least, most in counts.top())
        frequent = {key for key, n in Counter(keys).items() if n > len(keys) / capacity}
        assert frequent <= {key for key, _, _ in counts.top()}

    @untimed
    @given(KEYS, st.integers(1, 12))
    def test_exactness(self, keys: list[str], capacity: int) -> None:
        """Counts are exact, and say so, if and only if the distinct keys fit."""
        assert counted(keys, capacity).exact == (len(set(keys)) <= capacity)

    @untimed
    @given(KEYS, KEYS, KEYS, st.integers(1, 12))
    def test_merging(self, one: list[str], two: list[str], more: list[str], capacity: int) -> None:
        """A merger holds the truth about both streams, in either order, and about what follows."""
        merged, other_way = counted(one, capacity), counted(two, capacity)
        merged.merge(counted(two, capacity))
        other_way.merge(counted(one, capacity))
        assert merged == other_way
        assert_true(merged, one + two)
        for key in more:
            merged.add(key)
        assert_true(merged, one + two + more)

    @untimed
    @given(KEYS, KEYS, KEYS)
    def test_exact_merging(self, one: list[str], two: list[str], three: list[str]) -> None:
        """While the keys fit, any grouping of mergers equals one stream."""
        left, right, tail = (counted(keys, 10) for keys in (one, two, two))
        left.merge(right)
        left.merge(counted(three, 10))
        tail.merge(counted(three, 10))
        whole = counted(one, 10)
        whole.merge(tail)
        assert left == whole == counted(one + two + three, 10)

    @untimed
    @given(KEYS, KEYS, st.integers(1, 12))
    def test_json(self, keys: list[str], more: list[str], capacity: int) -> None:
        """Counts come back from JSON equal, and go on like the originals."""
        counts = counted(keys, capacity)
        again = TopCounts.from_dict(through_json(counts.to_dict()))
        assert again == counts
        for key in more:
            counts.add(key)
            again.add(key)
        assert again == counts

    @pytest.mark.parametrize(
        "wrong",
        [
            {"capacity": 0},
            {"capacity": 1},
            {"capacity": 3},
            {"total": 4},
            {"total": "5"},
            {"keys": [["a", 4, 4], ["b", 3, 3]]},
            {"keys": [["a", 3, 2], ["b", 1, 1]]},
            {"keys": [["a", 0, 0], ["b", 1, 1]]},
            {"keys": [[1, 3, 3], ["b", 1, 1]]},
            {"keys": ["abc"]},
        ],
    )
    def test_contradictions(self, wrong: dict[str, object]) -> None:
        """What contradicts itself is refused rather than reported."""
        data = counted(list("aaabbc"), 2).to_dict()
        assert TopCounts.from_dict(data).top() == [("a", 3, 3), ("c", 1, 3)]
        with pytest.raises(ValueError, match=r"."):
            TopCounts.from_dict({**data, **wrong})

    def test_order(self) -> None:
        """The most frequent key comes first, equals in the order of the alphabet."""
        assert counted(list("cabbca" + "b"), 5).top(2) == [("b", 3, 3), ("a", 2, 2)]

    def test_weights(self) -> None:
        """A key may be counted many times at once, but not zero times."""
        counts = TopCounts(2)
        counts.add("a", 40)
        assert counts.top() == [("a", 40, 40)]
        with pytest.raises(ValueError, match="1 or more"):
            counts.add("b", 0)

    def test_memory(self) -> None:
        """A hundred thousand distinct keys take the room of fifty, and are not hidden."""
        counts = counted(["often"] * 5000 + [str(n) for n in range(100_000)], 50)
        assert len(counts._counts) == len(counts._heap) == 50
        assert len(counts._errors) <= 50
        assert counts.total == 105_000
        assert counts.top(1) == [("often", 5000, 5000)]
        assert 99_900 < counts.dropped <= 100_000

    def test_capacities(self) -> None:
        """Counts of nothing, or of different capacities, do not exist or merge."""
        with pytest.raises(ValueError, match="at least 1"):
            TopCounts(0)
        with pytest.raises(ValueError, match="do not merge"):
            TopCounts(3).merge(TopCounts(4))


Shape = Callable[[float], float]

HARMLESS: dict[str, Shape] = {
    "flat": lambda x: 0,
    "falling": lambda x: -20 * x,
    "warm-up ramp": lambda x: 20 * min(1, x / 0.25),
    "long warm-up": lambda x: 20 * min(1, x / 0.5),
    "filling cache": lambda x: 20 * (1 - math.exp(-x / 0.1)),
    "spike": lambda x: 500 * (0.6 < x < 0.62),
    "spike at the end": lambda x: 500 * (x > 0.97),
    "bump": lambda x: 20 * (0.3 < x < 0.5),
    "sawtooth": lambda x: 20 * (8 * x % 1),
    "three teeth": lambda x: 20 * (3 * x % 1),
    "two early steps": lambda x: 10 * (x > 0.05) + 10 * (x > 0.2),
} | {
    f"step at {at}": lambda x, at=at: 20 * (x > at)
    for at in (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 0.97)
}

LEAKS: dict[str, Shape] = {
    "steady": lambda x: 20 * x,
    "after a warm-up step": lambda x: 50 * (x > 0.1) + 20 * x,
    "after a third": lambda x: 30 * max(0, x - 0.33),
    "from half-time on": lambda x: 40 * max(0, x - 0.5),
    "accelerating": lambda x: 25 * x * x,
    "staircase": lambda x: 2 * int(10 * x),
    "with spikes": lambda x: 20 * x + 100 * ((10 * x) % 1 < 0.05),
    "under a sawtooth": lambda x: 20 * x + 10 * (8 * x % 1),
}


def trend(shape: Shape, samples: int, noise: float = 0.0, period_s: float = 1.0) -> Trend:
    """Return the trend of a shape over 0..1, taken every *period_s* with normal noise."""
    result, chance = Trend(), random.Random(samples)
    for n in range(samples):
        result.add(n * period_s, shape(n / (samples - 1)) + chance.gauss(0, noise))
    return result


def bursts(shape: Shape, samples: int) -> Trend:
    """Return the trend of a shape over 0..1, taken in bursts: most gaps are short, few make up nearly all the time."""
    result, chance, now_s = Trend(), random.Random(samples), 0.0
    for n in range(samples):
        now_s += chance.lognormvariate(0, 2.5)
        result.add(now_s, shape(n / (samples - 1)))
    return result


class TestTrend:
    @pytest.mark.parametrize("noise", [0.0, 0.5, 1.5])
    @pytest.mark.parametrize("samples", [40, 300, 3000])
    @pytest.mark.parametrize("name", HARMLESS)
    def test_no_leak(self, name: str, samples: int, noise: float) -> None:
        """A step, a spike, a warm-up or a sawtooth is not growth, with or without noise."""
        assert not trend(HARMLESS[name], samples, noise).grows(5)

    @pytest.mark.parametrize("noise", [0.0, 0.5])
    @pytest.mark.parametrize("samples", [40, 300, 3000])
    @pytest.mark.parametrize("name", LEAKS)
    def test_leak(self, name: str, samples: int, noise: float) -> None:
        """A leak is growth, whatever is laid over it."""
        assert trend(LEAKS[name], samples, noise).grows(5)

    @pytest.mark.parametrize("samples", [40, 300])
    @pytest.mark.parametrize("name", LEAKS)
    def test_leak_in_bursts(self, name: str, samples: int) -> None:
        """A leak for each iteration is growth however unevenly these come, and of no more than there was."""
        leak = bursts(LEAKS[name], samples)
        assert leak.grows(5)
        values = [y for _, y in leak.samples]
        assert 5 <= leak.rise <= max(values) - min(values)

    @pytest.mark.parametrize("samples", [40, 300])
    @pytest.mark.parametrize("name", HARMLESS)
    def test_no_leak_in_bursts(self, name: str, samples: int) -> None:
        """What is no growth is none either however unevenly the samples come."""
        assert not bursts(HARMLESS[name], samples).grows(5)

    @pytest.mark.parametrize("seed", range(40))
    def test_noise(self, seed: int) -> None:
        """Pure noise never counts as growth, however little is asked for."""
        chance, noisy = random.Random(seed), Trend()
        for n in range(16 + 5 * seed):
            noisy.add(n, chance.gauss(0, 1) + chance.paretovariate(1.5))
        assert not noisy.grows(1e-9)

    def test_least_rise(self) -> None:
        """A leak counts from the least rise on that matters, and not below."""
        leak = trend(lambda x: 20 * x, 500)
        assert leak.grows(19.5)
        assert not leak.grows(20.5)
        for nonsense in (0, -1, math.nan):
            with pytest.raises(ValueError, match="above 0"):
                leak.grows(nonsense)

    def test_a_whole_day(self) -> None:
        """One slow leak of 20 in 24 h, sampled every second under noise, is found and measured."""
        day = trend(lambda x: 20 * x, 86_400, noise=1)
        assert day.grows(10)
        assert day.rise == pytest.approx(20, rel=0.1)
        assert day.slope_per_s * 86_400 == pytest.approx(20, rel=0.01)

    def test_few_samples(self) -> None:
        """Fifteen samples say nothing, sixteen may."""
        assert not trend(lambda x: 20 * x, 15).grows(5)
        assert trend(lambda x: 20 * x, 16).grows(5)

    @untimed
    @given(
        st.lists(st.tuples(st.integers(0, 100), st.integers(-1000, 1000)), min_size=3, max_size=300).filter(
            lambda points: len({t for t, _ in points}) > 1
        )
    )
    def test_least_squares(self, points: list[tuple[int, int]]) -> None:
        """Slope and standard error are those of an ordinary regression over all samples."""
        points.sort()
        ts, ys = [float(t) for t, _ in points], [float(y) for _, y in points]
        fitted = Trend()
        for t, y in zip(ts, ys, strict=True):
            fitted.add(t, y)
        slope, intercept = statistics.linear_regression(ts, ys)
        left = sum((y - intercept - slope * t) ** 2 for t, y in zip(ts, ys, strict=True))
        spread = sum((t - statistics.fmean(ts)) ** 2 for t in ts)
        error = math.sqrt(left / (len(ts) - 2) / spread)
        assert fitted.slope_per_s == pytest.approx(slope, abs=1e-7)
        assert fitted.slope_error_per_s == pytest.approx(error, rel=1e-6, abs=1e-4)

    @untimed
    @given(st.integers(0, 3000))
    def test_even_samples(self, samples: int) -> None:
        """However many samples, at most 128 are kept, evenly spaced, the first among them."""
        kept = [t for t, _ in trend(lambda x: x, samples).samples] if samples != 1 else []
        assert len(kept) <= Trend.MOST_SAMPLES
        assert len(kept) >= min(samples, Trend.MOST_SAMPLES // 2) or samples == 1
        stride = kept[1] if len(kept) > 1 else 1
        assert kept == [n * stride for n in range(len(kept))]
        assert samples - (kept[-1] if kept else 0) <= stride or samples == 1

    def test_memory(self) -> None:
        """A million samples take the room of 128."""
        long = trend(lambda x: x, 1_000_000)
        assert long.count == 1_000_000
        assert 64 <= len(long._samples) <= 128

    def test_nothing_to_say(self) -> None:
        """Without samples, or all at one time, there is no slope, and its error is infinite."""
        empty, sudden = Trend(), Trend()
        for y in range(20):
            sudden.add(5, y)
        for idle in (empty, sudden):
            assert (idle.slope_per_s, idle.rise, idle.grows(1)) == (0, 0, False)
            assert idle.slope_error_per_s == math.inf

    def test_rise_ignores_a_spike(self) -> None:
        """A spike that bends the least-squares slope leaves the rise alone."""
        spiky = trend(lambda x: 1000 * (x > 0.99), 200)
        assert spiky.slope_per_s > 0
        assert spiky.rise == 0

    def test_wrong_samples(self) -> None:
        """A sample from the past or without a number is refused and changes nothing."""
        steady = trend(lambda x: x, 20)
        before = (steady.count, steady.samples, steady.slope_per_s)
        for t, y in [(18.9, 1), (math.nan, 1), (math.inf, 1), (20, math.nan), (20, math.inf)]:
            with pytest.raises(ValueError, match="finite samples in order"):
                steady.add(t, y)
        assert (steady.count, steady.samples, steady.slope_per_s) == before


class TestRate:
    @untimed
    @given(st.integers(1, 50), st.integers(1, 20), st.floats(0, 1e6))
    def test_steady(self, per_second: int, window_s: int, start: float) -> None:
        """A steady stream has its rate, wherever the clock stands, to one event per window."""
        rate = Rate(window_s)
        for n in range(per_second * (window_s + 3)):
            rate.add(start + n / per_second)
        now = start + window_s + 3
        assert rate.per_second(now) == pytest.approx(per_second, abs=1.01 / window_s)

    def test_forgets(self) -> None:
        """A burst has left the window when it is over for longer than that."""
        rate = Rate(10)
        rate.add(100.5, 50)
        assert rate.per_second(110.9) == pytest.approx(50 / 10.4)
        assert rate.per_second(111) == 0
        rate.add(1000, 1)
        assert rate.per_second(1000) == 1 / 10

    def test_beginning(self) -> None:
        """In the first second the rate is the number of events, never a division by almost 0."""
        rate = Rate()
        assert rate.per_second(3) == 0
        rate.add(7.999)
        assert rate.per_second(7.999) == 1
        rate.add(8.001)
        assert rate.per_second(8.001) == 2
        assert rate.per_second(11.999) == pytest.approx(0.5)

    def test_late_events(self) -> None:
        """An event that is a little late counts in its own second, a very late one nowhere."""
        rate = Rate(2)
        for at in (10.5, 12.5, 11.5, 9.0):
            rate.add(at)
        assert rate.per_second(12.5) == pytest.approx(3 / 2)
        rate.add(13.5)
        rate.add(10.6)
        assert rate.per_second(13.5) == pytest.approx(3 / 2.5)

    def test_memory(self) -> None:
        """A day of events takes the room of the window."""
        rate = Rate(10)
        for second in range(86_400):
            rate.add(second)
        assert len(rate._counts) == len(rate._seconds) == 11

    def test_window(self) -> None:
        """A window of no seconds does not exist."""
        with pytest.raises(ValueError, match="at least 1 s"):
            Rate(0)
