"""What validators are shown: runs of a step, or events by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from chaoscore.events import Event, Found, Trouble
from chaoscore.protocols import Checker, Observes, Validator, Violation
from chaoscore.scenario import Scenario
from chaoscore.testing.builders import NAME, Step, scene
from chaoscore.testing.hand import found_in, standing
from chaoscore.testing.promises import shown
from chaoscore.testing.runs import Recording, recorded

History = Step | Sequence[Event]
"""What a validator is shown: a step, for a real run of it, or the events themselves."""


class Showing:
    """Shows histories to validators, each with a target of its own, set up."""

    def __init__(self, target: Callable[[], Any], iterations: int) -> None:
        self._target, self._iterations = target, iterations
        self._runs: dict[Step, Recording] = {}

    def findings(self, validator: Validator, history: History) -> tuple[list[str], str | None]:
        """Return what it finds in *history*, as sentences, and which of its hooks failed, if one did."""
        if callable(history):
            return self._found_in_run(validator, history)
        try:
            return [each.message for each in self.by_hand(validator, history)], None
        except Exception as error:  # noqa: BLE001 - what a hook raises is what was to be found out
            return [], shown(error)

    def events(self, history: History) -> Sequence[Event]:
        """Return the events of *history*; a step has been run before."""
        return self._runs[history].events if callable(history) else history

    def by_hand(self, validator: Validator, events: Iterable[Event]) -> list[Violation]:
        """Return what it finds in *events*."""

        async def found() -> list[Violation]:
            target = self._target()
            async with standing(target) as lane:
                return await found_in(validator, events, lane, target)

        return asyncio.run(found())

    def beside(self, validator: Validator, good: Sequence[Event], bad: Sequence[Event]) -> list[Violation]:
        """Return what it finds in *good* events, when another of its checkers sees the *bad* ones half-way."""
        (other,) = self.started(validator, 1)

        def interrupted() -> Iterator[Event]:
            middle = len(good) // 2
            yield from good[:middle]
            for event in bad:
                if isinstance(other, Observes) and type(event) in other.observes:
                    other.observe(event)
            yield from good[middle:]

        return self.by_hand(validator, interrupted())

    def started(self, validator: Validator, times: int) -> list[Checker]:
        """Return so many checkers, started with a target that was set up."""

        async def start() -> list[Checker]:
            target = self._target()
            async with standing(target):
                return [validator.start(scene(target)) for _ in range(times)]

        return asyncio.run(start())

    def _found_in_run(self, validator: Validator, step: Step) -> tuple[list[str], str | None]:
        scenario = Scenario("conformance").target(self._target()).step("step", step).expect(NAME, validator)
        scenario = scenario.repeat(self._iterations).continue_on_failure().thresholds("relaxed")
        recording = self._runs[step] = recorded(scenario, seed=7)
        found = [each.message for each in recording.of(Found) if each.validator == NAME]
        failures = [each for each in recording.of(Trouble) if each.who == f"validator {NAME!r}"]
        for each in failures:
            return found, f"its {each.hook} raised {each.error.type}: {each.error.message}"
        return found, None
