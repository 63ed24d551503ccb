"""Showing a run again and again, to what does not ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chaos_prometheus.errors import complain
from chaoscore import Event, Report, RunStarted, SystemClock

if TYPE_CHECKING:
    from chaos_prometheus.ledger import Ledger
    from chaos_prometheus.reading import Reader

_CLOCK = SystemClock()


class Repetition:
    """
    Follows a run and shows it: at its beginning, every so often, and at its end.

    Args:
        every_s: Seconds between two times.
        limit: Most sets of labels of one metric.
        show: Called with a ledger, the scenario, and whether it is the first or last time of a run.
    """

    def __init__(self, every_s: float, limit: int, show: Callable[[Ledger, str, bool], None]) -> None:
        self._every_s, self._limit, self._show = every_s, limit, show
        self._run: tuple[Ledger, Reader] | None = None
        self._due: float | None = None

    def follow(self, events: Sequence[Event]) -> None:
        """Take *events*, and show where the run is if it is time to."""
        if events and type(events[0]) is RunStarted:
            self._run, self._due = _begun(self._limit, events[0]), None
        if self._run is None:
            return
        ledger, reader = self._run
        reader.read(events)
        now, due = _CLOCK.monotonic(), self._due
        if due is None or now >= due:
            self._due = now + self._every_s
            self._show(ledger, reader.scenario, due is None)

    def report(self, report: Report) -> None:
        """Show the verdict."""
        run, self._run = self._run, None
        if run is not None:
            ledger, reader = run
            reader.conclude(report.verdict)
            self._show(ledger, reader.scenario, True)
            complain(ledger.broken)


def _begun(limit: int, started: RunStarted) -> tuple[Ledger, Reader]:
    from chaos_prometheus.families import blank  # not at the top: a command without a run need not pay for it
    from chaos_prometheus.reading import Reader

    ledger = blank(limit)
    return ledger, Reader(ledger, started)
