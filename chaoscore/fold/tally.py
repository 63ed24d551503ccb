"""How often something ended in which way, and how long it took."""

from __future__ import annotations

from chaoscore.events import Outcome
from chaoscore.report import Counts, Timing
from chaoscore.stats import Histogram

_CANCELLED = Outcome.CANCELLED  # looking a member up on its class costs more than all else that happens here


class Tally:
    """
    Counts and durations of one thing that ends again and again: an iteration, or the calls of a step.

    Attributes:
        counts: Maps each outcome to how often there was one.
        durations: Seconds of all that ended by themselves; the cancelled say nothing about the system.
    """

    __slots__ = ("_record", "counts", "durations")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Outcome, 0)
        self.durations = Histogram()
        self._record = self.durations.record

    def add(self, outcome: Outcome, duration_s: float) -> None:
        """Count one that ended."""
        self.counts[outcome] += 1
        if outcome is not _CANCELLED:
            try:
                self._record(duration_s)
            except ValueError:  # a clock that went back: the duration is worth nothing, the outcome still is
                return

    @property
    def unsuccessful(self) -> int:
        """Return how many failed, let an injected fault out, or got stuck."""
        counts = self.counts
        return counts[Outcome.FAILED] + counts[Outcome.FAULTED] + counts[Outcome.STUCK]

    def report(self) -> tuple[Counts, Timing]:
        """Return both as values."""
        durations = self.durations
        timing = Timing(
            count=durations.count,
            mean_s=durations.mean or 0.0,
            p50_s=durations.quantile(0.5) or 0.0,
            p90_s=durations.quantile(0.9) or 0.0,
            p99_s=durations.quantile(0.99) or 0.0,
            max_s=durations.maximum or 0.0,
        )
        return Counts(**{outcome.value: count for outcome, count in self.counts.items()}), timing
