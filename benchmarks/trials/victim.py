"""A process to strike, and a look at what is in effect on it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_PROGRAM = "import sys; sys.stdin.read()"


class Victim:
    """A process that does nothing; what tells its state is read without the framework."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.name = f"{pid}:{psutil.Process(pid).create_time()}"
        self._files = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    @property
    def struck(self) -> frozenset[str]:
        """Return the kinds of faults that are in effect."""
        paused = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
        limited = resource.prlimit(self.pid, resource.RLIMIT_NOFILE) != self._files
        found = {"process.pause": paused, "process.limit": limited}
        return frozenset(kind for kind, is_so in found.items() if is_so)

    def mend(self) -> None:
        """Undo what was left, so that the next trial begins well."""
        os.kill(self.pid, signal.SIGCONT)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self._files)


@contextmanager
def victim() -> Iterator[Victim]:
    """Start one; it ends with the block, or with this process."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", _PROGRAM], stdin=subprocess.PIPE) as process:
        try:
            yield Victim(process.pid)
        finally:
            process.kill()
