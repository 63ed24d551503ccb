"""Errors are counted to the last one that is allowed."""

from typing import Any

import pytest

from chaoscore.events import ErrorInfo, Outcome, StepEnded
from chaoscore.validators import max_errors
from tests.validators.scenes import recorded, shown, start, step

REAL = ErrorInfo("ValueError", "no stock")
OTHER = ErrorInfo("KeyError", "'sku'")
INJECTED = ErrorInfo("chaoscore.errors.InjectedError", "injected", injected_by="error")


def errors(count: int, error: ErrorInfo = REAL) -> list[StepEnded]:
    return [step(error=error, iteration=number) for number in range(count)]


def test_limit_is_allowed() -> None:
    """As many errors as the limit says are allowed."""
    checker = start(max_errors(3))
    assert shown(checker, *errors(3), step()) == []
    assert checker.conclude() is None


def test_one_too_many() -> None:
    """The first error beyond the limit is the finding, with its place; the end of the run adds nothing to it."""
    checker = start(max_errors(3))
    (found,) = shown(checker, *errors(4))
    assert "more than 3 real errors" in found.message
    assert "out of step 'execute', is ValueError: no stock" in found.message
    assert found.iteration == 3
    assert checker.conclude() is None


def test_total() -> None:
    """Where more follow, the end of the run says how many in all, the most frequent type first."""
    checker = start(max_errors(0))
    assert len(shown(checker, *errors(1, OTHER), *errors(4))) == 1
    total = checker.conclude()
    assert total is not None
    assert total.message == "5 real errors in all, at most 0 allowed: 4 x ValueError, 1 x KeyError"
    assert total.data == {"errors": 5, "limit": 0, "types": {"ValueError": 4, "KeyError": 1}}


def test_recorded_errors_count() -> None:
    """An error that the system handled and recorded counts like one that came out of a step."""
    (found,) = shown(start(max_errors(0)), recorded("other"), recorded("error", type="OSError", message="disk full"))
    assert "recorded in step 'execute', is OSError: disk full" in found.message


def test_injected_do_not_count() -> None:
    """Injected errors are not the system's, so they count only when asked for."""
    events = [*errors(1, INJECTED), recorded("error", injected=True)]
    assert shown(start(max_errors(0)), *events) == []
    assert len(shown(start(max_errors(1, injected=True)), *events)) == 1


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.STUCK])
def test_given_up_do_not_count(outcome: Outcome) -> None:
    """The cancellation that ends a step given up is no error of the system's."""
    cancelled = ErrorInfo("asyncio.exceptions.CancelledError", "")
    assert shown(start(max_errors(0)), step(error=cancelled, outcome=outcome)) == []


def test_memory_is_bounded() -> None:
    """Types made up at run time do not make the count grow without end."""
    checker = start(max_errors(0))
    shown(checker, *(step(error=ErrorInfo(f"Made{number}", "")) for number in range(1_000)))
    total = checker.conclude()
    assert total is not None
    assert len(total.data["types"]) == 51
    assert sum(total.data["types"].values()) == 1_000


def test_fresh() -> None:
    """Two runs of one value do not add up."""
    validator = max_errors(3)
    assert shown(start(validator), *errors(3)) == shown(start(validator), *errors(3)) == []


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"limit": -1}, "limit must be 0 or more, not -1"),
        ({"limit": 1.5}, "limit is a whole number, not 1.5"),
        ({"limit": True}, "limit is a whole number, not True"),
        ({"limit": None}, "limit is a whole number, not None"),
        ({"limit": 1, "injected": "yes"}, "injected"),
        ({"limit": 1, "severity": "fatal"}, "severity is one of critical, warning, info, not 'fatal'"),
    ],
)
def test_refused(parameters: dict[str, Any], text: str) -> None:
    """A wrong parameter is refused by name, with what was given."""
    with pytest.raises((TypeError, ValueError), match=text):
        max_errors(**parameters)
