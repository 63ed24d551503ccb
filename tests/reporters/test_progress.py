"""How far a run has come."""

import pytest

from chaoscore.events import InjectionInfo, Outcome, Phase
from chaoscore.fold import Fold
from chaoscore.reporters.progress import counts, left_s, share_done, status
from tests.fold.history import fired, found, iteration, started


def fold_of(done: int, **first: object) -> Fold:
    """Return a run whose workload began at 10 s, with so many iterations done."""
    fold = Fold()
    for event in (started(**first), Phase(10.0, "workload"), *(e for n in range(done) for e in iteration(n))):
        fold.add(event)
    return fold


@pytest.mark.parametrize(
    ("first", "share", "left"),
    [
        ({"iterations": 8}, 0.25, 15.0),
        ({"iterations": None, "run_for_s": 10.0}, 0.5, 5.0),
        ({"iterations": 8, "run_for_s": 10.0}, 0.5, 5.0),
        ({"iterations": None}, None, None),
    ],
)
def test_the_end_is_whichever_comes_first(first: dict[str, object], share: float | None, left: float | None) -> None:
    """After 2 iterations in 5 s, the share done and the time left follow from the workload."""
    fold = fold_of(2, **first)
    assert share_done(fold, 15.0) == share
    assert left_s(fold, 15.0) == left


def test_nobody_knows_before_the_first_iteration() -> None:
    """Neither a division by zero nor a guess."""
    assert left_s(fold_of(0), 15.0) is None
    assert share_done(Fold(), 1.0) is None


def test_a_run_that_takes_longer_than_it_should_is_not_more_than_done() -> None:
    """Iterations under way after the time is over do not make it 110 %."""
    assert share_done(fold_of(2, iterations=None, run_for_s=1.0), 15.0) == 1.0


def test_one_line_says_it_all() -> None:
    """Time, counts, faults, findings, time left."""
    fold = fold_of(2, injections=(InjectionInfo("pause", "delay", {}),))
    for event in (*iteration(2, Outcome.FAILED), fired(), fired(n=1), found()):
        fold.add(event)
    assert status(fold, 13.0) == "13 s: 3 of 8 iterations, 66.67% ok, 2 faults landed, 1 finding (about 5 s left)"


def test_other_phases_are_named() -> None:
    """While nothing is driven, the line says what goes on instead."""
    fold = Fold()
    assert status(fold, 1.0) == "1 s: starting, 0 iterations"
    fold.add(Phase(1.0, "tear\x1bdown"))
    assert status(fold, 2.0) == "2 s: tear\\x1bdown, 0 iterations"


def test_one_iteration_is_singular() -> None:
    """Words agree with their numbers."""
    assert counts(fold_of(1, iterations=None)) == "1 iteration, 100% ok"
