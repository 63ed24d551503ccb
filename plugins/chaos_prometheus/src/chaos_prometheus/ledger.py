"""Everything that is shown in one place: of one run, or of several at once and one after the other."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import attrs

from chaos_prometheus.labels import Bounded
from chaos_prometheus.tally import Tally
from chaoscore import Metric, Sampled, Verdict


@attrs.define
class RunState:
    """
    The latest run of a scenario.

    Attributes:
        under_way: How many runs of this scenario there are now.
        in_flight: Iterations of which a step is under way.
        verdict: The worst that was found so far; the report's when the run is over.
        healthy: What the target said of its health last; None where it was not asked.
        started: When it began, seconds since 1970.
        deadline: When its last iteration may begin, seconds since 1970; None before its workload, and without one.
        planned: The most iterations that it makes; None without a bound.
        info: What does not change: seed and versions.
    """

    under_way: int = 0
    in_flight: int = 0
    verdict: Verdict = Verdict.PASS
    healthy: bool | None = None
    started: float = 0.0
    deadline: float | None = None
    planned: int | None = None
    info: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define
class Faults:
    """
    The faults of one injector.

    Attributes:
        active: In how many runs it is open now.
        openings: How often it was opened.
        asked: How often points asked it; None if it strikes elsewhere.
        fired: How many faults landed.
        unproven: It was opened in this run, and nothing has shown yet that a fault landed.
    """

    active: int = 0
    openings: int = 0
    asked: int | None = None
    fired: int = 0
    unproven: bool = False


@attrs.define
class Amount:
    """A number that changes."""

    value: float = 0.0


class Ledger:
    """
    Sketches and counts, by what they are told apart by.

    Its size depends on the scenarios, and on the bound, not on how long runs go on. Whoever writes or reads holds
    `lock`, so that what is shown fits together.

    Args:
        limit: Most sets of labels of one metric, 1 or more.
        metrics: What installed plugins read from the events, by name.
    """

    def __init__(self, limit: int, metrics: Mapping[str, Metric]) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self.events = 0
        self.process: Sampled | None = None
        self.runs = Bounded(1, RunState, limit)
        self.iterations = Bounded(1, Tally, limit)
        self.steps = Bounded(2, Tally, limit)
        self.injectors = Bounded(3, Faults, limit)
        self.checks = Bounded(2, Amount, limit)
        self.violations = Bounded(3, Amount, limit)
        self.troubles = Bounded(3, Amount, limit)
        self.metrics = dict(metrics)
        self.readings = {name: (each, Bounded(1 + len(each.labels), Amount, limit)) for name, each in metrics.items()}
        self.broken: dict[str, str] = {}

    @property
    def folded(self) -> dict[str, int]:
        """Return for each part how often something belonged to a set of labels that came too late."""
        parts = ("runs", "iterations", "steps", "injectors", "checks", "violations", "troubles")
        own: dict[str, int] = {name: getattr(self, name).folded for name in parts}
        return own | {name: amounts.folded for name, (_, amounts) in self.readings.items()}
