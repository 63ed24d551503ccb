"""A level of the system, such as its number of threads, that must stay low and must not keep growing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from threading import Lock
from typing import ClassVar

import attrs

from chaoscore.events import Event, IterationEnded
from chaoscore.protocols import Judgement, Moment, Scene, Violation
from chaoscore.stats import Trend
from chaoscore.units import show_seconds
from chaoscore.verdict import Verdict

OWN = "chaoscore-"
"""How the names of the threads and tasks of the run itself begin: they are no part of a level."""

_FREE = 64
"""Readings as iterations end before they are spaced out, so that 16 iterations are enough for a trend."""

_LONGEST_S, _EACH_S = 0.005, 1e-5
"""Seconds between them then: at most the first, and the second for each that is counted, which takes 0.1 to 0.3 us."""


@attrs.frozen(kw_only=True)
class Level:
    """
    How a level is read, and what findings call it.

    Attributes:
        name: What it counts, in the plural: ``"threads"``.
        read: Returns it now; called as iterations end, so it counts what is in memory and asks nobody.
        show: Returns it, or a difference, as text with its unit.
        holders: Returns what it is made of, name to share; asked for findings only.
    """

    name: str
    read: Callable[[], float]
    show: Callable[[float], str]
    holders: Callable[[], Mapping[str, float]] = dict


class LevelChecker:
    """
    Checks one level in one run.

    Each time it crosses *limit* is a violation, and the end of the run brings the peak where that was higher. Growth is
    judged at the end, by `Trend`: not by the difference of two readings, so that neither a spike nor a warm-up nor a
    pool that fills up looks like a leak. It may be growth over time or over iterations, which need not come evenly. In
    a run too short for that (16 readings) it is *unknown*.
    """

    observes: ClassVar[tuple[type[Event], ...]] = (IterationEnded,)
    moments: ClassVar[frozenset[Moment]] = frozenset({Moment.DURING})
    every_s: ClassVar[float] = 0.1

    def __init__(self, scene: Scene, level: Level, limit: float | None, growth: float | None) -> None:
        """
        Begin.

        Args:
            scene: The run.
            level: What to watch.
            limit: The highest level allowed; None: any.
            growth: The most it may grow over the whole run, however long that is; None: any.
        """
        self._elapsed_s = scene.elapsed_s
        self._level, self._limit, self._growth = level, limit, growth
        self._over_time, self._over_iterations = Course(), Course()
        self._readings = self._iterations = 0
        self._began_s = self._next_s = 0.0
        self._over = False
        self._peak = self._said = (0.0, 0.0)
        self._lock = Lock()  # iterations end in one thread while the check runs in another

    def observe(self, event: IterationEnded) -> Violation | None:
        """Read the level where the last reading is long enough ago."""
        self._iterations += 1
        return None if event.at < self._next_s else self._read(event.at)

    def check(self, moment: Moment) -> Judgement | Awaitable[Judgement]:
        """Read the level."""
        return self.look()

    def conclude(self) -> Judgement | Awaitable[Judgement]:
        """Judge the peak and the growth."""
        return self.judge()

    def look(self) -> Violation | None:
        """Read the level now; return what is wrong with it."""
        return self._read(self._elapsed_s())

    def judge(self) -> list[Violation]:
        """Read the level once more, now that the workload is over; return what is wrong with the run as a whole."""
        last = self._crossing(self._level.read(), self._elapsed_s())
        found = [violation for violation in (last, self._highest(), self._growing()) if violation is not None]
        return found or self._unknown()

    def _read(self, at_s: float) -> Violation | None:
        value = self._level.read()
        with self._lock:
            self._space_out(value, at_s)
            self._over_time.add(at_s, value)
            self._over_iterations.add(self._iterations, value)
            return self._crossing(value, at_s)

    def _space_out(self, value: float, at_s: float) -> None:
        self._readings += 1
        if self._readings == 1:
            self._began_s = at_s
        if self._readings > _FREE:
            self._next_s = at_s + min(_LONGEST_S, (at_s - self._began_s) / 100) + value * _EACH_S

    def _crossing(self, value: float, at_s: float) -> Violation | None:
        if self._limit is None or value <= self._limit:
            self._over = False
            return None
        self._peak = max(self._peak, (value, at_s))
        if self._over:
            return None
        self._over = True
        self._said = max(self._said, (value, at_s))
        message = f"{self._level.show(value)}, at most {self._level.show(self._limit)} allowed"
        return self._violation(message, {"value": value, "limit": self._limit})

    def _highest(self) -> Violation | None:
        value, at_s = self._peak
        if self._limit is None or value <= self._said[0]:
            return None
        message = (
            f"{self._level.name} peaked at {self._level.show(value)}, at most {self._level.show(self._limit)} allowed"
        )
        return Violation(message, data={"value": value, "limit": self._limit, "at_s": at_s})

    def _growing(self) -> Violation | None:
        if self._growth is None:
            return None
        allowed = self._growth * (1 + 1e-9) + 1e-9
        trends = (self._over_time.trend(), self._over_iterations.trend())
        rise = next((trend.rise for trend in trends if trend.grows(allowed)), None)
        if rise is None:
            return None
        (first_s, first), (last_s, last) = trends[0].samples[0], trends[0].samples[-1]
        show = self._level.show
        return self._violation(
            f"{self._level.name} keep growing: by {show(rise)} in {show_seconds(last_s - first_s)} "
            f"(from {show(first)} to {show(last)}), at most {show(self._growth)} allowed",
            {"rise": rise, "growth": self._growth, "first": first, "last": last, "per_s": trends[0].slope_per_s},
        )

    def _unknown(self) -> list[Violation]:
        readings = self._over_time.trend().count
        if self._growth is None or readings >= Trend.FEWEST_SAMPLES:
            return []
        message = f"{readings} readings do not show whether {self._level.name} keep growing; run longer"
        return [Violation(message, verdict=Verdict.UNKNOWN)]

    def _violation(self, message: str, data: dict[str, object]) -> Violation:
        holders = Counter(dict(self._level.holders())).most_common(5)
        most = ", ".join(f"{name} ({value:g})" for name, value in holders)
        return Violation(f"{message}; most are {most}" if most else message, data={**data, "most": dict(holders)})


class Course:
    """
    Readings over time, or over another quantity that only rises: few, and evenly spaced, however long the run gets.

    Of all the readings within a cell of it the first is kept. When there are too many, the cells double.
    """

    def __init__(self) -> None:
        self._points: list[tuple[float, float]] = []
        self._width = 1e-6
        self._last = -1

    def add(self, at: float, value: float) -> None:
        """Take a reading, unless its cell has one."""
        if self._cell(at) <= self._last:
            return
        self._points.append((at, value))
        while len(self._points) > Trend.MOST_SAMPLES:
            self._width *= 2
            firsts = {self._cell(point[0]): point for point in reversed(self._points)}
            self._points = [*reversed(firsts.values())]
        self._last = self._cell(at)

    def _cell(self, at: float) -> int:
        return int(at / self._width)

    def trend(self) -> Trend:
        """Return the trend of what was kept."""
        trend = Trend()
        for at, value in self._points:
            trend.add(at, value)
        return trend


def by_name(names: Iterable[str]) -> Counter[str]:
    """Return how often each of *names* occurs, those that differ only in numbers taken together."""
    return Counter(re.sub(r"\d+", "#", name) for name in names)


def counted(noun: str) -> Callable[[float], str]:
    """Return what shows a count of *noun*, given in the plural: ``'1,200 threads'``."""
    return lambda value: f"{value:,.4g} {noun}" if value % 1 else f"{value:,.0f} {noun}"
