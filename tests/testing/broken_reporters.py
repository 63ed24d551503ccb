"""Reporters that break one promise each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from chaoscore import Event, Recorded, Report, RunStarted
from tests.testing import lost


@attrs.define
class Good:
    """Writes what happened."""

    kind: ClassVar[str] = "good"

    path: Path = attrs.field(converter=Path)
    most: int = attrs.field(default=5, validator=attrs.validators.instance_of(int), kw_only=True)

    def follow(self, events: Sequence[Event]) -> None:
        """Take the events."""
        for event in events:
            self.take(event)

    def take(self, event: Any) -> None:
        """Take an event."""

    def report(self, report: Report) -> None:
        """Write the report."""
        self.path.write_text(ascii(report))


class Prints:
    """Writes what happened to the standard output, and needs no parameters."""

    kind: ClassVar[str] = "prints"

    def report(self, report: Report) -> None:
        """Write the report."""
        sys.stdout.write(f"{report.target!r}\n")


class Nameless(Good):
    """Has no kind."""

    kind: ClassVar[Any] = None


@attrs.define
class Credulous(Good):
    """Takes anything for a number."""

    most: int = attrs.field(default=5, kw_only=True)


@attrs.define
class Deaf:
    """Neither follows nor takes the report."""

    kind: ClassVar[str] = "deaf"


class NeedsEvents(Good):
    """Expects a first event."""

    def follow(self, events: Sequence[Event]) -> None:
        """Look at the first."""
        self.take(events[0])


class NeedsFindings(Good):
    """Expects a finding."""

    def report(self, report: Report) -> None:
        """Look at the first."""
        self.path.write_text(report.findings[0].validator)


class NeedsText(Good):
    """Expects text that can be encoded."""

    def report(self, report: Report) -> None:
        """Write what the report says."""
        self.path.write_bytes(report.target.replace("\x1b", "").encode())


class Repeats(Good):
    """Writes hostile text as it is."""

    def report(self, report: Report) -> None:
        """Write it."""
        self.path.write_text(report.target, errors="replace")


class PrintsRaw(Prints):
    """Prints hostile text as it is."""

    def report(self, report: Report) -> None:
        """Write it."""
        sys.stdout.write(report.target.encode("utf-8", "replace").decode())


class PrintsBytes(Prints):
    """Writes bytes of hostile text to the standard error."""

    def report(self, report: Report) -> None:
        """Write it."""
        sys.stderr.buffer.write(report.target.encode("utf-8", "replace"))


class Changes(Good):
    """Changes the events that it is shown."""

    def take(self, event: Any) -> None:
        """Add something of its own."""
        if isinstance(event, Recorded):
            event.detail["seen"] = True


@attrs.define
class OnlyOnce(Good):
    """Cannot be used for a second run."""

    runs: int = attrs.field(default=0, init=False)

    def take(self, event: Any) -> None:
        """Count runs."""
        self.runs += isinstance(event, RunStarted)
        if self.runs > 1:
            raise RuntimeError("it has seen enough")


class LeavesFile(Good):
    """Leaves a second file."""

    def report(self, report: Report) -> None:
        """Write two files."""
        super().report(report)
        self.path.with_name("another").touch()


class LeavesFileOpen(Good):
    """Leaves a file open."""

    def report(self, report: Report) -> None:
        """Open a file."""
        lost.open_file()


class LeavesThread(Good):
    """Leaves a thread."""

    def report(self, report: Report) -> None:
        """Start a thread."""
        lost.thread()


class Hides(Good):
    """Does not say that the disk is full."""

    def report(self, report: Report) -> None:
        """Write, or do not."""
        try:
            super().report(report)
        except OSError:
            return
