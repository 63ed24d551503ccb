"""What a terminal sees of a run: progress on the standard error, the report on the standard output."""

from __future__ import annotations

from collections.abc import Sequence

from chaoscore.events import Event
from chaoscore.report import Report
from chaoscore.reporters import console


class Progress(console):
    """A console that leaves the report to another."""

    def report(self, report: Report) -> None:
        """Leave the terminal as it was."""
        self._close()


class Summary(console):
    """A console that shows nothing but the report."""

    def follow(self, events: Sequence[Event]) -> None:
        """Show nothing."""
