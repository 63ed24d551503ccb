"""Too few successes are found, and too few iterations are not judged."""

from typing import Any

import pytest

from chaoscore.validators import success_rate
from chaoscore.verdict import Verdict
from tests.validators.scenes import FakeProgress, start


def concluded(validator: Any, succeeded: int, failed: int) -> Any:
    return start(validator, progress=FakeProgress(succeeded=succeeded, failed=failed)).conclude()


@pytest.mark.parametrize(
    ("minimum", "succeeded", "failed"),
    [(0.95, 95, 5), ("99.9%", 999, 1), (1, 10, 0), (0.07, 7, 93), ("50%", 1, 0)],
)
def test_minimum_is_enough(minimum: float | str, succeeded: int, failed: int) -> None:
    """Exactly the minimum is enough, whatever floating point makes of a percentage."""
    assert concluded(success_rate(minimum), succeeded, failed) is None


def test_below() -> None:
    """One success less is a finding with the share and the counts."""
    found = concluded(success_rate("95%"), 94, 6)
    assert found.message == "success rate 94.00% is below 95.00% (94 of 100 iterations)"
    assert found.data == {"succeeded": 94, "iterations": 100, "minimum": 0.95}
    assert found.verdict is None


def test_one_of_a_million() -> None:
    """A minimum of 100 % allows no failure at all."""
    assert concluded(success_rate(1), 999_999, 1) is not None


@pytest.mark.parametrize(("at_least", "iterations"), [(1, 0), (20, 19)])
def test_too_few(at_least: int, iterations: int) -> None:
    """With too few iterations nobody can tell, even if all of them succeeded."""
    found = concluded(success_rate(0.5, at_least=at_least), iterations, 0)
    assert found.verdict is Verdict.UNKNOWN
    assert f"{iterations} iterations ended, too few" in found.message


def test_just_enough() -> None:
    """As many iterations as asked for are enough to tell."""
    assert concluded(success_rate(0.5, at_least=20), 20, 0) is None
    assert concluded(success_rate(0.5, at_least=20), 0, 20).verdict is None


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"minimum": 0}, "minimum must be more than 0: a success rate of 0 holds for every run"),
        ({"minimum": 95}, "a probability lies between 0 and 1"),
        ({"minimum": "most"}, "'most' is not a probability"),
        ({"minimum": 0.5, "at_least": 0}, "at_least must be 1 or more"),
    ],
)
def test_refused(parameters: dict[str, Any], text: str) -> None:
    """A share that cannot be, or that every run reaches, is refused."""
    with pytest.raises(ValueError, match=text):
        success_rate(**parameters)
