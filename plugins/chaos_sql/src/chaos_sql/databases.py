"""Databases by name: the connections that checks make for themselves."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from chaos_sql.errors import MissingDriverError

TIMEOUT_S: Final = 10.0
"""Seconds that a check waits for a connection or for a lock."""

_POSTGRES = re.compile(r"postgres(ql)?://|(\w+\s*=)")
_IN_URL = re.compile(r"(://[^:/@]*:)[^@/]*(?=@)|(password=)[^&]*", re.IGNORECASE)
_IN_WORDS = re.compile(r"(password\s*=\s*)()(?:'(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


class Dsn:
    """
    Where a database is: ``postgresql://...``, ``host=... dbname=...``, or the path of an SQLite file.

    It shows itself without the password, so that reports do not.
    """

    __slots__ = ("text",)

    def __init__(self, text: object) -> None:
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"dsn is 'postgresql://...', 'host=... dbname=...' or the path of an SQLite file, not {text!r}"
            )
        self.text = text

    @property
    def is_postgres(self) -> bool:
        """Tell whether it is PostgreSQL's."""
        return _POSTGRES.match(self.text.strip()) is not None

    def __repr__(self) -> str:
        password = _IN_URL if "://" in self.text else _IN_WORDS
        return password.sub(lambda match: f"{match[1] or match[2]}***", self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dsn) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def dsn(value: str) -> Dsn:
    """Return *value* as a `Dsn`; one that is one already, as of a value that is copied, stays as it is."""
    given: object = value
    return given if isinstance(given, Dsn) else Dsn(given)


def optional_dsn(value: str | None) -> Dsn | None:
    """Return *value* as a `Dsn`, or None where it is None."""
    return None if value is None else dsn(value)


def reader(where: Dsn) -> Any:
    """
    Return a connection that can only read.

    Raises:
        MissingDriverError: The driver is not installed.
        Exception: Whatever the driver raises, for example for a file that does not exist.
    """
    return postgres().reader(where.text, TIMEOUT_S) if where.is_postgres else _sqlite(where.text)


def answering(where: Dsn) -> str:
    """
    Ask a database what it is, and return that in words, as `chaoscore doctor` does for those that a scenario names.

    Raises:
        MissingDriverError: The driver is not installed.
        Exception: Whatever the driver raises where nobody answers, or no database is there.
    """
    with closing(reader(where)) as connection:
        if where.is_postgres:
            (version,) = connection.execute("SHOW server_version").fetchone()
            return f"{where!r} is answered by PostgreSQL {version}"
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        return f"{where!r} is a database of SQLite {sqlite3.sqlite_version} with {tables} tables"


def postgres() -> ModuleType:
    """Return this plugin's door to psycopg, which few users have."""
    try:
        from chaos_sql import postgres
    except ImportError as error:
        raise MissingDriverError("PostgreSQL", "psycopg", "postgres") from error
    return postgres


def _sqlite(path: str) -> sqlite3.Connection:
    # Not `rwc`, which makes a missing file, and not `ro`, which in WAL mode may not open the files beside it.
    uri = f"{Path(path).absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=TIMEOUT_S)
    try:
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection
