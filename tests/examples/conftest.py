"""Real databases for the examples."""

from tests.services.fixtures import postgres_database, postgres_dsn, postgres_server

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]
