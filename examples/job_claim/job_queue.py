"""A job queue in a database: bots claim jobs from a table. One way of doing it is right."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import chaos_sql
from chaoscore import maybe_delay

SCHEMA = "chaoscore_job_claim"
"""Everything on PostgreSQL lives in a schema of its own; nothing else there is touched."""

TABLES = (
    "CREATE TABLE jobs (id integer PRIMARY KEY, state text NOT NULL DEFAULT 'pending')",
    "CREATE TABLE claims (job integer NOT NULL, bot text NOT NULL)",
)
CLEAN = f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"


class JobQueue:
    """
    The table of jobs and what any bot can do with it; how a job is claimed is up to the subclasses.

    Every thread is a bot with a connection of its own. The database is a temporary file of SQLite in WAL mode, or
    PostgreSQL where a *dsn* says where.
    """

    name: ClassVar[str]

    def __init__(self, dsn: str | None = None, jobs: int = 40) -> None:
        self.dsn, self.jobs = dsn, jobs

    # -- the target of a scenario

    def setup(self) -> None:
        self._mine, self._bots = threading.local(), count(1)
        self._open = set[Any]()
        self._folder = Path(tempfile.mkdtemp(prefix="job-claim-"))
        insert = self.sql("INSERT INTO jobs (id) VALUES (?)")
        with closing(self.connect()) as connection:
            for statement in TABLES if self.is_sqlite else (CLEAN, f"CREATE SCHEMA {SCHEMA}", *TABLES):
                connection.execute(statement)
            connection.cursor().executemany(insert, [(number + 1,) for number in range(self.jobs)])
            connection.commit()

    def teardown(self) -> None:
        shutil.rmtree(self._folder)
        for connection in self._open:
            connection.close()
        if not self.is_sqlite:
            with closing(self.connect()) as connection:
                connection.execute(CLEAN)
                connection.commit()

    # -- what a bot does

    def claim(self) -> int | None:
        """Claim a job, finish it, and return its number; None where none is pending."""
        connection, bot = self._bot()
        try:
            job = self.take(connection, bot)
            connection.commit()
        except BaseException:
            connection.close()  # which rolls back; the next claim gets a new one, even if this one was killed
            self._open.discard(connection)
            del self._mine.connection
            raise
        return job

    @property
    def how(self) -> str:
        """How a job is claimed, in a phrase."""
        raise NotImplementedError

    def take(self, connection: Any, bot: str) -> int | None:
        """Claim a job in the open transaction."""
        raise NotImplementedError

    def pending(self, connection: Any, clause: str = "") -> int | None:
        """Read which job is the next."""
        select = f"SELECT id FROM jobs WHERE state = 'pending' ORDER BY id LIMIT 1 {clause}"
        found = connection.execute(select).fetchall()  # all: one row left unread would keep SQLite from writing
        return found[0][0] if found else None

    def finish(self, connection: Any, job: int, bot: str) -> None:
        """Write that *bot* has done *job*."""
        connection.execute(self.sql("UPDATE jobs SET state = 'done' WHERE id = ?"), (job,))
        connection.execute(self.sql("INSERT INTO claims (job, bot) VALUES (?, ?)"), (job, bot))

    # -- connections

    @property
    def is_sqlite(self) -> bool:
        return self.dsn is None

    def connect(self) -> Any:
        """A new connection, at whose statements and commits faults can strike."""
        if self.dsn is None:
            path = self._folder / "jobs.db"
            file = sqlite3.connect(path, timeout=30, check_same_thread=False)
            file.execute("PRAGMA journal_mode = WAL")
            return chaos_sql.wrap(file)
        import psycopg

        server = psycopg.connect(self.dsn, options=f"-c search_path={SCHEMA}", application_name="job_claim")
        return chaos_sql.wrap(server)

    def sql(self, statement: str) -> str:
        """*statement* with the placeholders of the database."""
        return statement if self.is_sqlite else statement.replace("?", "%s")

    def _bot(self) -> tuple[Any, str]:
        mine = self._mine
        if not hasattr(mine, "connection"):
            mine.connection = self.connect()
            mine.bot = getattr(mine, "bot", None) or f"bot-{next(self._bots)}"
            self._open.add(mine.connection)
        return mine.connection, mine.bot


class RacyQueue(JobQueue):
    """The classic mistake: between reading and writing, others read the same."""

    name = "racy queue"

    @property
    def how(self) -> str:
        return "SELECT a pending job, then UPDATE it"

    def take(self, connection: Any, bot: str) -> int | None:
        job = self.pending(connection)
        if job is not None:
            maybe_delay("queue.between")
            self.finish(connection, job, bot)
        return job


class LockingQueue(JobQueue):
    """The same under a lock: others wait (SQLite), or skip the job that is taken (PostgreSQL)."""

    name = "locking queue"

    @property
    def how(self) -> str:
        return (
            "BEGIN IMMEDIATE, then the same" if self.is_sqlite else "SELECT ... FOR UPDATE SKIP LOCKED, then UPDATE it"
        )

    def take(self, connection: Any, bot: str) -> int | None:
        if self.is_sqlite:
            connection.execute("BEGIN IMMEDIATE")
        job = self.pending(connection, "" if self.is_sqlite else "FOR UPDATE SKIP LOCKED")
        if job is not None:
            maybe_delay("queue.between")
            self.finish(connection, job, bot)
        return job
