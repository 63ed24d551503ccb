"""
What must be undone, on disk before it is done.

Each run that needs one has a journal. A fault's *intent* is on disk (fsync) before the fault is applied, so whoever
finds the journal of a run that died knows what may be in effect. An undo is data, the name of a registered action and
its arguments, never code.

The file is preallocated: the space that undoing needs to be recorded is there even when the disk is full by then. It
does not grow with the length of the run, because now and then what is undone is dropped from it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chaoscore.errors import StateError
from chaoscore.safety.identity import ProcessId, boot_id
from chaoscore.safety.records import (
    SCHEMA,
    AnyRecord,
    Contents,
    Header,
    Intent,
    Undone,
    contents,
    line,
    read,
    record,
    written,
)
from chaoscore.safety.state import journals, private

SPACE_BYTES = 64 * 1024
"""Preallocated, some 300 records; a journal that needs more grows by as much."""

RESERVE_BYTES = 2048
"""Of that, for each open fault: what its failed attempts and its end take to be recorded."""

FULL_BYTES = 48 * 1024
"""From here on what is undone is dropped."""


class Journal:
    """The journal of a run, for whoever appends to it: the run itself, its watchdog, or `chaoscore recover`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = 0
        self._open: set[int] = set()
        self._full = FULL_BYTES
        self._lock = threading.Lock()
        with _told(path):
            self._file = _opened(path)

    @classmethod
    def create(cls, run_id: str, scenario: str) -> Journal:
        """
        Make the journal of a new run, with its space and its header on disk.

        Raises:
            StateError: The state directory cannot be written, or is full.
        """
        own = ProcessId.own()
        header = Header(SCHEMA, run_id, scenario, own.pid, own.started, boot_id(), time.time())
        path = private(journals()) / f"{run_id}.jsonl"
        with _told(path):
            os.close(_placed(path, line(header)))
        return cls(path)

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
        """
        Put a fault on disk that is about to be applied; when this returns it is there, and so is room for its end.

        Returns:
            It, as whoever reads the journal will see it.
        """
        with self._lock:
            number, self._next = self._next, self._next + 1
        text = line(Intent(number, injector, undo, dict(args), target, manual, survives_boot))
        self._append(text, (len(self._open) + 1) * RESERVE_BYTES)
        self._open.add(number)
        intent = record(text)
        assert isinstance(intent, Intent)
        return intent

    def append(self, what: AnyRecord) -> None:
        """
        Put *what* on disk, after whatever another process has put there meanwhile.

        Raises:
            StateError: It cannot be written, or this journal is closed.
        """
        end = self._append(line(what))
        if isinstance(what, Undone):
            self._open.discard(what.id)
            if end > self._full:
                self._drop_undone()

    def read(self) -> Contents:
        """Return what it says now; raises as `records.read` does."""
        return read(self.path)

    def last(self) -> Contents:
        """Return the same, and where the file has been removed, what this process still has open of it."""
        try:
            return self.read()
        except FileNotFoundError:
            return contents(self.path, _data(self._file), os.fstat(self._file).st_mtime)

    def close(self) -> None:
        """Close the file, and remove it where nothing is open in it any more."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        with suppress(FileNotFoundError):  # another process may be doing the same
            if not self.read().open:
                self.path.unlink()

    def forget(self) -> None:
        """In a forked child: close its copy, which would share the parent's lock on the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, text: bytes, reserve: int = 0) -> int:
        with self._lock, _told(self.path), self._locked() as file:
            end, torn = written(_data(file))
            needed = end + len(text) + reserve
            if reserve and needed > os.fstat(file).st_size:
                os.posix_fallocate(file, 0, needed + SPACE_BYTES)
            os.pwrite(file, text.ljust(torn, b"\0"), end)
            os.fdatasync(file)
            return end + len(text)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Keep other processes from appending while the block lasts."""
        if self._file < 0:
            raise StateError(self.path, "this journal is closed")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._follow()
            yield self._file
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _follow(self) -> None:
        """Go on in the file that has taken the place of this one, if the run has dropped what was undone meanwhile."""
        with suppress(FileNotFoundError):
            if not os.path.samestat(self.path.stat(), os.fstat(self._file)):
                file = _opened(self.path)
                fcntl.flock(file, fcntl.LOCK_EX)
                os.dup2(file, self._file, inheritable=False)
                os.close(file)

    def _drop_undone(self) -> None:
        """Put a file in the place of this one that says only what is open."""
        with self._lock, self._locked() as file, suppress(OSError):  # a full disk, say: then this one grows on
            kept = self.read()
            lines = kept.lines()
            self._full = max(FULL_BYTES, 2 * len(lines))
            new = _placed(self.path, lines, RESERVE_BYTES * len(kept.open))
            os.dup2(new, file, inheritable=False)
            os.close(new)


def _placed(path: Path, lines: bytes, reserve: int = 0) -> int:
    """
    Put a journal with its space at *path* as a whole, on disk, and return its open file.

    Until then it has another name, so that nobody takes it for the journal of a run that died in its beginnings.
    """
    own = ProcessId.own()
    draft = path.with_name(f".{path.stem}.{own.pid}-{own.started}.new")
    file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(file, 0, len(lines) + reserve + SPACE_BYTES)
        os.pwrite(file, lines, 0)
        os.fsync(file)
        draft.rename(path)
        _sync_folder(path.parent)
    except BaseException:
        os.close(file)
        draft.unlink(missing_ok=True)
        raise
    return file


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _data(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say which file it was that could not be used."""
    try:
        yield
    except StateError:
        raise
    except OSError as error:
        raise StateError(path, error.strerror or str(error)) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
