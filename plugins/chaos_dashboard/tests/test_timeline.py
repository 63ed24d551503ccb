"""What events say about time."""

import math
from collections.abc import Iterator

import pytest

from benchmarks.days import SLOW, day
from chaos_dashboard.spread import Spread
from chaos_dashboard.timeline import AFTER, BEFORE, DURING, Timeline
from chaoscore import Event, Found, IterationEnded, Lifted, Opened, Outcome, Severity, Verdict
from chaoscore.testing import hostile_run


def told(events: Iterator[Event]) -> Timeline:
    timeline = Timeline()
    for event in events:
        timeline.add((event,))
    timeline.settle()
    return timeline


def ended(at: float, duration_s: float = 0.01, outcome: Outcome = Outcome.OK) -> IterationEnded:
    return IterationEnded(at, 0, 0, outcome, duration_s)


def test_before_during_and_after() -> None:
    """An iteration counts for what each injector was when it ended."""
    began = hostile_run("")[0]
    before, during = [ended(0.1, 0.1)], [Opened(0.2, "it"), ended(0.3, 0.2), ended(0.4, 0.2)]
    timeline = told(iter((began, *before, *during, Lifted(0.5, "it"), ended(0.6, 0.3))))
    spreads = timeline.exposures["it"].spreads
    assert {name: spread.count for name, spread in spreads.items()} == {BEFORE: 1, DURING: 2, AFTER: 1}
    assert spreads[DURING].quantiles(0.5)[0] == pytest.approx(0.2, rel=0.004)


def test_it_is_the_same_in_batches() -> None:
    """How events are cut into batches, and how often it is looked at between, changes nothing."""
    events = tuple(day(300, 3))
    whole, pieces = Timeline(), Timeline()
    whole.add(events)
    whole.settle()
    for index in range(0, len(events), 7):
        pieces.add(events[index : index + 7])
        pieces.settle()
    assert whole.spread.cells == pieces.spread.cells
    assert [at for at, _ in whole.series] == [at for at, _ in pieces.series]
    for (_, one), (_, other) in zip(whole.series, pieces.series, strict=True):
        assert (one.outcomes, one.fired) == (other.outcomes, other.fired)
    assert whole.exposures[SLOW].spreads[DURING].cells == pieces.exposures[SLOW].spreads[DURING].cells


def test_the_cancelled_took_no_time() -> None:
    """A cancelled iteration is counted, and its duration says nothing."""
    timeline = told(iter((ended(0.1), ended(0.2, 99.0, Outcome.CANCELLED))))
    assert timeline.spread.count == 1
    [(_, bucket)] = timeline.series
    assert bucket.outcomes[Outcome.CANCELLED] == 1


@pytest.mark.parametrize("duration", [-1.0, math.nan, math.inf, 1e300])
def test_a_duration_that_cannot_be(duration: float) -> None:
    """A clock that was set gives an iteration without a duration."""
    timeline = told(iter((ended(0.1, duration), ended(0.2, 0.01))))
    assert timeline.spread.cells == Spread.of([0.01]).cells
    assert sum(bucket.outcomes[Outcome.OK] for _, bucket in timeline.series) == 2


def test_a_million_findings_are_few_marks() -> None:
    """Memory does not grow with what is found."""
    found = Found(1.0, "v", Severity.CRITICAL, "m", Verdict.FAIL)
    timeline = Timeline()
    for _ in range(1_000):
        timeline.add((found,) * 1_000)
    assert len(timeline.marks) <= 200


def test_the_first_second_of_a_fast_run() -> None:
    """A hundred thousand iterations in one second are in one bucket."""
    timeline = told(ended(0.5) for _ in range(100_000))
    [(at, bucket)] = timeline.series
    assert (at, bucket.outcomes[Outcome.OK], bucket.spread.count) == (0, 100_000, 100_000)


def test_a_hostile_run_is_a_run() -> None:
    """Names that nobody has announced get their place."""
    assert set(told(iter(hostile_run("\x1b[2J"))).exposures) == {"it"}
