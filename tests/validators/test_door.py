"""What every validator of the core has in common."""

import asyncio
import inspect
from typing import Any

import attrs
import pytest

from chaoscore import validators
from chaoscore.events import Event
from chaoscore.parameters import parameters
from chaoscore.protocols import Checks, Concludes, Observes, Validator
from chaoscore.verdict import Severity
from tests.validators.scenes import FakeProgress, iteration, recorded, start, step

VALUES: dict[str, Any] = {
    "all_of": validators.all_of(validators.max_errors(1)),
    "any_of": validators.any_of(validators.max_errors(1)),
    "execution_time": validators.execution_time(p99="1s"),
    "max_errors": validators.max_errors(1),
    "no_infinite_loop": validators.no_infinite_loop("5s"),
    "no_slow_iteration": validators.no_slow_iteration("1s"),
    "panic_recovery": validators.panic_recovery(),
    "recursion_depth": validators.recursion_depth(100),
    "state_consistency": validators.state_consistency(bool),
    "steady_state": validators.steady_state(bool),
    "success_rate": validators.success_rate("95%"),
    "task_limit": validators.task_limit(1_000),
    "thread_limit": validators.thread_limit(1_000),
}
EACH = pytest.mark.parametrize("name", validators.__all__)
QUIET: list[Event] = [step(), iteration(), recorded("recursion_depth", 3), recorded("panic"), step()]


def test_complete() -> None:
    """Every validator that the door offers is among those that are tested here."""
    assert sorted(VALUES) == validators.__all__


@EACH
def test_name(name: str) -> None:
    """The door's name is the kind by which scenario files ask for it."""
    assert getattr(validators, name).kind == name
    assert isinstance(VALUES[name], Validator)


@EACH
def test_frozen(name: str) -> None:
    """A validator cannot be changed after it was made."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        VALUES[name].severity = Severity.INFO


@EACH
def test_severity(name: str) -> None:
    """A finding fails the run unless the validator was made to weigh less."""
    assert VALUES[name].severity is Severity.CRITICAL
    assert inspect.signature(getattr(validators, name)).parameters["severity"].kind is inspect.Parameter.KEYWORD_ONLY


@EACH
def test_schema(name: str) -> None:
    """Each parameter can be told from its signature: what it takes, and what its docstring says about it."""
    for parameter in parameters(getattr(validators, name)):
        assert parameter.takes != "any value", parameter.name
        assert parameter.description, parameter.name


@EACH
def test_fresh(name: str) -> None:
    """Every run gets a checker of its own, that can do something."""
    first, second = start(VALUES[name]), start(VALUES[name])
    assert first is not second
    assert isinstance(first, (Observes, Checks, Concludes))


@EACH
def test_quiet(name: str) -> None:
    """Nobody finds anything in a run in which all is well."""
    checker = start(VALUES[name], progress=FakeProgress(succeeded=1), target="well")
    shown_to = getattr(checker, "observes", ())
    assert not any(checker.observe(event) for event in QUIET if type(event) in shown_to)
    assert not asyncio.run(concluded(checker))


async def concluded(checker: Any) -> Any:
    answer = checker.conclude() if isinstance(checker, Concludes) else None
    return await answer if inspect.isawaitable(answer) else answer
