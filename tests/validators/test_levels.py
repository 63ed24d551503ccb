"""Levels are found when they cross their limit, and when they keep growing."""

import random
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from chaoscore.protocols import Moment, Violation
from chaoscore.validators.levels import Course, Level, LevelChecker, by_name, counted
from chaoscore.verdict import Verdict
from tests.validators.scenes import FakeElapsed, iteration, scene, shown


class Gauge:
    """A level that is set by hand, and a checker for it."""

    def __init__(self, limit: float | None = None, growth: float | None = None) -> None:
        self.value, self.read = 0.0, 0
        self.elapsed = FakeElapsed()
        level = Level(name="cats", read=self._read, show=counted("cats"), holders=lambda: {"Tom": self.value})
        self.checker = LevelChecker(scene(elapsed_s=self.elapsed), level, limit, growth)

    def at(self, second: float, value: float) -> list[Violation]:
        """Return what an iteration that ends then finds."""
        self.value = value
        return shown(self.checker, iteration(at=second))

    def over(self, values: Iterable[float], seconds: float) -> list[Violation]:
        """Let the level take *values*, evenly spread over *seconds*; return what the end of the run finds."""
        course = list(values)
        for number, value in enumerate(course):
            self.at(seconds * number / len(course), value)
        self.elapsed.s = seconds
        return self.checker.judge()

    def _read(self) -> float:
        self.read += 1
        return self.value


def messages(found: Iterable[Violation]) -> list[str]:
    return [each.message for each in found]


def test_limit_is_allowed() -> None:
    """A level that reaches its limit and goes no further holds."""
    gauge = Gauge(limit=10)
    assert gauge.at(0, 9) == gauge.at(1, 10) == gauge.checker.judge() == []


def test_crossing() -> None:
    """A level beyond its limit is a finding with the value, the limit and what it is made of."""
    (found,) = Gauge(limit=10).at(0, 11)
    assert found.message == "11 cats, at most 10 cats allowed; most are Tom (11)"
    assert found.data == {"value": 11, "limit": 10, "most": {"Tom": 11}}


def test_once_per_crossing() -> None:
    """A level that stays high is reported once, and again when it comes back after it had fallen."""
    gauge = Gauge(limit=10)
    found = [bool(gauge.at(second, value)) for second, value in enumerate([11, 12, 11, 10, 11])]
    assert found == [True, False, False, False, True]


def test_peak() -> None:
    """The end of the run tells the peak where that is higher than what was reported."""
    gauge = Gauge(limit=10)
    gauge.at(0, 11), gauge.at(1, 40), gauge.at(2, 5)
    (peak,) = gauge.checker.judge()
    assert peak.message == "cats peaked at 40 cats, at most 10 cats allowed"
    assert peak.data["at_s"] == 1


def test_peak_that_was_told() -> None:
    """A peak that was reported when it came is not told again."""
    gauge = Gauge(limit=10)
    gauge.at(0, 40), gauge.at(1, 12)
    assert gauge.checker.judge() == []


def test_at_the_end() -> None:
    """What is there when the workload is over is looked at once more, however short the run was."""
    gauge = Gauge(limit=10)
    gauge.at(0, 1)
    gauge.value = 11
    assert messages(gauge.checker.judge()) == ["11 cats, at most 10 cats allowed; most are Tom (11)"]


def test_check() -> None:
    """While no iteration ends, the check reads the level on its own."""
    gauge = Gauge(limit=10)
    gauge.value = 11
    assert isinstance(gauge.checker.check(Moment.DURING), Violation)


def test_read_seldom() -> None:
    """Ten thousand iterations in a second read the level no more than a few hundred times."""
    gauge = Gauge(limit=10)
    for number in range(10_000):
        gauge.at(number / 10_000, 1)
    assert 100 < gauge.read < 1_000


LEAK = list(range(200))
GOOD: dict[str, Callable[[int], float]] = {
    "flat": lambda _: 20,
    "noise": lambda n: 20 + n * 7919 % 13,
    "one spike": lambda n: 500 if n == 150 else 20,
    "a warm-up": lambda n: min(n, 30),
    "a pool that fills up late": lambda n: 20 if n < 120 else 60,
    "falling": lambda n: 400 - n,
}


