"""Wrapped connections: what is a point, and what stays as it was."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, ClassVar

import attrs
import pytest

import chaos_sql
from chaoscore import Ask, Scenario, Undo
from chaoscore.injectors import error
from tests.services.databases import Database


@attrs.frozen
class Spy:
    """Strikes nowhere, and remembers every point of a database."""

    kind: ClassVar[str] = "spy"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})
    at: ClassVar[None] = None

    seen: list[tuple[str, object]] = attrs.field(factory=list)

    def answer(self, ask: Ask) -> None:
        self.seen.append((ask.point, ask.tags["statement"]))


def points(database: Database, use: Callable[[Any], object], *, autocommit: bool = False) -> list[tuple[str, object]]:
    """The points that *use* meets on a wrapped connection, in a run of its own."""
    spy = Spy()

    def step(target: Database) -> None:
        connection = chaos_sql.wrap(target.connect(autocommit=autocommit))
        try:
            use(connection)
        finally:
            connection.close()

    report = Scenario("points").target(database).step("use", step).inject("spy", spy).run(seed=1)
    assert report.iterations.ok == 1, report.errors
    return spy.seen


def names(database: Database, use: Callable[[Any], object], *, autocommit: bool = False) -> list[str]:
    return [name.removeprefix("sql.") for name, _ in points(database, use, autocommit=autocommit)]


@pytest.fixture(autouse=True)
def jobs(request: pytest.FixtureRequest) -> None:
    """A table to write to, where a test has a database."""
    for name in ("database", "sqlite_database", "postgres_database"):
        if name in request.fixturenames:
            request.getfixturevalue(name).run("CREATE TABLE jobs (id int)")
            return


# -- points


def test_a_statement_is_a_point_before_and_after_it(database: Database) -> None:
    """A statement through a cursor visits one point before and one after its execution."""
    seen = points(database, lambda connection: connection.cursor().execute("SELECT 1"))
    assert seen == [("sql.execute", "SELECT 1"), ("sql.executed", "SELECT 1")]


def test_the_short_cut_of_a_connection_is_a_statement(database: Database) -> None:
    """`connection.execute` is a statement like the cursor's."""
    assert names(database, lambda connection: connection.execute("SELECT 1")) == ["execute", "executed"]


def test_many_sets_of_parameters_are_one_statement(database: Database) -> None:
    """`executemany` visits the points of one statement."""
    mark = "?" if database.is_sqlite else "%s"

    def use(connection: Any) -> None:
        connection.cursor().executemany(f"INSERT INTO jobs VALUES ({mark})", [(1,), (2,)])
        assert connection.execute("SELECT count(*) FROM jobs").fetchall() == [(2,)]

    assert names(database, use) == ["execute", "executed"] * 2


def test_a_commit_is_a_point_before_and_after_it(database: Database) -> None:
    """`commit` visits one point before and one after it, and the data are there."""

    def use(connection: Any) -> None:
        connection.execute("INSERT INTO jobs VALUES (1)")
        connection.commit()

    assert names(database, use) == ["execute", "executed", "commit", "committed"]
    assert database.run("SELECT id FROM jobs") == [(1,)]


def test_a_commit_of_nothing_is_none(database: Database) -> None:
    """`commit` without a transaction visits no point."""
    assert names(database, lambda connection: connection.commit()) == []


def test_a_block_commits_at_its_end(database: Database) -> None:
    """`with connection:` visits the points of a commit when it ends well."""

    def use(connection: Any) -> None:
        with connection as same:
            assert same is connection
            same.execute("INSERT INTO jobs VALUES (1)")

    assert names(database, use) == ["execute", "executed", "commit", "committed"]
    assert database.run("SELECT id FROM jobs") == [(1,)]


def test_a_block_that_fails_commits_nothing(database: Database) -> None:
    """`with connection:` visits no commit when it is left by an error, which rolls back."""

    def use(connection: Any) -> None:
        with suppress(LookupError), connection:
            connection.execute("INSERT INTO jobs VALUES (1)")
            raise LookupError

    assert names(database, use) == ["execute", "executed"]
    assert database.run("SELECT id FROM jobs") == []


