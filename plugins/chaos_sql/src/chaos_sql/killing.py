"""Connections that are ended by the server."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs

from chaos_sql.databases import TIMEOUT_S, Dsn, answering, dsn, postgres
from chaos_sql.errors import NoBystandersError
from chaos_sql.parameters import is_name
from chaoscore import Duration, Evidence, Site, Undo, probability, seconds

REMEMBERED = 10
"""Process numbers of the last backends ended, for the evidence."""


def _interval(value: Duration) -> float:
    interval_s = seconds(value)
    if interval_s <= 0:
        raise ValueError("every must be more than 0 s")
    return interval_s


@attrs.frozen
class Kill:
    """
    Let a PostgreSQL server end a random connection of one application, again and again (`pg_terminate_backend`).

    Only connections to the database of *dsn* that carry the application name are ended, so nobody else's are.

    Attributes:
        dsn: The database: ``postgresql://...`` or ``host=... dbname=...``; its user must be allowed to end them.
        every_s: Seconds between two rounds, the first of which comes after as long.
        application_name: Whose connections; by default the one in *dsn*.
        probability: Chance that a round ends a connection, 0 to 1.
    """

    kind: ClassVar[str] = "sql.kill"
    undo: ClassVar[Undo] = Undo.KERNEL

    dsn: Dsn = attrs.field(converter=dsn)
    every_s: float = attrs.field(default=1.0, converter=_interval, alias="every", kw_only=True)
    application_name: str | None = attrs.field(default=None, validator=is_name, kw_only=True)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)

    @dsn.validator
    def _is_postgres(self, _: object, value: Dsn) -> None:
        if not value.is_postgres:
            raise ValueError(f"sql.kill needs a PostgreSQL dsn such as 'postgresql://...', not {value!r}")

    def examine(self) -> str:
        """Ask the database whether it answers."""
        return answering(self.dsn)

    @contextmanager
    def open(self, site: Site) -> Iterator[object]:
        """
        End connections until it is lifted.

        Raises:
            ForbiddenTargetError: The server is not on loopback, and nobody allowed it.
            MissingDriverError: psycopg is not installed.
            NoBystandersError: There is no application name.
        """
        killer = Killer(self, site)
        killer.start()
        try:
            yield killer
        finally:
            killer.stop()


class Killer:
    """The thread that asks the server, over a connection of its own."""

    def __init__(self, kill: Kill, site: Site) -> None:
        self._kill, self._site, self._door = kill, site, postgres()
        self._application = kill.application_name or self._door.application_name(kill.dsn.text)
        if not self._application:
            raise NoBystandersError
        self._connection: Any = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos sql.kill", daemon=True)
        self._killed = self._rounds = self._failed = 0
        self._ending = set[int]()
        self._last: deque[int] = deque(maxlen=REMEMBERED)
        self._error: Exception | None = None

    def start(self) -> None:
        """Connect and begin; raises what psycopg raises when there is no server, or what forbids to disturb it."""
        self._connect()
        self._thread.start()

    def stop(self) -> None:
        """Leave the remaining connections alone."""
        self._end_rounds()
        if self._connection is not None:
            self._connection.close()

    def _end_rounds(self) -> None:
        self._stopping.set()
        self._thread.join()

    def evidence(self) -> Evidence:
        """Return how many connections the server says it ended, and end none afterwards, so that this stays true."""
        self._end_rounds()
        if self._error is not None:
            raise self._error
        return Evidence(
            fired=self._killed,
            detail={"rounds": self._rounds, "failed rounds": self._failed, "ended": list(self._last)},
        )

    def _run(self) -> None:
        while not self._stopping.wait(self._kill.every_s):
            try:
                self._round(self._rounds)
            except self._door.Lost as error:
                self._failed += 1
                self._site.log.warning("sql.kill could not ask the server: %s", error)
            except Exception as error:  # noqa: BLE001 - raised where the evidence is asked for
                self._error = error
                return
            self._rounds += 1

    def _round(self, number: int) -> None:
        if self._site.draw("whether", number) >= self._kill.probability:
            return
        self._connect()
        listed = self._door.victims(self._connection, self._application)
        self._ending.intersection_update(listed)  # the others have ended, and their numbers may come back
        victims = [pid for pid in listed if pid not in self._ending]
        if int(len(victims) * self._site.share) < 1:
            return  # nobody is there, or the scenario wants so few disturbed that it is nobody
        for pid in self._site.choose(victims, "whom", number, count=1):
            if self._door.terminate(self._connection, pid, self._application):
                self._killed += 1
                self._ending.add(pid)
                self._last.append(pid)
                self._site.landed("sql.kill", self._application, f"connection of backend {pid}, one of {len(victims)}")

    def _connect(self) -> None:
        if self._connection is None or self._connection.closed:
            connection = self._door.killer(self._kill.dsn.text, TIMEOUT_S)
            try:
                self._check_server(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def _check_server(self, connection: Any) -> None:
        """See that faults may go to the server that was reached; asked again, its name could stand for another."""
        server = self._door.server(connection)
        if server is not None:
            self._site.resolve(*server)
