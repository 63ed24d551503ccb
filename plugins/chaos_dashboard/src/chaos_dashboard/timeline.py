"""What the events of a run say about time: when what happened, and under which fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from chaos_dashboard.series import Series
from chaos_dashboard.spread import LONGEST_S, Spread
from chaos_dashboard.windows import Windows
from chaoscore import (
    Event,
    Fired,
    Found,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    RunStarted,
    Sampled,
    Verdict,
)

BEFORE, DURING, AFTER = "before", "during", "after"
TOGETHER = 10_000
"""Iterations that are taken together at most."""

MARKS = 200
"""Findings that are marked on the time line: the first ones."""


class Exposure:
    """
    One injector over time.

    Attributes:
        windows: When it was open.
        spreads: How long the iterations took that ended before it was opened first, while it was open, and after or
            between.
    """

    def __init__(self) -> None:
        self.windows = Windows()
        self.spreads = {BEFORE: Spread(), DURING: Spread(), AFTER: Spread()}

    @property
    def now(self) -> str:
        """Return which of the three it is."""
        if self.windows.is_open:
            return DURING
        return AFTER if any(self.windows) else BEFORE


class Timeline:
    """
    The run over time. Its size depends on the scenario, not on how long the run goes on.

    Iterations are taken together, and put where they belong when a bucket of the series is full or an injector is
    opened or lifted.

    Attributes:
        series: What happened, by time.
        exposures: Maps each injector to when it was open and what that did.
        spread: How long all iterations took.
        recent: The same for those since this was last set to an empty one.
        workload_at: When the workload began, seconds after the run started; None: not yet.
        workload_end: When it ended.
        last_at: The time of the latest event.
        sample: What the process held last.
        marks: When something was found, and the verdict that this brought.
    """

    def __init__(self) -> None:
        self.series = Series()
        self.exposures: dict[str, Exposure] = {}
        self.spread = Spread()
        self.recent = Spread()
        self.workload_at: float | None = None
        self.workload_end: float | None = None
        self.last_at = 0.0
        self.sample: Sampled | None = None
        self.marks: list[tuple[float, Verdict]] = []
        self._at, self._until = 0.0, 1.0
        self._durations: list[float] = []
        self._outcomes: Counter[Outcome] = Counter()
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            IterationEnded: self._iteration_ended,
            RunStarted: self._run_started,
            Phase: self._phase,
            Opened: self._opened,
            Lifted: self._lifted,
            Fired: self._fired,
            Sampled: self._sampled,
            Found: self._found,
        }

    def add(self, events: Iterable[Event]) -> None:
        """Take the next events."""
        takers = self._takers
        event = None
        for event in events:
            take = takers.get(type(event))
            if take is not None:
                take(event)
        if event is not None and event.at > self.last_at:
            self.last_at = event.at

    def settle(self) -> None:
        """Put the iterations that were taken together where they belong."""
        if not self._outcomes:
            return
        spread = Spread.of(self._durations)
        bucket = self.series.at(self._at)
        bucket.ended(self._outcomes)
        bucket.spread.add(spread.coarse())
        self.spread.add(spread)
        for exposure in self.exposures.values():
            exposure.spreads[exposure.now].add(spread)
        self.recent.add(spread)
        self._durations, self._outcomes = [], Counter()

    def _iteration_ended(self, event: IterationEnded) -> None:
        if event.at >= self._until or len(self._durations) >= TOGETHER:
            self._turn(event.at)
        self._outcomes[event.outcome] += 1
        if event.outcome is not Outcome.CANCELLED and 0.0 <= event.duration_s <= LONGEST_S:
            self._durations.append(event.duration_s)

    def _turn(self, at: float) -> None:
        """Go on with the bucket that spans *at*; what comes a little late from another thread counts there as well."""
        self.settle()
        if at >= self._until:
            width_s = self.series.width_of(at)
            self._at, self._until = at, (at // width_s + 1) * width_s

    def _run_started(self, event: RunStarted) -> None:
        for info in event.injections:
            self._exposure(info.name)

    def _phase(self, event: Phase) -> None:
        if event.name == "workload":
            self.workload_at = event.at
        elif self.workload_at is not None and self.workload_end is None:
            self.workload_end = event.at

    def _exposure(self, injector: str) -> Exposure:
        found = self.exposures.get(injector)
        if found is None:
            found = self.exposures[injector] = Exposure()
        return found

    def _opened(self, event: Opened) -> None:
        self.settle()
        self._exposure(event.injector).windows.opened(event.at)

    def _lifted(self, event: Lifted) -> None:
        self.settle()
        self._exposure(event.injector).windows.lifted(event.at)

    def _fired(self, event: Fired) -> None:
        self.series.at(event.at).fire(event.injector)

    def _sampled(self, event: Sampled) -> None:
        self.sample = event
        self.series.at(event.at).sampled(event)

    def _found(self, event: Found) -> None:
        if event.verdict is not Verdict.PASS and len(self.marks) < MARKS:
            self.marks.append((event.at, event.verdict))