def test_a_change_in_autocommit_is_a_commit(database: Database) -> None:
    """In autocommit a statement that changes data visits the points of a commit, too; one that reads does not."""

    def use(connection: Any) -> None:
        connection.execute("INSERT INTO jobs VALUES (1)")
        connection.execute("/* all */ SELECT id FROM jobs")

    seen = names(database, use, autocommit=True)
    assert seen == ["execute", "commit", "executed", "committed", "execute", "executed"]


def test_a_commit_as_a_statement_is_a_commit(database: Database) -> None:
    """``COMMIT`` as text visits the points of a commit, and statements before it do not."""

    def use(connection: Any) -> None:
        for statement in ("BEGIN", "INSERT INTO jobs VALUES (1)", "-- now\n commit"):
            connection.execute(statement)

    seen = names(database, use, autocommit=True)
    assert seen == ["execute", "executed"] * 2 + ["execute", "commit", "executed", "committed"]
    assert database.run("SELECT id FROM jobs") == [(1,)]


def test_a_script_is_a_statement(sqlite_database: Database) -> None:
    """SQLite's `executescript` visits the points of one statement."""
    seen = names(sqlite_database, lambda connection: connection.executescript("SELECT 1; SELECT 2"))
    assert seen == ["execute", "executed"]


def test_a_transaction_block_commits_once(postgres_database: Database) -> None:
    """The `transaction` of psycopg visits a commit at the end of the outermost block only."""

    def use(connection: Any) -> None:
        with connection.transaction(), connection.transaction():
            connection.execute("INSERT INTO jobs VALUES (1)")

    assert names(postgres_database, use) == ["execute", "executed", "commit", "committed"]
    assert postgres_database.run("SELECT id FROM jobs") == [(1,)]


def test_a_transaction_block_that_is_rolled_back_commits_nothing(postgres_database: Database) -> None:
    """A `Rollback` of psycopg ends a block without a commit and without an error."""
    import psycopg

    def use(connection: Any) -> None:
        with connection.transaction():
            connection.execute("INSERT INTO jobs VALUES (1)")
            raise psycopg.Rollback

    assert names(postgres_database, use) == ["execute", "executed"]
    assert postgres_database.run("SELECT id FROM jobs") == []


def test_copy_and_stream_are_statements(postgres_database: Database) -> None:
    """Both `copy` and `stream` of psycopg visit the points of one statement each."""

    def use(connection: Any) -> None:
        with connection.cursor() as cursor:
            with cursor.copy("COPY jobs FROM STDIN") as copy:
                copy.write_row([1])
            assert list(cursor.stream("SELECT id FROM jobs")) == [(1,)]

    assert names(postgres_database, use) == ["execute", "executed"] * 2


def test_statements_of_every_type_are_shown_as_text(postgres_database: Database) -> None:
    """Bytes and composed statements are text to an injector."""
    from psycopg.sql import SQL, Identifier

    def use(connection: Any) -> None:
        connection.execute(b"SELECT 1")
        connection.execute(SQL("SELECT * FROM {}").format(Identifier("jobs")))

    statements = [statement for name, statement in points(postgres_database, use) if name == "sql.execute"]
    assert statements == ["SELECT 1", 'SELECT * FROM "jobs"']


def test_a_component_gives_its_points_their_name_and_its_scope() -> None:
    """An injector of a scope strikes at the connections of that component and at no others."""

    def step(_: object) -> None:
        for component in ("shop", "mail"):
            with closing(chaos_sql.wrap(sqlite3.connect(":memory:"), component)) as connection:
                connection.execute("SELECT 1")

    scenario = Scenario("scopes").target(object()).step("select", step).repeat(3)
    report = scenario.inject("broken", chaos_sql.error(), scope="mail").run(seed=1)
    [(where, count)] = report.injections[0].where
    assert (where.split()[0], count) == ("mail.execute", 3)


