"""Runs of chaoscore that are measured."""

from __future__ import annotations

from collections.abc import Callable

from chaoscore import Scenario
from chaoscore.reporters import events


def runner(scenario: Scenario, log: str | None = None) -> Callable[[int], None]:
    """
    Return what runs so many iterations of *scenario*, and raises unless all of them happened.

    Args:
        scenario: What is run.
        log: The file that the event log goes to, if there is one.
    """

    def run(iterations: int) -> None:
        reporters = (events(log),) if log else ()
        report = scenario.repeat(iterations).run(seed=1, reporters=reporters)
        if report.iterations.ok != iterations:
            raise RuntimeError("; ".join(reason.text for reason in report.reasons))

    return run
