"""Sagas per second, on the wall, beside the plainest claim loop that the same database allows."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.probes.timing import tell
from chaos_sqlsaga.engine import Call, Definition, Engine, SagaState, Threads, saga

STEPS = 3


def do(call: Call) -> str:
    """Do as little as a handler can."""
    return call.step


def undo(call: Call) -> None:
    """Take it back, which is as little."""


def refuse(call: Call) -> None:
    """Let the saga roll back."""
    raise ValueError("out of stock")


def definitions() -> tuple[Definition, Definition]:
    """Return a saga of three steps, and one whose third fails, so that two are compensated."""
    happy = saga("happy").step("reserve", do, on_failure=undo).step("charge", do, on_failure=undo).step("ship", do)
    sad = saga("sad").step("reserve", do, on_failure=undo).step("charge", do, on_failure=undo).step("ship", refuse)
    return happy.build(), sad.build()


def probe(database: str, workers: int, sagas: int) -> dict[str, float]:
    """
    Measure once.

    Args:
        database: ``sqlite FULL``, ``sqlite NORMAL``, ``postgres`` or ``postgres durable``.
        workers: Threads.
        sagas: How many of each kind.
    """
    with opened(database) as (dsn, synchronous):
        measured = {"raw step": raw(dsn, synchronous, workers, sagas * STEPS)}
        for name in ("happy", "sad"):
            put_s, carried_s = run(dsn, synchronous, name, workers, sagas)
            measured[name] = (put_s + carried_s) / sagas
            measured[f"{name} step"] = carried_s / sagas / STEPS
    return measured


@contextmanager
def opened(database: str) -> Iterator[tuple[str, str]]:
    """Yield the dsn of an empty database, and when SQLite waits for the disk."""
    engine, _, mode = database.partition(" ")
    with tempfile.TemporaryDirectory(prefix="sagas-") as folder:
        if engine == "sqlite":
            yield str(Path(folder) / "sagas.db"), mode
            return
        from tests.services.postgres import postgres

        settings = {"fsync": "on", "synchronous_commit": "on"} if mode == "durable" else {}
        with postgres(**settings) as server:
            yield server.dsn, mode


def run(dsn: str, synchronous: str, name: str, workers: int, sagas: int) -> tuple[float, float]:
    """Return the seconds that it takes to put so many sagas in, and to carry them to their end."""
    options: dict[str, Any] = {"synchronous": synchronous} if synchronous in ("FULL", "NORMAL") else {}
    ended = threading.Semaphore(0)

    def count(event: Any) -> None:
        if event.what == "ended":
            ended.release()

    with Engine(dsn, definitions(), observers=[count], lease="60s", **options) as engine:
        began = perf_counter()
        for number in range(sagas):
            engine.start(name, {"order": number})
        put = perf_counter()
        with Threads(engine, workers):
            for _ in range(sagas):
                ended.acquire()
            done = perf_counter()
        assert set(engine.count()) <= {SagaState.COMPLETED, SagaState.FAILED}
    return put - began, done - put


# -- the plainest claim loop: a transaction that takes a job, and one that stores its result


def raw(dsn: str, synchronous: str, workers: int, jobs: int) -> float:
    """Return the seconds for each of so many jobs."""
    connect, make, loop = (
        (lambda: lite(dsn, synchronous), MAKE_SQLITE, loop_sqlite)
        if synchronous in ("FULL", "NORMAL")
        else (lambda: post(dsn), MAKE_POSTGRES, loop_postgres)
    )
    with closing(connect()) as connection:
        for statement in (*make, FILL.format(jobs)):
            connection.execute(statement)
    threads = [threading.Thread(target=work, args=(connect, loop, f"w{number}")) for number in range(workers)]
    began = perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return (perf_counter() - began) / jobs


def work(connect: Callable[[], Any], loop: Callable[[Any, str], bool], name: str) -> None:
    """Take jobs until there are none."""
    with closing(connect()) as connection:
        while loop(connection, name):
            pass


TABLE = """
    CREATE TABLE job (
        id {serial}, state text NOT NULL DEFAULT 'pending', due double precision DEFAULT 0, worker text,
        token integer NOT NULL DEFAULT 0, result text)
"""
DUE = "CREATE INDEX job_due ON job (id) WHERE due IS NOT NULL"
MAKE_SQLITE = (TABLE.format(serial="integer PRIMARY KEY"), DUE)
MAKE_POSTGRES = (TABLE.format(serial="bigserial PRIMARY KEY"), DUE)
FILL = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
    INSERT INTO job (id) SELECT i FROM n
"""


def lite(path: str, synchronous: str) -> sqlite3.Connection:
    """Return a connection in WAL mode."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    return connection


def post(dsn: str) -> Any:
    """Return a connection that commits each statement."""
    import psycopg

    return psycopg.connect(dsn, autocommit=True, prepare_threshold=2)


def loop_sqlite(connection: Any, name: str) -> bool:
    """Take one job and store its result; False: there is none."""
    execute = connection.execute
    execute("BEGIN IMMEDIATE")
    found = execute("SELECT id, token FROM job WHERE due <= 1 ORDER BY id LIMIT 1").fetchall()
    if not found:
        execute("COMMIT")
        return False
    [(job, token)] = found
    execute("UPDATE job SET state = 'running', worker = ?, token = ?, due = 9 WHERE id = ?", (name, token + 1, job))
    execute("COMMIT")
    execute("BEGIN IMMEDIATE")
    execute(
        "UPDATE job SET state = 'done', due = NULL, result = ? WHERE id = ? AND token = ?",
        ('"done"', job, token + 1),
    )
    execute("COMMIT")
    return True


def loop_postgres(connection: Any, name: str) -> bool:
    """Take one job and store its result; False: there is none."""
    found = connection.execute(
        "UPDATE job SET state = 'running', worker = %s, token = token + 1, due = 9 WHERE id = "
        "(SELECT id FROM job WHERE due <= 1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, token",
        (name,),
    ).fetchall()
    if not found:
        return False
    [(job, token)] = found
    connection.execute(
        "UPDATE job SET state = 'done', due = NULL, result = %s WHERE id = %s AND token = %s", ('"done"', job, token)
    )
    return True


if __name__ == "__main__":
    tell(probe)