def test_any_injector_may_strike_at_a_point(database: Database) -> None:
    """A fault of the core at ``sql.commit`` is a commit that failed: no data, and no open transaction."""

    def step(target: Database) -> None:
        with closing(target.connect()) as raw:
            connection = chaos_sql.wrap(raw)
            connection.execute("INSERT INTO jobs VALUES (1)")
            with pytest.raises(ConnectionResetError):
                connection.commit()
            connection.commit()

    report = (
        Scenario("core")
        .target(database)
        .step("insert", step)
        .inject("e", error("ConnectionResetError", at="sql.commit"))
        .run()
    )
    assert (report.iterations.ok, report.injections[0].fired) == (1, 1), report.errors
    assert database.run("SELECT id FROM jobs") == []


# -- what stays as it was


def test_outside_a_run_nothing_strikes(database: Database) -> None:
    """Outside a run a wrapped connection does what its own does: execute, iterate, fetch, commit, roll back."""
    with closing(chaos_sql.wrap(database.connect())) as connection:
        cursor = connection.cursor()
        assert cursor.execute("INSERT INTO jobs VALUES (1), (2), (3)") is cursor
        connection.commit()
        connection.execute("DELETE FROM jobs")
        connection.rollback()
        cursor.execute("SELECT id FROM jobs ORDER BY id")
        assert next(cursor) == (1,)
        assert cursor.fetchone() == (2,)
        assert list(cursor) == [(3,)]
        assert cursor.description[0][0] == "id"
        with connection:
            connection.execute("INSERT INTO jobs VALUES (4)")
    assert len(database.run("SELECT id FROM jobs")) == 4


def test_a_wrapped_connection_passes_for_its_own(database: Database) -> None:
    """Types, attributes and assignments are those of the driver's connection and cursor."""
    with closing(database.connect()) as raw:
        connection = chaos_sql.wrap(raw)
        assert isinstance(connection, type(raw))
        assert isinstance(connection.cursor(), type(raw.cursor()))
        assert connection.cursor().connection is connection
        connection.row_factory = None
        assert raw.row_factory is None
        assert repr(raw) in repr(connection)
        assert set(dir(raw)) == set(dir(connection))
        with pytest.raises(AttributeError, match="no_such_thing"):
            _ = connection.no_such_thing


def test_the_drivers_own_connection_is_at_hand(database: Database) -> None:
    """``__wrapped__`` is the connection that was wrapped, for functions of the driver that take no other."""
    with closing(database.connect()) as raw:
        assert chaos_sql.wrap(raw).__wrapped__ is raw


def test_wrapping_twice_is_wrapping_once(sqlite_database: Database) -> None:
    """A connection that is wrapped again has each point once, under its new name."""
    seen = points(sqlite_database, lambda connection: chaos_sql.wrap(connection, "again").execute("SELECT 1"))
    assert [name for name, _ in seen] == ["again.execute", "again.executed"]


def test_what_is_no_connection_is_refused() -> None:
    """Wrapping something else says what to pass instead."""
    with pytest.raises(TypeError, match=r"no DB-API 2 connection; pass what sqlite3\.connect"):
        chaos_sql.wrap(object())


def test_an_asynchronous_connection_is_refused() -> None:
    """An asynchronous connection, whose statements could not be struck, is not wrapped silently."""
    psycopg = pytest.importorskip("psycopg", reason="cannot run here: psycopg is not installed")
    with pytest.raises(TypeError, match="AsyncConnection is asynchronous"):
        chaos_sql.wrap(psycopg.AsyncConnection.__new__(psycopg.AsyncConnection))


@pytest.mark.parametrize("component", ["", "a.b"])
def test_a_component_is_one_word(component: str) -> None:
    """A component that scopes could not name is refused."""
    with closing(sqlite3.connect(":memory:")) as raw, pytest.raises(ValueError, match="a name without dots"):
        chaos_sql.wrap(raw, component)
