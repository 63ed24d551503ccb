"""SQLite: one connection for each process, and one commit for all transactions that wait for it together."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, TypeVar, cast

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.database import Rows, Statement, Transaction
from chaos_sqlsaga.engine.errors import BusyError, ConflictError, DatabaseError, DeadlineError
from chaos_sqlsaga.engine.watchdog import Watchdog

_T = TypeVar("_T")

MOST_TOGETHER: Final = 64
"""So many transactions share a commit at most."""

CHECKPOINT_PAGES: Final = 8000
"""
The log is copied into the database when it has so many pages of 4 KiB. By default 1000, of which one transaction here
writes a dozen, mostly the same ones: the longer the log, the fewer are copied.
"""

Synchronous = Literal["FULL", "NORMAL", "OFF"]


class _Job:
    """One transaction that somebody wants, and what came of it."""

    def __init__(self, work: Callable[[Transaction], Any]) -> None:
        self.work, self.context = work, copy_context()
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class SqliteTransaction:
    """Executes at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def read(self, *statements: Statement) -> list[Rows]:
        """Execute queries."""
        return [self._execute(each).fetchall() for each in statements]

    def write(self, *statements: Statement) -> None:
        """Execute statements."""
        for each in statements:
            self._execute(each)

    def guard(self, change: Statement) -> None:
        """Execute *change*, and see at once."""
        if self.change(change) != 1:
            raise ConflictError

    def change(self, statement: Statement) -> int:
        """Execute one statement."""
        return self._execute(statement).rowcount

    def _execute(self, statement: Statement) -> sqlite3.Cursor:
        points.before_statement(statement[0], self._connection)
        cursor = self._connection.execute(*statement)
        points.after_statement(statement[0], self._connection)
        return cursor


class SqliteDatabase:
    """
    A file in WAL mode.

    Whoever gets the lock leads: it runs the transactions of all who wait, each between savepoints of its own, and
    commits them at once. So with ``synchronous=FULL`` many workers share the wait for the disk.
    """

    locking = skipping = ""
    alone: ClassVar[tuple[Statement, ...]] = ()
    words: ClassVar = {"serial": "integer PRIMARY KEY", "clustered": "WITHOUT ROWID"}

    def __init__(self, path: str, *, limit_s: float, synchronous: Synchronous = "FULL") -> None:
        self.name = path
        self._limit_s = limit_s
        self._lock, self._queue_lock = threading.Lock(), threading.Lock()
        self._queue: list[_Job] = []
        self._connection = self._connect(path, synchronous)
        self._watchdog = Watchdog(limit_s)
        self._guarded = self._watchdog.guard(self._connection.interrupt)
        self._transaction = SqliteTransaction(self._connection)

    def _connect(self, path: str, synchronous: Synchronous) -> sqlite3.Connection:
        if not Path(path).absolute().parent.is_dir():
            raise DatabaseError(f"{path}: there is no folder {Path(path).absolute().parent}; make it first")
        try:
            connection = sqlite3.connect(path, timeout=self._limit_s, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}; is it a file of SQLite, and may it be written?") from error
        return connection

    def run(self, work: Callable[[Transaction], _T]) -> _T:
        """Run *work* in a transaction and commit it."""
        job = _Job(work)
        with self._queue_lock:
            self._queue.append(job)
        if not self._lock.acquire(timeout=2 * self._limit_s):
            self._give_up(job)
        else:
            try:
                if not job.done:
                    self._lead()
            finally:
                self._lock.release()
        if job.error is not None:
            raise job.error
        points.committed(self._connection)
        return cast("_T", job.result)

    def _give_up(self, job: _Job) -> None:
        with self._queue_lock:
            if job in self._queue:
                self._queue.remove(job)
                raise BusyError(f"{self.name}: no turn within {2 * self._limit_s:g} s")
        with self._lock:  # it is being run, within the time that the leader has
            pass

    def _lead(self) -> None:
        with self._queue_lock:
            jobs, self._queue = self._queue[:MOST_TOGETHER], self._queue[MOST_TOGETHER:]
        self._watchdog.begin(self._guarded)
        try:
            self._run_together(jobs)
        except BaseException as error:  # noqa: BLE001 - given to all whose transactions are lost with it
            self._undo_all(jobs, error)
        finally:
            self._guarded.until = None
            for job in jobs:
                job.done = True

    def _run_together(self, jobs: list[_Job]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in jobs:
            if len(jobs) > 1:
                execute("SAVEPOINT job")
            try:
                job.result = job.context.run(self._work, job)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                job.error = self._translated(error)
                if len(jobs) > 1:
                    execute("ROLLBACK TO job")
                elif self._connection.in_transaction:
                    execute("ROLLBACK")
                    return
            if len(jobs) > 1:
                execute("RELEASE job")
        execute("COMMIT")

    def _work(self, job: _Job) -> Any:
        result = job.work(self._transaction)
        points.commit(self._connection)
        return result

    def _undo_all(self, jobs: list[_Job], error: BaseException) -> None:
        for job in jobs:
            job.error = job.error or self._translated(error)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _translated(self, error: BaseException) -> BaseException:
        if not isinstance(error, sqlite3.Error) or isinstance(error, DatabaseError):
            return error
        if self._guarded.late:
            self._guarded.late = False
            found: DatabaseError = DeadlineError(self.name, self._limit_s, "a transaction")
        elif getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            found = BusyError(f"{self.name}: {error}; another process writes")
        else:
            found = DatabaseError(f"{self.name}: {error}")
        found.__cause__ = error
        return found

    def close(self) -> None:
        """Close the connection."""
        self._watchdog.release(self._guarded)
        self._watchdog.close()
        with self._lock:
            self._connection.close()
