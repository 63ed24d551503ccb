"""Statements that are planned once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from chaos_sqlsaga.engine import prepared
from chaos_sqlsaga.engine.database import Transaction
from chaos_sqlsaga.engine.databases import open_database
from chaos_sqlsaga.engine.errors import ConflictError, DatabaseError
from chaos_sqlsaga.engine.prepared import Prepared
from chaos_sqlsaga.engine.watchdog import Watchdog
from tests.services.databases import Database


def test_a_statement_is_prepared_once() -> None:
    """The first time it is prepared and executed, and from then on only executed, whatever the values."""
    known = Prepared()
    assert known.executing("SELECT ? + ?", 2) == "PREPARE saga_0 AS SELECT $1 + $2; EXECUTE saga_0(%s, %s)"
    assert known.executing("SELECT ? + ?", 2) == "EXECUTE saga_0(%s, %s)"
    assert known.executing("SELECT ?", 1).startswith("PREPARE saga_1 AS")
    assert known.executing("COMMIT", 0) == "COMMIT"


def test_what_was_forgotten_is_prepared_again() -> None:
    """After an error everything is prepared anew."""
    known = Prepared()
    known.executing("SELECT ?", 1)
    assert known.forget() == "DEALLOCATE ALL"
    assert known.executing("SELECT ?", 1).startswith("PREPARE")


def test_not_everything_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that are all different do not fill the server's memory."""
    monkeypatch.setattr(prepared, "MOST", 1)
    known = Prepared()
    known.executing("SELECT ?", 1)
    assert known.executing("SELECT ?, 1", 1) == "SELECT %s, 1"


def test_many_queries_at_once_give_their_rows_in_order(database: Database) -> None:
    """Several queries, prepared and not, with and without rows, each return their own, before and after an error."""
    there = open_database(database.dsn, limit_s=10)

    def ask(transaction: Transaction) -> list[Any]:
        transaction.write(("CREATE TABLE IF NOT EXISTS numbers (n integer)", ()))
        queries = [("SELECT 1", ()), ("SELECT n FROM numbers WHERE n > ?", (5,)), ("SELECT count(*) FROM numbers", ())]
        return transaction.read(*queries, queries[1])

    def fail(transaction: Transaction) -> None:
        transaction.read(("SELECT n FROM nowhere WHERE n = ?", (1,)))

    try:
        for _ in range(3):
            assert there.run(ask) == [[(1,)], [], [(0,)], []]
            with pytest.raises(DatabaseError):
                there.run(fail)
    finally:
        there.close()


def test_a_guarded_change_changes_something_or_everything_is_undone(database: Database) -> None:
    """A change that finds no row takes the whole transaction back, on both databases."""
    database.run("CREATE TABLE numbers (n integer)", "INSERT INTO numbers VALUES (1)")
    there = open_database(database.dsn, limit_s=10)

    def change(found: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.write(("INSERT INTO numbers VALUES (?)", (7,)))
            transaction.guard(("UPDATE numbers SET n = 2 WHERE n = ?", (found,)))

        there.run(work)

    try:
        with pytest.raises(ConflictError):
            change(99)
        assert database.run("SELECT n FROM numbers") == [(1,)]
        change(1)
        assert sorted(database.run("SELECT n FROM numbers")) == [(2,), (7,)]
    finally:
        there.close()


def test_a_watchdog_ends_what_is_late_and_only_that() -> None:
    """What takes too long is ended once, what is over in time is not, and the thread ends with the last of them."""
    watchdog, late, ended = Watchdog(0.1), threading.Event(), []
    slow = watchdog.guard(late.set)
    quick = watchdog.guard(lambda: ended.append("quick"))
    watchdog.begin(slow)
    watchdog.begin(quick)
    quick.until = None
    assert late.wait(30)
    watchdog.release(slow)
    watchdog.release(quick)
    watchdog.close()
    assert (slow.late, quick.late, ended) == (True, False, [])
    assert "saga watchdog" not in [each.name for each in threading.enumerate()]
