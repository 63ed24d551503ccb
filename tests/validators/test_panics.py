"""Panics that escape are found, recovered ones are not, and a real one is called real."""

import pytest

from chaoscore.events import ErrorInfo, Outcome
from chaoscore.validators import panic_recovery
from chaoscore.verdict import Severity
from tests.validators.scenes import recorded, shown, start, step

INJECTED = ErrorInfo("chaoscore.errors.InjectedPanic", "injected panic", injected_by="panic", panic=True)
REAL = ErrorInfo("shop.Corrupt", "ledger lost", traceback="Traceback ...", panic=True)


def test_holds() -> None:
    """Steps that end well and panics that the system recovered from are no findings."""
    assert shown(start(panic_recovery()), step(), recorded("panic", injected=True), step()) == []


def test_escaped() -> None:
    """An injected panic that comes out of a step is a finding that names the injector and the place."""
    (found,) = shown(start(panic_recovery()), recorded("panic"), step(error=INJECTED, worker=2, iteration=7))
    assert (
        found.message == "a panic injected by 'panic' escaped step 'execute': "
        "chaoscore.errors.InjectedPanic: injected panic"
    )
    assert (found.worker, found.iteration, found.step) == (2, 7, "execute")
    assert found.data["recovered_before"] == 1


def test_real() -> None:
    """A panic that nobody injected is called real, and its traceback is kept."""
    (found,) = shown(start(panic_recovery()), step(error=REAL))
    assert found.message.startswith("a real panic escaped step 'execute': shop.Corrupt")
    assert found.stack == "Traceback ..."


def test_each_one() -> None:
    """Every panic that escapes is a finding of its own."""
    assert len(shown(start(panic_recovery()), step(error=INJECTED), step(error=INJECTED, iteration=1))) == 2


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ErrorInfo("ValueError", "no"), id="error"),
        pytest.param(ErrorInfo("asyncio.exceptions.CancelledError", "", injected_by="cancel"), id="cancellation"),
    ],
)
def test_errors_are_no_panics(error: ErrorInfo) -> None:
    """What `except Exception` swallows, and a cancellation, is no panic."""
    assert shown(start(panic_recovery()), step(error=error)) == []


def test_given_up() -> None:
    """A step that was given up did not panic."""
    assert shown(start(panic_recovery()), step(outcome=Outcome.STUCK)) == []


def test_fresh() -> None:
    """A second run does not count what was recovered in the first."""
    validator = panic_recovery(severity="warning")
    shown(start(validator), recorded("panic"))
    (found,) = shown(start(validator), step(error=INJECTED))
    assert found.data["recovered_before"] == 0
    assert validator.severity is Severity.WARNING
