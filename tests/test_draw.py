"""Seeded decisions: pure functions of their identity, and fair."""

import itertools
import math
import subprocess
import sys
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoscore.draw import Stream, fresh_seed, once

SEEDS = st.integers(-(2**70), 2**70)
PATHS = st.lists(st.integers(0, 5), max_size=4).map(tuple)


def chi_square(draws: list[float], bins: int = 64) -> float:
    counts = Counter(int(draw * bins) for draw in draws)
    expected = len(draws) / bins
    return sum((counts[each] - expected) ** 2 / expected for each in range(bins))


CRITICAL_63 = 103.4
"""Chi-square of 63 degrees of freedom is above this in one of 1,000 fair samples."""


@given(SEEDS, st.text(max_size=20), st.integers(0, 10**9), PATHS, st.integers(0, 10**6), st.integers(0, 9))
def test_pure(seed: int, name: str, iteration: int, path: tuple[int, ...], n: int, k: int) -> None:
    """The same identity gives the same number in [0, 1), whatever was drawn before."""
    stream = Stream(seed, name, iteration, path)
    first = stream.uniform(n, k)
    stream.uniform(n + 1, k)
    assert 0 <= first < 1
    assert stream.uniform(n, k) == first == Stream(seed, name, iteration, path).uniform(n, k)


def test_stable() -> None:
    """These numbers never change: a seed in an old report must reproduce with a new version."""
    assert Stream(42, "delay", 7, (1, 2)).uniform(3, 1) == 0.4742209110591683
    assert once(42, "opening", 3) == 0.9473295113389492


def test_stable_in_another_process() -> None:
    """Nothing depends on the hash seed of the interpreter."""
    code = "from chaoscore.draw import Stream, once; print(Stream(1, 'a', 2, (3,)).uniform(4), once(1, 'a', 2))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert printed == {f"{Stream(1, 'a', 2, (3,)).uniform(4)} {once(1, 'a', 2)}\n"}


def test_every_part_counts() -> None:
    """Seed, injector, iteration, path, ask and draw each change the number, and none can pass for another."""
    drawn = [
        Stream(seed, name, iteration, path).uniform(n, k)
        for seed, name, iteration, path, n, k in itertools.product(
            (0, 1, -1, 11),
            ("a", "b", "1", "a', 1, ("),
            (0, 1, 11),
            ((), (0,), (1,), (0, 1), (1, 1)),
            (0, 1, 11),
            (0, 1),
        )
    ]
    assert len(set(drawn)) == len(drawn)


def test_fair_within_a_stream() -> None:
    """The draws of one task are uniform."""
    stream = Stream(42, "delay", 0, ())
    assert chi_square([stream.uniform(n, 1) for n in range(20_000)]) < CRITICAL_63


def test_fair_across_iterations() -> None:
    """The first draws of many iterations are uniform."""
    assert chi_square([Stream(42, "delay", iteration, ()).uniform(0, 1) for iteration in range(20_000)]) < CRITICAL_63


def test_fair_across_tasks() -> None:
    """The first draws of many tasks of one iteration are uniform."""
    assert chi_square([Stream(42, "delay", 0, (k // 100, k % 100)).uniform(0, 1) for k in range(10_000)]) < CRITICAL_63


def test_fair_within_an_ask() -> None:
    """The first and the second draw of one ask are uniform in the square: neither tells the other."""
    stream = Stream(42, "delay", 0, ())
    pairs = [(stream.uniform(n, 1), stream.uniform(n, 2)) for n in range(20_000)]
    assert chi_square([(int(a * 8) + b) / 8 for a, b in pairs]) < CRITICAL_63


def test_fair_once() -> None:
    """Decisions that are made once per iteration are uniform."""
    assert chi_square([once(42, "delay", iteration) for iteration in range(20_000)]) < CRITICAL_63


@pytest.mark.parametrize("other", [(43, "delay"), (42, "panic")])
def test_independent(other: tuple[int, str]) -> None:
    """Two seeds, and two injectors under one seed, agree on a strike as often as chance says."""
    p, asks = 0.2, 10_000
    one, two = Stream(42, "delay", 0, ()), Stream(*other, 0, ())
    both = sum(one.uniform(n) < p and two.uniform(n) < p for n in range(asks))
    assert abs(both - asks * p * p) < 4 * math.sqrt(asks * p * p * (1 - p * p))


def test_no_runs() -> None:
    """Neighbouring asks are not correlated: after a strike the next one is as likely as ever."""
    stream = Stream(42, "delay", 0, ())
    struck = [stream.uniform(n) < 0.1 for n in range(20_000)]
    pairs = sum(a and b for a, b in itertools.pairwise(struck))
    assert abs(pairs - 200) < 4 * math.sqrt(200)


def test_threads_share_a_stream() -> None:
    """Several threads may draw from one stream at once."""
    stream = Stream(1, "a", 0, ())
    wrong: list[int] = []
    expected = [stream.uniform(n) for n in range(500)]

    def draw() -> None:
        wrong.extend(n for n in range(500) if stream.uniform(n) != expected[n])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_fresh_seed() -> None:
    """A new seed is another one each time, and short enough to be typed."""
    seeds = {fresh_seed() for _ in range(100)}
    assert len(seeds) > 90
    assert all(0 <= seed < 2**32 for seed in seeds)