@pytest.mark.parametrize("seconds", [0.2, 2, 86_400])
def test_leak(seconds: float) -> None:
    """A steady leak is found in a run of a fifth of a second and in one of a day, by what it adds up to."""
    (found,) = Gauge(growth=5).over(LEAK, seconds)
    assert "cats keep growing: by 19" in found.message
    assert "at most 5 cats allowed" in found.message
    assert found.data["rise"] == pytest.approx(199, abs=3)


@pytest.mark.parametrize("count", [60, 300, 3_000])
@pytest.mark.parametrize("seed", range(5))
def test_leak_in_bursts(count: int, seed: int) -> None:
    """One leak for each iteration is found however unevenly the iterations come, as on a busy machine."""
    chance, gauge, now_s = random.Random(seed), Gauge(growth=5), 0.0
    for number in range(count):
        now_s += 0.05 if chance.random() < 0.01 else 1e-4
        gauge.at(now_s, number)
    gauge.elapsed.s = now_s
    (found,) = gauge.checker.judge()
    assert 5 < found.data["rise"] <= count


@pytest.mark.parametrize("seconds", [0.2, 86_400])
@pytest.mark.parametrize("course", GOOD.values(), ids=GOOD)
def test_no_leak(course: Callable[[int], float], seconds: float) -> None:
    """What rises and stays, jumps, swings or falls is no growth."""
    assert Gauge(growth=5).over(map(course, range(200)), seconds) == []


def test_growth_is_allowed() -> None:
    """A rise of exactly the growth allowed holds; a limit is no part of it."""
    rises = [number * 5 / 127 for number in range(128)]
    assert Gauge(growth=5).over(rises, 128) == []
    assert len(Gauge(growth=4).over(rises, 128)) == 1


def test_no_growth_at_all() -> None:
    """A growth of 0 finds the slowest leak, and nothing where nothing grows."""
    assert len(Gauge(growth=0).over([20 + number // 10 for number in range(200)], 60)) == 1
    assert Gauge(growth=0).over([20] * 200, 60) == []


def test_too_short() -> None:
    """With too few readings nobody can tell; of a broken limit one can."""
    (found,) = Gauge(growth=1).over(range(15), 15)
    assert found.message == "15 readings do not show whether cats keep growing; run longer"
    assert found.verdict is Verdict.UNKNOWN
    assert messages(Gauge(growth=1, limit=5).over(range(15), 15)) == ["cats peaked at 14 cats, at most 5 cats allowed"]


def test_just_long_enough() -> None:
    """Sixteen iterations are enough to tell, however quick they are and however long the setup took."""
    assert Gauge(growth=1).over([1] * 16, 1e-4) == []
    gauge = Gauge(growth=1)
    for number in range(16):
        gauge.at(3_600 + number * 1e-5, number)
    gauge.elapsed.s = 3_601
    assert len(gauge.checker.judge()) == 1


@pytest.mark.parametrize("readings", [1, 100, 128, 129, 1_000, 100_000])
def test_course(readings: int) -> None:
    """What is kept of the readings is little, and as evenly spaced after a day as after a second."""
    course = Course()
    for number in range(readings):
        course.add(number * 0.01, number)
    kept = [value for _, value in course.trend().samples]
    apart = {later - earlier for earlier, later in pairwise(kept)}
    assert min(64, readings) <= len(kept) <= 128
    assert not apart or max(apart) <= 2 * min(apart)


def test_names() -> None:
    """Names that differ only in numbers are counted together."""
    assert by_name(["Thread-1 (work)", "Thread-22 (work)", "MainThread"]) == {"Thread-# (work)": 2, "MainThread": 1}


def test_counted() -> None:
    """Whole numbers are shown in full, others shortened."""
    assert [counted("cats")(value) for value in (1200, 2.34567)] == ["1,200 cats", "2.346 cats"]
