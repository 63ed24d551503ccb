"""A step that does not come back is found, with its stack."""

from datetime import timedelta
from typing import Any

import pytest

from chaoscore.protocols import LimitsSteps
from chaoscore.units import Duration
from chaoscore.validators import no_infinite_loop
from tests.validators.scenes import shown, start, stuck


def test_found() -> None:
    """The finding names the step, the limit and the iteration, and carries the stack."""
    (found,) = shown(start(no_infinite_loop("5s")), stuck(step="spin", stack="File ...", iteration=3))
    assert found.message == "step 'spin' did not return within 5 s and was given up"
    assert (found.step, found.iteration, found.stack) == ("spin", 3, "File ...")


def test_each_one() -> None:
    """Every step that was given up is a finding of its own."""
    assert len(shown(start(no_infinite_loop(1)), stuck(iteration=0), stuck(iteration=1))) == 2


def test_only_stuck_steps_are_shown() -> None:
    """Steps that end are not its business: it asks for no other events, so it costs nothing."""
    assert [kind.__name__ for kind in start(no_infinite_loop(1)).observes] == ["Stuck"]


@pytest.mark.parametrize("limit", ["250ms", 0.25, timedelta(milliseconds=250)])
def test_limits_steps(limit: Duration) -> None:
    """The executor reads the limit in seconds, however it was written."""
    validator = no_infinite_loop(limit)
    assert isinstance(validator, LimitsSteps)
    assert validator.step_limit_s == 0.25


@pytest.mark.parametrize("limit", [0, "0s", -1, "5", None, True])
def test_refused(limit: Any) -> None:
    """A limit is a duration above 0, with its unit."""
    with pytest.raises((TypeError, ValueError), match=r"duration|limit"):
        no_infinite_loop(limit)
