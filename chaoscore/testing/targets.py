"""The conformance of targets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

from chaoscore.errors import ScenarioError
from chaoscore.events import Trouble
from chaoscore.executor.hooks import Lane
from chaoscore.scenario import Scenario
from chaoscore.testing.builders import Step
from chaoscore.testing.hand import hook
from chaoscore.testing.promises import PlannedError, Promise, fail, shown
from chaoscore.testing.runs import Recording, cancelled, do_nothing, preceded, recorded
from chaoscore.testing.traces import left_since, own_temporary_files, traces

IS_A_TARGET = Promise(
    "it is an object whose hooks are spelt `setup`, `teardown` and `health`", "see the error; a scenario refuses it"
)
STANDS = Promise(
    "it can be set up, used and torn down, and that again and again",
    "let `setup` begin anew, whatever `teardown` left, and keep nothing of one run for the next",
)
ALWAYS_FALLS = Promise(
    "its teardown works however far its setup came, and twice as well",
    "set what `teardown` closes to None in `__init__`, and skip it there where it is still None",
)
LEAVES_NOTHING = Promise(
    "it leaves nothing behind: no thread, process, open file, file or variable",
    "let `teardown` join, close and delete what `setup` and the steps made",
)


def check_target(make: Callable[[], Any], *, step: Step = do_nothing) -> None:
    """
    See that a target keeps what every run relies on.

    It can be set up and torn down in one run after the other, is torn down however far its setup came, and leaves
    nothing behind: not after a run that ends, one whose step raises, one whose setup fails, one that is cancelled.

    Args:
        make: Returns a new target.
        step: A step that it can do, plain or `async def`.

    Raises:
        ConformanceError: A promise is broken; it says which, how that was tried, and what to do.
    """
    with own_temporary_files():
        target = make()
        for tried in ("ran a step", "ran a step in a second run with the same target"):
            _runs_well(target, tried, _repeated, step)
        for tried, way in _WAYS.items():
            _runs_well(make(), tried, way, step)
        _runs_well(_FailsInTheEnd(make()), "let its setup fail at its end", _repeated, step)
        for tried, hooks in _BY_HAND.items():
            _falls(make(), tried, hooks)


def _repeated(scenario: Scenario) -> Recording:
    return recorded(scenario.repeat(3), seed=7)


def _failing(scenario: Scenario) -> Recording:
    return recorded(preceded(scenario, "conformance: fail", fail), seed=7)


def _cancelled(scenario: Scenario) -> Recording:
    return cancelled(scenario, seed=7)


_WAYS: dict[str, Callable[[Scenario], Recording]] = {
    "ran a step that raises": _failing,
    "cancelled its run": _cancelled,
}
_BY_HAND = {
    "tore it down without a setup, as if that had failed at once": ("teardown",),
    "tore it down twice": ("setup", "teardown", "teardown"),
}


def _runs_well(target: Any, tried: str, way: Callable[[Scenario], Recording], step: Step) -> None:
    before = traces()
    try:
        scenario = Scenario("conformance").target(target).step("step", step)
    except ScenarioError as error:
        raise IS_A_TARGET.broken(target, "made a scenario with it", str(error)) from error
    recording = way(scenario)
    for trouble in recording.of(Trouble):
        if trouble.error.type != _PLANNED:
            promise = ALWAYS_FALLS if trouble.hook == "teardown" else STANDS
            error_text = f"its {trouble.hook} raised {trouble.error.type}: {trouble.error.message}"
            raise promise.broken(target, tried, error_text)
    for group in recording.report.errors:
        if group.first.type != _PLANNED:
            raise STANDS.broken(target, tried, f"the step raised {group.first.type}: {group.first.message}")
    _left_nothing(target, tried, before)


def _left_nothing(target: Any, tried: str, before: set[str]) -> None:
    left = left_since(before)
    if left:
        raise LEAVES_NOTHING.broken(target, tried, "; ".join(left))


def _falls(target: Any, tried: str, hooks: tuple[str, ...]) -> None:
    before = traces()
    try:
        asyncio.run(_called(target, hooks))
    except Exception as error:
        raise ALWAYS_FALLS.broken(target, tried, shown(error)) from error
    _left_nothing(target, tried, before)


async def _called(target: Any, hooks: tuple[str, ...]) -> None:
    lane = Lane("chaoscore-hooks")
    try:
        for name in hooks:
            function = getattr(target, name, None)
            if callable(function):
                await hook(lane, function)
    finally:
        lane.close()


_PLANNED = f"{PlannedError.__module__}.{PlannedError.__qualname__}"


class _FailsInTheEnd:
    """A target whose setup raises when it has done everything."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.name = getattr(target, "name", type(target).__name__)

    async def setup(self) -> None:
        """Set the target up, and raise."""
        setup = getattr(self._target, "setup", None)
        result = setup() if callable(setup) else None
        if isawaitable(result):
            await result
        raise PlannedError("this setup always fails at its end")

    async def teardown(self) -> None:
        """Tear the target down."""
        teardown = getattr(self._target, "teardown", None)
        result = teardown() if callable(teardown) else None
        if isawaitable(result):
            await result
