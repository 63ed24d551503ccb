"""Whether a level rises over a run: leaks, told from warm-up and from spikes."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite, sqrt

_Sample = tuple[float, float]  # when (seconds) and how much


class Trend:
    """
    Whether a quantity keeps growing: memory, open files, threads, rows.

    Two views of one stream of samples. Least squares over all of them (`slope_per_s`, with its
    standard error) is a number to print, but one outlier bends it. `rise` and `grows` are the
    robust view: medians over at most 128 samples, evenly spaced over the whole stream (whenever
    there are more, every second one is forgotten).

    `grows` asks for all of this, each of which one kind of false alarm lacks:

    - at least 16 samples; fewer say nothing;
    - `rise` reaches the least rise that matters: a spike, or a step in the first or last third,
      hardly moves a median of slopes;
    - `rise` is at least 3 times the scatter around the line: noise is not growth;
    - the second half alone rises, too, by a quarter of `rise` or more (steady growth: by a half):
      a warm-up does not;
    - a line fits that half as well as the best single step does, give or take 10 %: a step in the
      midst of the stream is one event, not growth.

    It asks twice, by time and by order: one leak for each iteration is a line over iterations, and
    none over time where they come in bursts. By order, where a warm-up may fill more than half of
    the samples, the last quarter has to rise as well, by an eighth of `rise` or more.

    Not seen: a leak in the last third only, or in two or three large steps. Taken for a leak: a
    sawtooth of which one tooth fills the stream, and one random walk in ten; let it run longer.

    Source: Theil 1950 and Sen 1968, the median of all pairwise slopes; Rousseeuw and Croux 1993,
    median absolute deviation x 1.4826 as scatter; Welford 1962, the running sums. The shares were
    chosen on simulated leaks, steps, ramps and sawteeth, which tests/test_stats.py repeats.
    """

    __slots__ = (
        "_count",
        "_mean_t",
        "_mean_y",
        "_samples",
        "_stride",
        "_sum_tt",
        "_sum_ty",
        "_sum_yy",
        "_t",
    )

    MOST_SAMPLES = 128
    FEWEST_SAMPLES = 16

    def __init__(self) -> None:
        self._count = 0
        self._t = -inf
        self._mean_t = self._mean_y = 0.0
        self._sum_tt = self._sum_ty = self._sum_yy = 0.0
        self._samples: list[_Sample] = []
        self._stride = 1

    def add(self, t: float, y: float) -> None:
        """
        Take one sample.

        Args:
            t: When, seconds on any clock; not before the previous sample.
            y: How much, in any unit.

        Raises:
            ValueError: *t* goes back, or either is not finite.
        """
        if not (t >= self._t and isfinite(t) and isfinite(y)):
            raise ValueError(f"a trend takes finite samples in order, not {y!r} at {t!r} s")
        self._t = t
        self._keep(t, y)
        self._count += 1
        off_t, off_y = t - self._mean_t, y - self._mean_y
        self._mean_t += off_t / self._count
        self._mean_y += off_y / self._count
        self._sum_tt += off_t * (t - self._mean_t)
        self._sum_ty += off_t * (y - self._mean_y)
        self._sum_yy += off_y * (y - self._mean_y)

    @property
    def count(self) -> int:
        """Return how many samples were taken."""
        return self._count

    @property
    def samples(self) -> tuple[_Sample, ...]:
        """Return the samples kept as (t, y): at most `MOST_SAMPLES`, the first among them."""
        return tuple(self._samples)

    @property
    def slope_per_s(self) -> float:
        """Return the least-squares slope, units of y per second; 0 while all have one time."""
        return self._sum_ty / self._sum_tt if self._sum_tt else 0.0

    @property
    def slope_error_per_s(self) -> float:
        """Return the standard error of `slope_per_s` for independent noise; inf if unknown."""
        if self._count < 3 or not self._sum_tt:
            return inf
        unexplained = max(0.0, self._sum_yy - self._sum_ty * self.slope_per_s)
        return sqrt(unexplained / (self._count - 2) / self._sum_tt)

    @property
    def rise(self) -> float:
        """Return by how much y typically rose from first to last, at most as far as it went; below 0: it fell."""
        if not self._samples or not _span(self._samples):
            return 0.0
        ys = [y for _, y in self._samples]
        most = max(ys) - min(ys)
        return max(-most, min(most, max(_rise(self._samples), _rise(_by_order(self._samples)))))

    def grows(self, min_rise: float) -> bool:
        """
        Tell whether y keeps growing, by the rule above.

        Costs up to 8 ms: ask once a second, not once an iteration.

        Args:
            min_rise: Least rise that matters, in the unit of y, above 0.

        Raises:
            ValueError: It is not above 0: any noise would do.
        """
        if not min_rise > 0:
            raise ValueError(f"the least rise that matters is above 0, not {min_rise!r}")
        if len(self._samples) < self.FEWEST_SAMPLES or not _span(self._samples):
            return False
        ordered = _by_order(self._samples)
        return _grows(self._samples, min_rise) or (
            _grows(ordered, min_rise) and _rise(ordered[len(ordered) * 3 // 4 :]) >= _rise(ordered) / 8
        )

    def _keep(self, t: float, y: float) -> None:
        if self._count % self._stride:
            return
        if len(self._samples) == self.MOST_SAMPLES:  # even, so this one fits the wider stride, too
            del self._samples[1::2]
            self._stride *= 2
        self._samples.append((t, y))


def _by_order(samples: list[_Sample]) -> list[_Sample]:
    """Return *samples* as if the time between any two of them had been the same."""
    return [(float(index), y) for index, (_, y) in enumerate(samples)]


def _grows(samples: list[_Sample], min_rise: float) -> bool:
    """Tell whether *samples* keep growing over what stands for their time."""
    slope, recent = _slope(samples), samples[len(samples) // 2 :]
    rise = slope * _span(samples)
    return (
        rise >= min_rise
        and rise >= 3 * _scatter(samples, slope)
        and _rise(recent) >= rise / 4
        and _line_misfit(recent) <= 1.1 * _step_misfit(recent)
    )


def _median(values: Iterable[float]) -> float:
    """Return the median, 0 of nothing. The one in `statistics` takes 10 ms to import."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _span(samples: list[_Sample]) -> float:
    return samples[-1][0] - samples[0][0]


def _slope(samples: list[_Sample]) -> float:
    """Return the median slope of all pairs of samples."""
    return _median(
        (y2 - y1) / (t2 - t1) for i, (t1, y1) in enumerate(samples) for t2, y2 in samples[i + 1 :] if t2 > t1
    )


def _rise(samples: list[_Sample]) -> float:
    return _slope(samples) * _span(samples) if samples else 0.0


def _scatter(samples: list[_Sample], slope: float) -> float:
    """Return how far samples typically lie off a line: a standard deviation, if normally."""
    off = [y - slope * t for t, y in samples]
    middle = _median(off)
    return 1.4826 * _median(abs(each - middle) for each in off)


def _line_misfit(samples: list[_Sample]) -> float:
    slope = _slope(samples)
    return _misfit([y - slope * t for t, y in samples])


def _step_misfit(samples: list[_Sample]) -> float:
    """Return the misfit of the best step with an eighth of the samples, no mere spike, on each side."""
    ys = [y for _, y in samples]
    least = len(ys) // 8
    return min(_misfit(ys[:i]) + _misfit(ys[i:]) for i in range(least, len(ys) - least + 1))


def _misfit(ys: list[float]) -> float:
    """Return the sum of the distances from the median."""
    middle = _median(ys)
    return sum(abs(y - middle) for y in ys)
