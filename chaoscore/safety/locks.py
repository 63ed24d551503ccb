"""One run at a time disturbs a target, and the kernel lets it go when the run dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaoscore.errors import StateError, TargetBusyError
from chaoscore.safety.leftovers import disturbing
from chaoscore.safety.state import journals, private

_FLOCK = struct.Struct("hhqqi4x")
"""``struct flock`` of Linux: type, whence, start, length, pid."""


class Locks:
    """
    The targets that one run disturbs.

    One file serves all targets and all runs: a target stands for one byte of it, far beyond its end, so there is
    nothing to clean up. The locks belong to this open file, not to the process: two runs of one process exclude each
    other too.
    """

    def __init__(self, journal: Path) -> None:
        """Begin with none, for the run of *journal*."""
        self._journal = journal
        self._held: Counter[str] = Counter()
        self._turn = threading.Lock()
        path = private(journals()) / ".locks"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StateError(path, error.strerror or str(error)) from error

    @contextmanager
    def holding(self, target: str) -> Iterator[None]:
        """
        Hold *target* while the block lasts; this run may hold it several times.

        Raises:
            TargetBusyError: Another run holds it, or has left a fault on it that is still to be undone.
        """
        with self._turn:
            if not self._held[target]:
                self._take(target)
            self._held[target] += 1
        try:
            yield
        finally:
            with self._turn:
                self._held[target] -= 1
                if not self._held[target]:
                    del self._held[target]
                    self._set(target, fcntl.F_UNLCK)

    def close(self) -> None:
        """Let all go; in a forked child: keep nothing that would outlive the run there."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _take(self, target: str) -> None:
        taken = self._set(target, fcntl.F_WRLCK)
        other = disturbing(target, self._journal)
        if other is None and taken:
            return
        if taken:
            self._set(target, fcntl.F_UNLCK)
        raise TargetBusyError(target, other or "")

    def _set(self, target: str, how: int) -> bool:
        """Lock or let go; tell whether that worked, which it does not where another run holds the target."""
        if self._file < 0:
            return True  # the run is over, and has let everything go
        place = int.from_bytes(hashlib.blake2b(target.encode(), digest_size=8).digest()) >> 2
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, _FLOCK.pack(how, os.SEEK_SET, place, 1, 0))
        except BlockingIOError:
            return False
        return True
