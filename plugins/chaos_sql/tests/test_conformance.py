"""The parts of this plugin keep what every run relies on."""

import sqlite3
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

import chaos_sql
from chaoscore import Injector
from chaoscore.testing import check_injector, check_validator
from tests.services.databases import Database


def use(_: object) -> None:
    """Send a few statements and commit."""
    with closing(chaos_sql.wrap(sqlite3.connect(":memory:"))) as connection:
        connection.execute("CREATE TABLE jobs (id int)")
        connection.execute("INSERT INTO jobs VALUES (1)")
        connection.commit()


def read(_: object) -> None:
    """Send a statement that nothing matches, and commit nothing."""
    with closing(chaos_sql.wrap(sqlite3.connect(":memory:"))) as connection:
        connection.execute("SELECT 1")
        connection.commit()


INSERTS: dict[str, Any] = {"matching": "INSERT *"}


@pytest.mark.parametrize(
    "make",
    [
        partial(chaos_sql.delay, "1ms", "2ms", **INSERTS),
        partial(chaos_sql.error, **INSERTS),
        partial(chaos_sql.error, executed=True, nth=1, **INSERTS),
        chaos_sql.commit_error,
        partial(chaos_sql.commit_error, True, nth=1),
    ],
)
def test_injectors_at_points_conform(make: Any) -> None:
    """Injectors of statements and commits strike, prove it, and are lifted on every way out."""
    check_injector(make, strike=use, idle=read)


def test_the_killer_conforms(postgres_database: Database) -> None:
    """The injector of connections strikes, proves it, and is lifted on every way out."""

    def make() -> Injector:
        return chaos_sql.kill(f"{postgres_database.dsn} application_name=conforms", every="1ms")

    def strike(_: object) -> None:
        """Use a connection for many rounds, or as long as it lives."""
        with (
            closing(postgres_database.connect(autocommit=True, application_name="conforms")) as connection,
            suppress(psycopg.OperationalError),
        ):
            for _ in range(200):
                connection.execute("SELECT 1")

    check_injector(make, strike=strike, iterations=3)


class Shop:
    """A target with a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = Database("sqlite", str(folder / f"{next(NUMBERS)}.db"))
        self.database.run("CREATE TABLE wrong (id int)")

    def connect(self) -> Any:
        return self.database.connect()

    def do_well(self) -> None:
        self.database.run("SELECT id FROM wrong")

    def do_wrong(self) -> None:
        self.database.run("INSERT INTO wrong VALUES (17)")


NUMBERS = count()


def test_the_check_conforms(tmp_path: Path) -> None:
    """The validator in SQL judges, fails where it must, and keeps nothing from one run to the next."""
    make = partial(chaos_sql.consistent, "SELECT id FROM wrong", "{0} is wrong", connect=Shop.connect)
    check_validator(make, holds=Shop.do_well, broken=Shop.do_wrong, target=partial(Shop, tmp_path), iterations=3)
