"""Slow iterations are found one by one, slow runs as a whole."""

from typing import Any

import pytest

from chaoscore.validators import execution_time, no_slow_iteration
from chaoscore.verdict import Verdict
from tests.validators.scenes import FakeProgress, iteration, shown, start

RUN = FakeProgress(succeeded=60, failed=40, mean_s=0.02, maximum_s=0.5, quantiles_s={0.5: 0.01, 0.99: 0.1})


def test_slow_iteration() -> None:
    """Each iteration beyond the limit is a finding; one that takes exactly the limit is none."""
    checker = start(no_slow_iteration("100ms"))
    found = shown(checker, iteration(0.1), iteration(0.1001, number=1), iteration(0.01), iteration(2, number=3))
    assert [each.iteration for each in found] == [1, 3]
    assert found[1].message == "an iteration took 2 s, at most 100 ms allowed"
    assert found[1].data == {"duration_s": 2, "limit_s": 0.1}


@pytest.mark.parametrize("limit", [0, "fast", "10", None])
def test_slow_refused(limit: Any) -> None:
    """A limit is a duration above 0, with its unit."""
    with pytest.raises((TypeError, ValueError), match=r"duration|limit"):
        no_slow_iteration(limit)


def test_within_limits() -> None:
    """Durations that just reach their limits hold."""
    assert start(execution_time(p50="10ms", p99="100ms", max="500ms", mean="20ms"), progress=RUN).conclude() == []


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"p50": "9ms"}, "the p50 of 100 durations is 10 ms, at most 9 ms allowed"),
        ({"p99": "99ms"}, "the p99 of 100 durations is 100 ms, at most 99 ms allowed"),
        ({"max": "499ms"}, "the maximum of 100 durations is 500 ms, at most 499 ms allowed"),
        ({"mean": "19ms"}, "the mean of 100 durations is 20 ms, at most 19 ms allowed"),
    ],
)
def test_beyond_a_limit(limits: dict[str, Any], text: str) -> None:
    """A limit that is not reached is a finding with both numbers, and the other limits say nothing."""
    (found,) = start(execution_time(**limits), progress=RUN).conclude()
    assert found.message == text
    assert found.verdict is None


def test_beyond_several() -> None:
    """All limits are judged, not only the first that breaks."""
    found = start(execution_time(p50=0.001, p99=1, max=0.001), progress=RUN).conclude()
    assert [each.data["what"] for each in found] == ["p50", "maximum"]


def test_nothing_ended() -> None:
    """Without a single duration nobody can tell."""
    (found,) = start(execution_time(max="1s")).conclude()
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({}, "execution_time needs at least one of p50=, p99=, max=, mean="),
        ({"p99": 0}, "p99 must be more than 0 s"),
        ({"max": "1 parsec"}, "'1 parsec' is not a duration"),
    ],
)
def test_refused(limits: dict[str, Any], text: str) -> None:
    """No limit at all, and a limit of nothing, are refused."""
    with pytest.raises(ValueError, match=text):
        execution_time(**limits)
