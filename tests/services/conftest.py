"""The services' own tests use them."""

from tests.services.fixtures import (
    database,
    postgres_database,
    postgres_dsn,
    postgres_server,
    prometheus_server,
    sqlite_database,
)

__all__ = [
    "database",
    "postgres_database",
    "postgres_dsn",
    "postgres_server",
    "prometheus_server",
    "sqlite_database",
]
