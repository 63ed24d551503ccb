"""PostgreSQL through psycopg 3: the only module that imports it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeVar

import attrs
import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.database import Rows, Statement, Transaction
from chaos_sqlsaga.engine.errors import BusyError, ConflictError, DatabaseError, DeadlineError, UnreachableError
from chaos_sqlsaga.engine.prepared import Prepared
from chaos_sqlsaga.engine.watchdog import Guarded, Watchdog
from chaoscore import in_run

_T = TypeVar("_T")
Connection = psycopg.Connection[tuple[Any, ...]]

_BUSY: Final = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable)
_LATE: Final = (pg.QueryCanceled, pg.IdleInTransactionSessionTimeout)


class _LostError(psycopg.OperationalError):
    """A connection was lost before anything was to be committed."""


@attrs.frozen(eq=False)
class Held:
    """A connection, what ends it, and what it has prepared."""

    connection: Connection
    guarded: Guarded
    prepared: Prepared = attrs.field(factory=Prepared)


class PostgresTransaction:
    """
    Sends statements together, as each wait for the server costs as much as several of them.

    What is to be written goes with the commit, unless faults may strike at each statement. Parameters are bound by the
    driver, which the simple protocol needs that takes several statements at once.
    """

    def __init__(self, held: Held) -> None:
        self._connection, self._prepared = held.connection, held.prepared
        self._waiting: list[Statement] = [("BEGIN", ())]
        self.committing = False

    def read(self, *statements: Statement) -> list[Rows]:
        """Execute queries."""
        if in_run():
            return [self._execute_alone(each) for each in statements]
        return self._send(*statements)[-len(statements) :]

    def write(self, *statements: Statement) -> None:
        """Execute statements, at the latest with the commit."""
        if in_run():
            self.read(*statements)
        else:
            self._waiting += statements

    def guard(self, change: Statement) -> None:
        """Let a division by zero end the transaction, which needs no wait for the server."""
        text, values = change
        self.write((f"WITH changed AS ({text} RETURNING 1) SELECT 1 / count(*) FROM changed", values))  # noqa: S608 - the statement is ours

    def change(self, statement: Statement) -> int:
        """Execute one statement."""
        [rows] = self.read((f"{statement[0]} RETURNING 1", statement[1]))
        return len(rows)

    def commit(self) -> None:
        """Make it permanent."""
        points.commit(self._connection)
        self.committing = True
        self._send(("COMMIT", ()))

    def _execute_alone(self, statement: Statement) -> Rows:
        points.before_statement(statement[0], self._connection)
        rows = self._send(statement)[-1]
        points.after_statement(statement[0], self._connection)
        return rows

    def _send(self, *statements: Statement) -> list[Rows]:
        """Execute what waits and *statements*, and return the rows of what was executed last, in order."""
        sent, self._waiting = [*self._waiting, *statements], []
        text = "; ".join(self._prepared.executing(each, len(values)) for each, values in sent)
        cursor = self._connection.execute(text, [value for _, values in sent for value in values])
        rows = []
        while True:
            if cursor.statusmessage != "PREPARE":
                rows.append(cursor.fetchall() if cursor.description else [])
            if not cursor.nextset():
                return rows


class PostgresDatabase:
    """A server; as many connections as there are transactions at the same time."""

    locking = "FOR UPDATE"
    skipping = "FOR UPDATE OF s, i SKIP LOCKED"
    alone: ClassVar[tuple[Statement, ...]] = (("SELECT pg_advisory_xact_lock(727274)", ()),)
    words: ClassVar = {"serial": "bigserial PRIMARY KEY", "clustered": ""}

    def __init__(self, dsn: str, *, limit_s: float) -> None:
        self._dsn, self._limit_s = dsn, limit_s
        self.name = _described(dsn)
        self._lock = threading.Lock()
        self._idle: list[Held] = []
        self._closed = False
        self._watchdog = Watchdog(limit_s)
        self._give_back(self._connect())

    def run(self, work: Callable[[Transaction], _T]) -> _T:
        """Run *work* in a transaction and commit it."""
        held = self._take()
        self._watchdog.begin(held.guarded)
        try:
            result = self._run(held, work)
        except BaseException as error:
            held.guarded.until = None
            translated = self._translated(error, held.guarded)
            self._clean(held)
            if translated is error:
                raise
            raise translated from error
        held.guarded.until = None
        self._give_back(held)
        points.committed(held.connection)
        return result

    def _run(self, held: Held, work: Callable[[Transaction], _T]) -> _T:
        transaction = PostgresTransaction(held)
        try:
            result = work(transaction)
            transaction.commit()
        except psycopg.OperationalError as error:
            if held.connection.broken and not transaction.committing:  # the server restarted, or ended it
                raise _LostError(f"the connection was lost: {error}") from error
            raise
        return result

    # -- connections

    def _connect(self) -> Held:
        milliseconds = int(self._limit_s * 1000)
        settings = (
            f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} "
            f"-c idle_in_transaction_session_timeout={milliseconds}"
        )
        given: dict[str, Any] = conninfo_to_dict(self._dsn)
        given["options"] = f"{given.get('options') or ''} {settings}".strip()
        given.setdefault("application_name", "chaos-sqlsaga")
        given["connect_timeout"] = max(2, int(self._limit_s))
        try:
            connection: Connection = psycopg.connect(**given, autocommit=True, cursor_factory=psycopg.ClientCursor)
        except psycopg.Error as error:
            raise UnreachableError(
                f"{self.name} does not answer: {error}; see whether the server runs and the dsn is right"
            ) from error
        return Held(connection, self._watchdog.guard(_shutter(connection)))

    def _take(self) -> Held:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, held: Held) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(held)
                return
        self._drop(held)

    def _clean(self, held: Held) -> None:
        """Roll back and keep the connection, or close it where it is lost."""
        try:
            if held.guarded.late or held.connection.closed or held.connection.broken:
                raise psycopg.OperationalError
            self._watchdog.begin(held.guarded)
            held.connection.execute(f"ROLLBACK; {held.prepared.forget()}")
            held.guarded.until = None
        except psycopg.Error:
            self._drop(held)
        else:
            self._give_back(held)

    def _drop(self, held: Held) -> None:
        self._watchdog.release(held.guarded)
        held.connection.close()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for each in idle:
            self._drop(each)
        self._watchdog.close()

    # -- errors

    def _translated(self, error: BaseException, guarded: Guarded) -> BaseException:
        if not isinstance(error, psycopg.Error):
            return error
        if guarded.late or isinstance(error, _LATE):
            return DeadlineError(self.name, self._limit_s, "a transaction")
        if isinstance(error, pg.DivisionByZero):
            return ConflictError()
        if isinstance(error, (*_BUSY, _LostError)):
            return BusyError(f"{self.name}: {error}")
        return DatabaseError(f"{self.name}: {error}")


def _described(dsn: str) -> str:
    """Return where *dsn* leads, without its password."""
    try:
        given: dict[str, Any] = conninfo_to_dict(dsn)
    except psycopg.Error as error:
        raise DatabaseError(f"this is no dsn of PostgreSQL: {error}") from error
    words = [f"{name}={given[name]}" for name in ("host", "port", "dbname") if given.get(name)]
    return f"PostgreSQL ({' '.join(words)})"


def _shutter(connection: Connection) -> Callable[[], None]:
    """Return what ends all reading and writing of *connection* from any thread."""
    number = connection.fileno()

    def shut() -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:  # the kernel has closed it already
            copy.shutdown(socket.SHUT_RDWR)

    return shut


# -- a schema of one's own


def inside(dsn: str, schema: str) -> str:
    """Return *dsn* with *schema* as the one that everything is looked for in."""
    options = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{options} -c search_path={schema}".strip())


def fresh(dsn: str, schema: str) -> Callable[[], None]:
    """Make *schema* anew, empty, and return what drops it."""
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))

    def execute(*statements: sql.Composed) -> None:
        with psycopg.connect(dsn, connect_timeout=5) as connection:
            for each in statements:
                connection.execute(each)

    execute(drop, sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    return lambda: execute(drop)
