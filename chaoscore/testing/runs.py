"""Short runs of one part, with everything that happened in them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import attrs

from chaoscore import spec
from chaoscore.clock import Clock
from chaoscore.errors import ChaosError
from chaoscore.events import Event
from chaoscore.protocols import Injector, Reporter, Validator
from chaoscore.report import Report
from chaoscore.scenario import Scenario
from chaoscore.testing.builders import NAME, Step
from chaoscore.testing.recorders import RecordingReporter, RecordingTarget

_SILENT = logging.Logger("chaoscore.testing", logging.CRITICAL + 1)
_E = TypeVar("_E", bound=Event)


@attrs.frozen
class Recording:
    """
    A run that is over.

    Attributes:
        report: What came of it.
        events: What happened in it, in order.
    """

    report: Report
    events: tuple[Event, ...]

    def of(self, kind: type[_E]) -> list[_E]:
        """Return the events of one type."""
        return [event for event in self.events if isinstance(event, kind)]


def do_nothing(target: Any) -> None:
    """Do nothing, as a step."""


def run_once(
    step: Step = do_nothing,
    *,
    inject: Injector | None = None,
    expect: Validator | Callable[[Any], object] | None = None,
    target: Any = None,
    repeat: int = 1,
    workers: int = 1,
    seed: int = 0,
    clock: Clock | None = None,
) -> Recording:
    """
    Run one step with at most one injector and one validator, both named ``it``, and record it.

    A failure does not end it, and the thresholds are the relaxed ones.

    Args:
        step: Takes the target; plain or `async def`.
        inject: What to break.
        expect: What must hold.
        target: The system under test; by default a `RecordingTarget`.
        repeat: Iterations in all.
        workers: Logical workers.
        seed: Decides every fault.
        clock: Reads time and sleeps; by default the machine's.

    Raises:
        ChaosError: The framework itself failed, which is no fault of any part.
    """
    scenario = Scenario("by hand").target(RecordingTarget() if target is None else target).step("step", step)
    if inject is not None:
        scenario = scenario.inject(NAME, inject)
    if expect is not None:
        scenario = scenario.expect(NAME, expect)
    scenario = scenario.repeat(repeat).workers(workers).continue_on_failure().thresholds("relaxed")
    return recorded(scenario, seed=seed, clock=clock, logger=None)


def recorded(scenario: Scenario, *, reporters: Sequence[Reporter] = (), **options: Any) -> Recording:
    """Run *scenario* and record it; *options* go to `Scenario.run`. By default it logs nowhere."""
    recorder = RecordingReporter()
    report = scenario.run(reporters=[recorder, *reporters], **{"logger": _SILENT, **options})
    return _recording(report, recorder)


def cancelled(scenario: Scenario, **options: Any) -> Recording:
    """Run *scenario* in a task that is cancelled by its first iteration."""
    recorder = RecordingReporter()
    asyncio.run(_cancelled(scenario, reporters=[recorder], logger=_SILENT, **options))
    (report,) = recorder.reports
    return _recording(report, recorder)


def _recording(report: Report, recorder: RecordingReporter) -> Recording:
    """Return what was recorded, unless the framework itself failed."""
    for trouble in report.troubles:
        if trouble.who == "chaoscore":
            raise ChaosError(f"the run failed: {trouble.hook}: {trouble.error.type}: {trouble.error.message}")
    return Recording(report, tuple(recorder.events))


async def _cancelled(scenario: Scenario, **options: Any) -> None:
    loop = asyncio.get_running_loop()
    running: list[asyncio.Task[Report]] = []

    def cancel(_: Any) -> None:
        loop.call_soon_threadsafe(running[0].cancel)

    endless = preceded(scenario, "conformance: cancel", cancel).repeat(1_000_000)
    running.append(asyncio.create_task(endless.arun(**options), name="chaoscore-conformance"))
    with suppress(asyncio.CancelledError):
        await running[0]


def preceded(scenario: Scenario, name: str, step: Step) -> Scenario:
    """Return *scenario* with one more step before its own, which may all fail."""
    own: dict[str, Any] = {"step_list": (spec.Step(name, step), *scenario.step_list)}
    return attrs.evolve(scenario, **own)
