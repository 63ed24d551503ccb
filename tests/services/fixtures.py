"""
Real services as fixtures; a conftest.py that imports them offers them to its folder.

Whichever folders do so share one server, which lives until the last test of the session.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.databases import ENGINES, Database
from tests.services.postgres import Postgres, UnavailableError, postgres
from tests.services.prometheus import Prometheus, prometheus

_SERVER = pytest.StashKey[Postgres]()
_PROMETHEUS = pytest.StashKey[Prometheus]()


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Postgres:
    """A PostgreSQL server for the whole session."""
    stash = request.config.stash
    if _SERVER not in stash:
        server = postgres()
        try:
            stash[_SERVER] = server.__enter__()
        except UnavailableError as error:
            pytest.skip(f"cannot run here: {error}")

        def end() -> None:
            del stash[_SERVER]
            server.__exit__(None, None, None)

        request.session.addfinalizer(end)
    return stash[_SERVER]


@pytest.fixture
def postgres_dsn(postgres_server: Postgres) -> Iterator[str]:
    """An empty database on that server; emptying one takes 1 ms, and making one 150."""
    import psycopg

    yield postgres_server.dsn
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(_END_OTHERS)
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Database:
    """An empty database of the test's own: a file in WAL mode."""
    database = Database("sqlite", str(tmp_path / "test.db"))
    database.run("PRAGMA journal_mode = WAL")
    return database


@pytest.fixture
def postgres_database(postgres_dsn: str) -> Database:
    """An empty database of the test's own on a real server."""
    return Database("postgres", postgres_dsn)


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database of the test's own, on each engine in turn."""
    found = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(found, Database)
    return found


@pytest.fixture(scope="session")
def prometheus_server(request: pytest.FixtureRequest) -> Prometheus:
    """A Prometheus server for the whole session; a test tells it what to scrape."""
    stash = request.config.stash
    if _PROMETHEUS not in stash:
        server = prometheus()
        try:
            stash[_PROMETHEUS] = server.__enter__()
        except UnavailableError as error:
            pytest.skip(f"cannot run here: {error}")

        def end() -> None:
            del stash[_PROMETHEUS]
            server.__exit__(None, None, None)

        request.session.addfinalizer(end)
    return stash[_PROMETHEUS]
