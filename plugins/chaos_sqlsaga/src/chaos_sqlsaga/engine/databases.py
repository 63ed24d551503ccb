"""Which database a dsn is about."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING

from chaos_sqlsaga.engine.errors import MissingDriverError
from chaos_sqlsaga.engine.sqlite import SqliteDatabase, Synchronous

if TYPE_CHECKING:
    from chaos_sqlsaga.engine.database import Database

_POSTGRES = re.compile(r"\s*(postgres(ql)?://|\w+\s*=)")


def is_postgres(dsn: str) -> bool:
    """Tell whether *dsn* is PostgreSQL's."""
    return _POSTGRES.match(dsn) is not None


def open_database(dsn: str, *, limit_s: float, synchronous: Synchronous = "FULL") -> Database:
    """
    Return the database at *dsn*.

    Args:
        dsn: The path of an SQLite file, ``postgresql://...`` or ``host=... dbname=...``.
        limit_s: The longest that a transaction may take, seconds.
        synchronous: For SQLite.

    Raises:
        MissingDriverError: It is PostgreSQL's, and psycopg is not installed.
        DatabaseError: It does not answer, or is no database.
    """
    if not is_postgres(dsn):
        return SqliteDatabase(dsn, limit_s=limit_s, synchronous=synchronous)
    database: Database = postgres().PostgresDatabase(dsn, limit_s=limit_s)
    return database


def postgres() -> ModuleType:
    """
    Return the door to psycopg, which few users have.

    Raises:
        MissingDriverError: Nor has this one.
    """
    try:
        from chaos_sqlsaga.engine import postgres
    except ImportError as error:
        raise MissingDriverError from error
    return postgres
