"""How long iterations may take, each of them and all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import attrs

from chaoscore.events import Event, IterationEnded
from chaoscore.protocols import Progress, Scene, Violation
from chaoscore.units import optional_seconds, seconds, show_seconds
from chaoscore.validators.parameters import one_of, positive, weight
from chaoscore.verdict import Severity, Verdict


@attrs.frozen
class NoSlowIteration:
    """
    No iteration takes longer than *limit*, however it ends.

    Attributes:
        limit_s: Seconds that an iteration may take.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "no_slow_iteration"

    limit_s: float = attrs.field(converter=seconds, validator=positive, alias="limit")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _SlownessChecker:
        """Return a checker for one run."""
        return _SlownessChecker(self.limit_s)


class _SlownessChecker:
    observes: ClassVar[tuple[type[Event], ...]] = (IterationEnded,)

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s

    def observe(self, event: IterationEnded) -> Violation | None:
        if event.duration_s <= self._limit_s:
            return None
        return Violation(
            f"an iteration took {show_seconds(event.duration_s)}, at most {show_seconds(self._limit_s)} allowed",
            data={"duration_s": event.duration_s, "limit_s": self._limit_s},
            worker=event.worker,
            iteration=event.iteration,
        )


@attrs.frozen(kw_only=True)
class ExecutionTime:
    """
    The durations of all iterations together stay within limits, of which at least one is given.

    Judged at the end of the run. In a run of fewer than 100 iterations the 99th percentile is the longest.

    Attributes:
        p50_s: Seconds that half of the iterations may exceed.
        p99_s: Seconds that one of a hundred may exceed.
        max_s: Seconds that none may exceed.
        mean_s: Seconds that their mean may reach.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "execution_time"

    p50_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=positive, alias="p50")
    p99_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=positive, alias="p99")
    max_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=positive, alias="max")
    mean_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=positive, alias="mean")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight)

    def __attrs_post_init__(self) -> None:
        one_of(self, "p50", "p99", "max", "mean")

    def start(self, scene: Scene) -> _TimeChecker:
        """Return a checker for one run."""
        return _TimeChecker(self, scene.progress)


class _TimeChecker:
    def __init__(self, validator: ExecutionTime, progress: Progress) -> None:
        self._progress = progress
        self._limits: tuple[tuple[str, float | None, Callable[[], float]], ...] = (
            ("p50", validator.p50_s, lambda: progress.quantile_s(0.5)),
            ("p99", validator.p99_s, lambda: progress.quantile_s(0.99)),
            ("maximum", validator.max_s, lambda: progress.maximum_s),
            ("mean", validator.mean_s, lambda: progress.mean_s),
        )

    def conclude(self) -> list[Violation]:
        iterations = self._progress.succeeded + self._progress.failed
        if not iterations:
            return [Violation("no iteration ended, so that there are no durations to judge", verdict=Verdict.UNKNOWN)]
        return list(self._broken(iterations))

    def _broken(self, iterations: int) -> Iterator[Violation]:
        for name, limit_s, read in self._limits:
            if limit_s is not None and (value_s := read()) > limit_s:
                what = f"the {name} of {iterations} durations is {show_seconds(value_s)}"
                data = {"what": name, "value_s": value_s, "limit_s": limit_s, "iterations": iterations}
                yield Violation(f"{what}, at most {show_seconds(limit_s)} allowed", data=data)
