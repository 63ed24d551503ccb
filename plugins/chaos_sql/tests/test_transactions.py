"""What connections say of their transactions."""

import sqlite3
import sys
from contextlib import closing
from typing import Any

import pytest

from chaos_sql.transactions import commits, commits_each_statement, error_type, first_word, in_transaction, roll_back
from chaoscore import InjectedError
from tests.services.databases import Database


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("select 1", "SELECT"),
        ("  -- a comment\n\tUPDATE jobs", "UPDATE"),
        ("/* one */ /* two\nlines */ (SELECT 1)", "SELECT"),
        ("-- nothing else", ""),
        ("", ""),
    ],
)
def test_comments_do_not_hide_the_first_word(statement: str, word: str) -> None:
    """The first word of a statement is found behind comments, brackets and spaces."""
    assert first_word(statement) == word


def test_a_transaction_is_seen(database: Database) -> None:
    """A change opens a transaction that a commit or a rollback closes, and both engines say so."""
    with closing(database.connect()) as raw:
        raw.execute("CREATE TABLE jobs (id int)")
        raw.commit()
        assert not in_transaction(raw)
        raw.execute("INSERT INTO jobs VALUES (1)")
        assert in_transaction(raw)
        assert not commits_each_statement(raw)
        roll_back(raw)
        assert not in_transaction(raw)
        roll_back(raw)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [("UPDATE jobs SET id = 1", True), ("SELECT 1", False), ("BEGIN", False), ("COMMIT", False)],
)
def test_in_autocommit_changes_are_committed(database: Database, statement: str, expected: bool) -> None:
    """In autocommit, and outside a transaction, a change is permanent at once; a COMMIT has nothing to commit."""
    with closing(database.connect(autocommit=True)) as raw:
        assert commits(raw, statement) is expected


def test_in_an_explicit_transaction_only_commit_commits(database: Database) -> None:
    """Between BEGIN and COMMIT a change is not permanent, though the connection is in autocommit."""
    with closing(database.connect(autocommit=True)) as raw:
        raw.execute("BEGIN")
        assert not commits(raw, "UPDATE jobs SET id = 1")
        assert commits(raw, "COMMIT")
        assert commits(raw, "end")
        roll_back(raw)
        assert not in_transaction(raw)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="cannot run here: sqlite3 has no autocommit before 3.12")
def test_the_new_autocommit_of_sqlite_is_understood() -> None:  # pragma: no cover - not on 3.11
    """With `autocommit=True` a transaction that a statement began is rolled back, though `rollback` does nothing."""
    options: dict[str, Any] = {"autocommit": True}
    with closing(sqlite3.connect(":memory:", **options)) as raw:
        assert commits_each_statement(raw)
        raw.execute("BEGIN")
        roll_back(raw)
        assert not in_transaction(raw)


class Silent:
    """A connection of a driver that tells nothing."""

    def __init__(self) -> None:
        self.rolled_back = 0

    def rollback(self) -> None:
        self.rolled_back += 1


def test_a_driver_that_tells_nothing_may_have_a_transaction() -> None:
    """Where the driver does not say, a commit commits something and a rollback is made."""
    raw = Silent()
    assert in_transaction(raw)
    assert not commits_each_statement(raw)
    roll_back(raw)
    assert raw.rolled_back == 1


def test_errors_are_the_drivers_own(database: Database) -> None:
    """The exception of a connection is the class that its users catch."""
    with closing(database.connect()) as raw:
        assert error_type(raw, "OperationalError") is database.operational_error


def test_a_driver_without_exceptions_gets_the_cores() -> None:
    """Where a connection shows no exceptions, `InjectedError` stands for them."""
    assert error_type(Silent(), "OperationalError") is InjectedError
