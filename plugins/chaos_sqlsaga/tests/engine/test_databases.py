"""Databases that do not answer, are busy, are of another time, or are none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chaos_sqlsaga.engine import Engine, SagaState, Threads, saga
from chaos_sqlsaga.engine.databases import open_database
from chaos_sqlsaga.engine.errors import BusyError, DatabaseError, DeadlineError, SchemaError
from chaos_sqlsaga.engine.schema import VERSION, missing
from tests.services.black_hole import BlackHole
from tests.services.child import free_port
from tests.services.databases import Database

LIMIT_S = 0.5
LONG_S = 30.0
"""No query of these tests takes so long, unless nothing ends it."""

Carry = Callable[..., Any]


def moved(dsn: str, port: int) -> str:
    return make_conninfo(dsn, port=port)


@pytest.fixture
def hole(postgres_dsn: str) -> Iterator[BlackHole]:
    """A proxy before the server."""
    with BlackHole(int(str(conninfo_to_dict(postgres_dsn)["port"]))) as proxy:
        yield proxy


# -- networks that swallow packets


def test_the_driver_alone_would_hang(postgres_dsn: str, hole: BlackHole) -> None:
    """Neither the server's time-out nor that of TCP ends a query whose packets are swallowed: that is the danger."""
    options = "-c statement_timeout=200"
    dsn = make_conninfo(moved(postgres_dsn, hole.port), options=options, tcp_user_timeout=200, connect_timeout=2)
    ended = threading.Event()
    with psycopg.connect(dsn) as connection:

        def ask() -> None:
            with pytest.raises(psycopg.Error):
                connection.execute("SELECT 1")
            ended.set()

        hole.swallow()
        thread = threading.Thread(target=ask)
        thread.start()
        assert not ended.wait(1)
        from chaos_sqlsaga.engine.postgres import _shutter

        _shutter(connection)()
        assert ended.wait(LONG_S)
        thread.join()


def test_a_swallowed_query_has_a_deadline(postgres_dsn: str, hole: BlackHole) -> None:
    """A transaction whose packets are swallowed ends soon after its limit, and the error says what to do."""
    with Engine(moved(postgres_dsn, hole.port), [built()], query=LIMIT_S) as engine:
        hole.swallow()
        with pytest.raises(DeadlineError, match=r"did not answer within 0.5 s.*query=") as raised:
            engine.count()
        assert raised.value.limit_s == LIMIT_S
        hole.heal()
        assert engine.count() == {}


def test_connecting_into_a_hole_has_a_deadline(postgres_dsn: str, hole: BlackHole) -> None:
    """A server that takes the connection and never says a word is an error."""
    hole.swallow()
    with pytest.raises(DatabaseError, match="does not answer"):
        Engine(moved(postgres_dsn, hole.port), [built()], query=LIMIT_S)


def test_workers_outlive_a_hole(postgres_dsn: str, hole: BlackHole) -> None:
    """Workers whose packets are swallowed for a while go on afterwards, and no saga is lost."""
    with (
        Engine(postgres_dsn, [built()]) as outside,
        Engine(moved(postgres_dsn, hole.port), [built()], query=LIMIT_S, lease="2s") as engine,
        Threads(engine, 2),
    ):
        first = [outside.start("s") for _ in range(10)]
        hole.swallow()
        late = [outside.start("s") for _ in range(5)]
        hole.wait_for_prey()
        hole.heal()
        assert {outside.wait(each).state for each in first + late} == {SagaState.COMPLETED}


# -- databases that are slow, locked, or go away


def test_a_slow_statement_has_a_deadline(database: Database) -> None:
    """A statement that would go on for ever is ended."""
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        if database.is_sqlite
        else "SELECT pg_sleep(3600)"
    )
    there = open_database(database.dsn, limit_s=LIMIT_S)
    try:
        with pytest.raises(DeadlineError):
            there.run(lambda transaction: transaction.read((endless, ())))
        assert there.run(lambda transaction: transaction.read(("SELECT 1", ()))) == [[(1,)]]
    finally:
        there.close()


def test_a_locked_database_has_a_deadline(opens: Any, database: Database, called: Any) -> None:
    """Who finds everything locked gives up soon after the limit, and can go on when it is free."""
    with opens(saga("s").step("a", called.do).build(), query=LIMIT_S) as engine:
        blocker = database.connect()
        blocker.cursor().execute(
            "BEGIN IMMEDIATE" if database.is_sqlite else "LOCK TABLE saga_instance IN ACCESS EXCLUSIVE MODE"
        )
        with pytest.raises(DatabaseError) as raised:
            engine.start("s")
        assert isinstance(raised.value, BusyError | DeadlineError)
        blocker.rollback()
        blocker.close()
        assert engine.start("s")


def test_connections_that_were_ended_are_replaced(opens: Any, postgres_dsn: str, called: Any, carrying: Carry) -> None:
    """When the server ends all connections between two transactions, nobody notices."""
    with Engine(postgres_dsn, [saga("s").step("a", called.do).build()]) as engine:
        it = engine.start("s")
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'chaos-sqlsaga'"
            )
        carrying(engine)
        assert engine.look(it).state is SagaState.COMPLETED


