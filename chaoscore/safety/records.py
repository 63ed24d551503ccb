"""
What a journal says, line by line.

A journal is a file of JSON lines. It may end in zero bytes, which were preallocated, and in one torn line, which is
read as not written: its record was not on disk, so what it announces was not done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec

from chaoscore.errors import StateError
from chaoscore.safety.identity import ProcessId

SCHEMA = 1


class Record(msgspec.Struct, frozen=True, tag_field="record", tag=str.lower):
    """A line of a journal."""


class Header(Record, frozen=True):
    """The first line: which run, of which process, since when."""

    schema: int
    run_id: str
    scenario: str
    pid: int
    started: int
    boot: str
    wall: float

    @property
    def owner(self) -> ProcessId:
        """Return the process that runs it."""
        return ProcessId(self.pid, self.started)


class Intent(Record, frozen=True):
    """
    A fault that is about to be applied.

    Attributes:
        id: Its number in the journal.
        injector: Who applies it.
        undo: The registered name of the action that takes it back.
        args: That action's arguments.
        target: What is disturbed, in words; one run at a time may disturb it.
        manual: What a person does if the action fails.
        survives_boot: It is still in effect after a reboot, as rows and files are, and signals are not.
    """

    id: int
    injector: str
    undo: str
    args: dict[str, Any]
    target: str
    manual: str
    survives_boot: bool = False


class Undone(Record, frozen=True):
    """The fault of intent *id* is not in effect any more; *by* whom and *how*."""

    id: int
    by: str
    how: str


class Failed(Record, frozen=True):
    """An attempt to undo intent *id* failed; it stays open."""

    id: int
    by: str
    error: str


class Revoked(Record, frozen=True):
    """The watchdog took over: the run died, hung, was stopped longer than its lease, or could not undo everything."""

    reason: str


class Closed(Record, frozen=True):
    """The run is over, although its process may go on; what is open was left behind."""


AnyRecord = Header | Intent | Undone | Failed | Revoked | Closed

_decode = msgspec.json.Decoder(AnyRecord).decode
_encode = msgspec.json.Encoder().encode


@attrs.frozen
class Contents:
    """
    What a journal says.

    Attributes:
        path: The file.
        header: Whose it is.
        open: Faults that may be in effect, oldest first.
        failures: For each of those, the last failed attempt to undo it.
        revoked: Why the watchdog took over; None: it did not.
        closed: The run is over.
    """

    path: Path
    header: Header
    open: tuple[Intent, ...]
    failures: Mapping[int, Failed]
    revoked: str | None
    closed: bool

    def lines(self) -> bytes:
        """Return the shortest journal that says the same of what is open."""
        said: list[AnyRecord] = [self.header, *self.open, *self.failures.values()]
        said += [] if self.revoked is None else [Revoked(self.revoked)]
        said += [Closed()] if self.closed else []
        return b"".join(map(line, said))


def line(record: AnyRecord) -> bytes:
    """Return *record* as it stands in the file."""
    return _encode(record) + b"\n"


def record(text: bytes) -> AnyRecord:
    """Return what a line says; raises `msgspec.DecodeError` and what else comes of arbitrary bytes."""
    said: AnyRecord = _decode(text)
    return said


def read(path: Path) -> Contents:
    """
    Return what the journal at *path* says. One that lost its header belongs to a dead run of which nothing is known.

    Raises:
        FileNotFoundError: There is none: whoever undid the last of its faults has removed it.
        StateError: It cannot be read.
    """
    try:
        data, wall = path.read_bytes(), path.stat().st_mtime
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StateError(path, error.strerror or str(error)) from error
    return contents(path, data, wall)


def contents(path: Path, data: bytes, wall: float) -> Contents:
    """Return what *data* says, the bytes of the journal at *path*, which was written last at *wall*."""
    records = list(_records(data))
    headers = [each for each in records if isinstance(each, Header)]
    header = headers[0] if headers else Header(SCHEMA, path.stem, "unknown", 0, 0, "", wall)
    intents = {each.id: each for each in records if isinstance(each, Intent)}
    for each in records:
        if isinstance(each, Undone):
            intents.pop(each.id, None)
    failures = {each.id: each for each in records if isinstance(each, Failed) and each.id in intents}
    revoked = next((each.reason for each in records if isinstance(each, Revoked)), None)
    closed = any(isinstance(each, Closed) for each in records)
    return Contents(path, header, tuple(intents.values()), failures, revoked, closed)


def written(data: bytes) -> tuple[int, int]:
    """Return where the next line goes, after the last whole one, and how many bytes of a torn one it must cover."""
    used = data.partition(b"\0")[0]
    end = used.rfind(b"\n") + 1
    return end, len(used) - end


def _records(data: bytes) -> Iterator[AnyRecord]:
    end, _ = written(data)
    for each in data[:end].split(b"\n")[:-1]:
        try:
            yield record(each)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue  # damaged: what follows may still say what is in effect
