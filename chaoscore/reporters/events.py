"""The event log: every event of a run, on disk while it goes on."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

import attrs

from chaoscore.errors import UnwritableError
from chaoscore.eventlog import encode_lines
from chaoscore.events import Ended, Event, RunStarted
from chaoscore.report import Report
from chaoscore.reporters.files import STDOUT, file_path


@attrs.define
class Events:
    """
    Writes each event as a line of JSON; `chaoscore report` reads it back.

    What happened is on disk a twentieth of a second later: a run that is killed leaves all but its last moments.

    Attributes:
        path: The file; ``-`` is the standard output.
    """

    path: Path = attrs.field(converter=file_path)
    _file: BinaryIO | None = attrs.field(default=None, init=False, repr=False)

    kind: ClassVar[str] = "events"

    def follow(self, events: Sequence[Event]) -> None:
        """
        Write *events*.

        Raises:
            UnwritableError: They cannot be written, for example because the disk is full; the file is closed then.
        """
        try:
            self._write(events)
        except OSError as error:
            self._drop()
            raise UnwritableError(self.path, error.strerror or str(error)) from error

    def report(self, report: Report) -> None:
        """Close the log of a run whose end it has not seen."""
        try:
            self._close()
        except OSError as error:
            self._drop()
            raise UnwritableError(self.path, error.strerror or str(error)) from error

    def _write(self, events: Sequence[Event]) -> None:
        if events and type(events[0]) is RunStarted:
            self._close()
            self._file = sys.stdout.buffer if self.path == STDOUT else self.path.open("wb")
        if self._file is not None:
            self._file.write(encode_lines(events))
        if self._file is not None and events:
            self._file.flush()
        if events and type(events[-1]) is Ended:
            self._close()

    def _close(self) -> None:
        file = self._file
        if file is not None and self.path != STDOUT:
            file.flush()
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                os.fsync(file.fileno())
            file.close()
        self._file = None

    def _drop(self) -> None:
        """Close the file without writing what it still holds."""
        file, self._file = self._file, None
        if file is not None and self.path != STDOUT:
            try:
                file.close()
            except OSError:
                return  # the same error again; the file is closed all the same