def test_an_error_in_a_transaction_leaves_nothing(opens: Any, called: Any) -> None:
    """A transaction that fails in the middle is rolled back, and the next one works."""
    with opens(saga("s").step("a", called.do).build()) as engine:

        def work(transaction: Any) -> None:
            transaction.write(("INSERT INTO saga_schema (version) VALUES (?)", (99,)))
            transaction.read(("SELECT nonsense FROM nowhere", ()))

        with pytest.raises(DatabaseError, match="nowhere"):
            engine.database.run(work)
        [rows] = engine.database.run(
            lambda transaction: transaction.read(("SELECT count(*) FROM saga_schema WHERE version = 99", ()))
        )
        assert rows == [(0,)]


def test_transactions_that_wait_together_succeed_or_fail_alone(opens: Any, called: Any) -> None:
    """Of several transactions that share a commit, one that fails takes nothing of the others along."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        outcomes: list[str] = []
        waiting, go = threading.Barrier(6), threading.Event()

        def hold(transaction: Any) -> None:
            waiting.wait(LONG_S)
            assert go.wait(LONG_S)

        def work(number: int) -> None:
            if number:
                waiting.wait(LONG_S)
            try:
                engine.database.run(hold if not number else lambda transaction: insert(transaction, number))
            except DatabaseError:
                outcomes.append(f"{number} failed")

        def insert(transaction: Any, number: int) -> None:
            transaction.write(("INSERT INTO saga_schema (version) VALUES (?)", (-number,)))
            if number % 2:
                transaction.read(("SELECT nonsense FROM nowhere", ()))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for each in threads:
            each.start()
        threading.Timer(0.1, go.set).start()
        for each in threads:
            each.join()
        [rows] = engine.database.run(
            lambda transaction: transaction.read(("SELECT version FROM saga_schema WHERE version < 0", ()))
        )
    assert sorted(rows) == [(-4,), (-2,)]
    assert sorted(outcomes) == ["1 failed", "3 failed", "5 failed"]


# -- schemas


def test_a_newer_schema_is_refused(opens: Any, database: Database) -> None:
    """Tables of a newer engine are left alone, and the error says which is which."""
    opens(built()).close()
    database.run(f"INSERT INTO saga_schema (version) VALUES ({VERSION + 1})")
    with pytest.raises(SchemaError, match=f"of schema {VERSION + 1}, .* up to {VERSION}; .*upgrade"):
        opens(built())


def test_migrations_only_go_forward() -> None:
    """From every older schema there is a way here, and it ends with the newest migration."""
    assert missing(VERSION) == []
    assert len(missing(0)) > 0


def test_opening_twice_at_once_is_fine(database: Database) -> None:
    """Engines that are opened at the same moment on an empty database make the tables once."""
    errors: list[Exception] = []

    def open_it() -> None:
        try:
            Engine(database.dsn, [built()]).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    assert database.run("SELECT version FROM saga_schema") == [(VERSION,)]


# -- what is no database


def test_nobody_there() -> None:
    """A server that does not answer is an error that names it, without the password."""
    port = free_port()
    with pytest.raises(DatabaseError, match=f"port={port}.* does not answer") as raised:
        Engine(f"host=127.0.0.1 port={port} user=a password=secret", [built()])
    assert "secret" not in str(raised.value)


def test_no_dsn() -> None:
    """What looks like PostgreSQL's and is not is an error."""
    with pytest.raises(DatabaseError, match="no dsn of PostgreSQL"):
        Engine("host=127.0.0.1 nonsense", [built()])


def test_no_folder(tmp_path: Path) -> None:
    """A path in a folder that is not there says so."""
    with pytest.raises(DatabaseError, match="there is no folder"):
        Engine(str(tmp_path / "nowhere" / "x.db"), [built()])


def test_no_sqlite(tmp_path: Path) -> None:
    """A file that is something else is not touched."""
    file = tmp_path / "notes.txt"
    file.write_text("x" * 5000)
    with pytest.raises(DatabaseError, match="is it a file of SQLite"):
        Engine(str(file), [built()])
    assert file.read_text() == "x" * 5000


def test_the_tables_are_ordinary(opens: Any, database: Database, called: Any, carrying: Carry) -> None:
    """Anybody can read states and history with plain SQL."""
    with opens(saga("s").step("a", called.do).build()) as engine:
        it = engine.start("s")
        carrying(engine)
    assert database.run("SELECT id, state FROM saga_instance") == [(it, "completed")]
    assert database.run("SELECT name, state FROM saga_step") == [("a", "completed")]
    whats = database.run("SELECT what FROM saga_event ORDER BY id")
    assert [each for (each,) in whats] == ["began", "started", "done", "ended"]


def built() -> Any:
    return saga("s").step("a", lambda call: call.step).step("b", lambda call: call.step).build()
