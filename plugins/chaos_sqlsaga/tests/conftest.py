"""Real databases for the tests of this plugin."""

from tests.services.fixtures import database, postgres_database, postgres_dsn, postgres_server, sqlite_database

__all__ = ["database", "postgres_database", "postgres_dsn", "postgres_server", "sqlite_database"]
