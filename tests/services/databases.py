"""One empty database of a test's own, on either engine."""

import sqlite3
from typing import Any

import attrs

ENGINES = ("sqlite", "postgres")


@attrs.frozen
class Database:
    """
    An empty database.

    Attributes:
        engine: One of `ENGINES`.
        dsn: The path of an SQLite file, or PostgreSQL's words.
    """

    engine: str
    dsn: str

    @property
    def name(self) -> str:
        return self.engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine == "sqlite"

    def connect(self, *, autocommit: bool = False, application_name: str = "", check_same_thread: bool = True) -> Any:
        """A new connection of the driver, in the driver's own mode or in autocommit."""
        if self.is_sqlite:
            connection = sqlite3.connect(self.dsn, timeout=10, check_same_thread=check_same_thread)
            if autocommit:
                connection.isolation_level = None
            return connection
        import psycopg

        return psycopg.connect(self.dsn, autocommit=autocommit, application_name=application_name)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute and commit *statements*, and return the rows of the last."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows
        finally:
            connection.close()

    @property
    def operational_error(self) -> type[Exception]:
        """The driver's own class."""
        if self.is_sqlite:
            return sqlite3.OperationalError
        import psycopg

        return psycopg.OperationalError
