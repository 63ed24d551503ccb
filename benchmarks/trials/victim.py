"""A process to strike, with rows in a database, and a look at what is in effect on it."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

_PROGRAM = "import sys; sys.stdin.read()"


_ROWS = (
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE saga_step (instance text, name text, state text)",
    "INSERT INTO saga_step VALUES ('1', 'pay', 'completed')",
)


class Victim:
    """A process that does nothing, and a row; what tells their state is read without the framework."""

    def __init__(self, pid: int, rows: Path) -> None:
        self.pid, self._rows = pid, rows
        self.name = f"{pid}:{psutil.Process(pid).create_time()}:{rows}"
        self._files = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        for statement in _ROWS:
            self._row(statement)

    @property
    def struck(self) -> frozenset[str]:
        """Return the kinds of faults that are in effect."""
        paused = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
        limited = resource.prlimit(self.pid, resource.RLIMIT_NOFILE) != self._files
        corrupt = self._row("SELECT state FROM saga_step") != [("completed",)]
        found = {"process.pause": paused, "process.limit": limited, "saga.corrupt_row": corrupt}
        return frozenset(kind for kind, is_so in found.items() if is_so)

    def mend(self) -> None:
        """Undo what was left, so that the next trial begins well."""
        os.kill(self.pid, signal.SIGCONT)
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self._files)
        self._row("UPDATE saga_step SET state = 'completed'")

    def _row(self, statement: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(self._rows, timeout=30)) as connection, connection:
            return connection.execute(statement).fetchall()


@contextmanager
def victim() -> Iterator[Victim]:
    """Start one; it ends with the block, or with this process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _PROGRAM], stdin=subprocess.PIPE) as process,
    ):
        try:
            yield Victim(process.pid, Path(folder) / "rows.db")
        finally:
            process.kill()
