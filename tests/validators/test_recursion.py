"""Recursion beyond the limit is found once per iteration, and the deepest at the end."""

from typing import Any

import pytest

from chaoscore.events import ErrorInfo, Recorded
from chaoscore.validators import recursion_depth
from tests.validators.scenes import recorded, shown, start, step

ENDLESS = ErrorInfo("RecursionError", "maximum recursion depth exceeded", traceback="Traceback ...")


def depths(*values: float, iteration: int = 0, worker: int = 0) -> list[Recorded]:
    return [recorded("recursion_depth", value, iteration=iteration, worker=worker) for value in values]


def test_limit_is_allowed() -> None:
    """A recursion exactly as deep as the limit holds."""
    checker = start(recursion_depth(100))
    assert shown(checker, *depths(1, 50, 100)) == []
    assert checker.conclude() is None


def test_too_deep() -> None:
    """One level more is a finding with depth, limit and place."""
    checker = start(recursion_depth(100))
    (found,) = shown(checker, *depths(101, iteration=4, worker=1))
    assert found.message == "recursion went to depth 101, at most 100 allowed"
    assert (found.worker, found.iteration, found.data) == (1, 4, {"depth": 101, "limit": 100})
    assert checker.conclude() is None


def test_once_per_iteration() -> None:
    """A recursion that goes on is one finding, the next iteration's is another, and the end has the deepest."""
    checker = start(recursion_depth(2))
    assert len(shown(checker, *depths(1, 2, 3, 4, 5), *depths(1, 3, iteration=1))) == 2
    deepest = checker.conclude()
    assert deepest is not None
    assert deepest.message == "the deepest recursion went to 5, at most 2 allowed"
    assert deepest.iteration == 0


def test_workers_apart() -> None:
    """Iterations that interleave on two workers are each reported once."""
    checker = start(recursion_depth(2))
    first, second = depths(3, 4, iteration=0, worker=0), depths(3, 4, iteration=1, worker=1)
    interleaved = [event for pair in zip(first, second, strict=True) for event in pair]
    assert [found.worker for found in shown(checker, *interleaved)] == [0, 1]


def test_recursion_error() -> None:
    """A real RecursionError out of a step is a finding however little was recorded; an injected one is not."""
    injected = ErrorInfo("RecursionError", "injected", injected_by="error")
    checker = start(recursion_depth(10_000))
    (found,) = shown(
        checker, step(), step(error=injected), step(error=ErrorInfo("ValueError", "")), step(error=ENDLESS)
    )
    assert found.message.startswith("recursion without end in step 'execute'")
    assert found.stack == "Traceback ..."


def test_others_are_ignored() -> None:
    """Events of another name, and depths without a value, say nothing about depth."""
    assert shown(start(recursion_depth(1)), recorded("queue_depth", 99), recorded("recursion_depth")) == []


def test_fresh() -> None:
    """A second run of one value finds the same as the first."""
    validator = recursion_depth(2)
    assert [len(shown(start(validator), *depths(3, 4))) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("limit", [0, -3, 2.0, "100", None])
def test_refused(limit: Any) -> None:
    """A depth is a whole number from 1 on."""
    with pytest.raises((TypeError, ValueError), match="limit"):
        recursion_depth(limit)
