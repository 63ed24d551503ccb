"""
What must be undone, on disk before it is done.

Each run that needs one has a journal: an append-only file of JSON lines. A fault's *intent* is on disk (fsync) before the
fault is applied, so whoever finds the journal of a run that died knows what may be in effect. An undo is data, the name of
a registered action and its arguments, never code.

The file is preallocated: the space that undoing needs to be recorded is there even when the disk is full by then. It may
end in zero bytes and in one torn line, which is read as not written.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec

from chaoscore.errors import StateError
from chaoscore.safety.identity import ProcessId, boot_id
from chaoscore.safety.state import journals, private

SCHEMA = 1
SPACE_BYTES = 64 * 1024
"""Preallocated, some 300 records; a journal that needs more grows."""


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
    """The watchdog took over: the run hung, or was stopped, longer than its lease."""

    reason: str


AnyRecord = Header | Intent | Undone | Failed | Revoked

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
    """

    path: Path
    header: Header
    open: tuple[Intent, ...]
    failures: Mapping[int, Failed]
    revoked: str | None


class Journal:
    """The journal of a run, for whoever appends to it: the run itself, its watchdog, or `chaoscore recover`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = 0
        self._lock = threading.Lock()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise StateError(path, error.strerror or str(error)) from error

    @classmethod
    def create(cls, run_id: str, scenario: str) -> Journal:
        """
        Make the journal of a new run, with its space and its header on disk.

        Raises:
            StateError: The state directory cannot be written, or is full.
        """
        path = private(journals()) / f"{run_id}.jsonl"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, SPACE_BYTES)
            finally:
                os.close(file)
            journal = cls(path)
            own = ProcessId.own()
            journal.append(Header(SCHEMA, run_id, scenario, own.pid, own.started, boot_id(), time.time()))
            _sync_folder(path.parent)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise StateError(path, error.strerror or str(error)) from error
        return journal

    def intend(
        self,
        injector: str,
        undo: str,
        args: Mapping[str, Any],
        *,
        target: str,
        manual: str,
        survives_boot: bool = False,
    ) -> Intent:
        """Put a fault on disk that is about to be applied; when this returns it is there."""
        with self._lock:
            intent = Intent(self._next, injector, undo, dict(args), target, manual, survives_boot)
            self._next += 1
        self.append(intent)
        return intent

    def append(self, record: AnyRecord) -> None:
        """Put *record* on disk, after whatever another process has put there meanwhile."""
        line = _encode(record) + b"\n"
        with self._lock:
            if self._file < 0:
                raise StateError(self.path, "this journal is closed")
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                end, torn = _end(self._file)
                os.pwrite(self._file, line.ljust(torn, b"\0"), end)
                os.fdatasync(self._file)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def read(self) -> Contents:
        """Return what it says now."""
        return read(self.path)

    def close(self) -> None:
        """Close the file, and remove it where nothing is open in it any more."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        if self.path.exists() and not self.read().open:
            self.path.unlink(missing_ok=True)


def read(path: Path) -> Contents:
    """
    Return what the journal at *path* says.

    Raises:
        StateError: It cannot be read, or has no header: the run died before it could apply anything.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StateError(path, error.strerror or str(error)) from error
    records = list(_records(data))
    if not records or not isinstance(records[0], Header):
        raise StateError(path, "it has no header")
    intents = {record.id: record for record in records if isinstance(record, Intent)}
    for record in records:
        if isinstance(record, Undone):
            intents.pop(record.id, None)
    failures = {record.id: record for record in records if isinstance(record, Failed)}
    revoked = next((record.reason for record in records if isinstance(record, Revoked)), None)
    return Contents(path, records[0], tuple(intents.values()), failures, revoked)


def left_behind() -> tuple[Contents, ...]:
    """Return the journals with open faults whose runs are not alive any more, oldest first."""
    return tuple(each for each in every_journal() if each.open and not is_alive(each))


def every_journal() -> Iterator[Contents]:
    """Yield what the journals in the state directory say, oldest first; those without a header hold nothing."""
    folder = journals()
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        try:
            yield read(path)
        except StateError:
            continue  # removed just now, or its run died before it could apply anything


def is_alive(contents: Contents) -> bool:
    """Tell whether the run of a journal is going on."""
    return contents.header.boot == boot_id() and contents.header.owner.alive()


def _records(data: bytes) -> Iterator[AnyRecord]:
    for line in data.partition(b"\0")[0].splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return  # torn: its record was not on disk when the fault was applied, so the fault was not applied
        try:
            yield _decode(line)
        except msgspec.DecodeError:
            continue  # damaged: what follows may still say what is in effect


def _end(file: int) -> tuple[int, int]:
    """Return where the next line goes, after the last whole one, and how many bytes of a torn one it must cover."""
    data = os.pread(file, os.fstat(file).st_size, 0).partition(b"\0")[0]
    end = data.rfind(b"\n") + 1
    return end, len(data) - end


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
