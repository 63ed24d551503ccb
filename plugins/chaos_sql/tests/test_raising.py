"""Statements and commits that fail, on real databases."""

from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest

import chaos_sql
from chaoscore import Injector, Report, Scenario, Verdict, is_injected
from tests.services.databases import Database


@pytest.fixture
def database(database: Database) -> Database:
    """A table to write to, on each engine in turn."""
    database.run("CREATE TABLE jobs (id int)")
    return database


def ids(database: Database) -> list[int]:
    return [number for (number,) in database.run("SELECT id FROM jobs ORDER BY id")]


def insert(connection: Any, *numbers: int) -> None:
    for number in numbers:
        connection.execute(f"INSERT INTO jobs VALUES ({number})")


def run(
    database: Database, injector: Injector, use: Callable[[Any], object], *, autocommit: bool = False, repeat: int = 1
) -> Report:
    """Let *use* work on a wrapped connection while *injector* is open."""

    def step(target: Database) -> None:
        with closing(chaos_sql.wrap(target.connect(autocommit=autocommit))) as connection:
            use(connection)

    scenario = Scenario("raising").target(database).step("use", step).inject("fault", injector).repeat(repeat)
    return scenario.run(seed=1)


def fired(report: Report) -> int | None:
    return report.injections[0].fired


# -- statements


def test_a_statement_fails_with_the_drivers_own_error(database: Database) -> None:
    """What is raised is the driver's class, it is marked as injected, and the statement was not executed."""

    def use(connection: Any) -> None:
        with pytest.raises(database.operational_error, match="injected: not executed: INSERT INTO jobs") as caught:
            insert(connection, 1)
        assert is_injected(caught.value)
        connection.commit()

    report = run(database, chaos_sql.error(), use)
    assert report.iterations.ok == 1, report.errors
    assert fired(report) == 1
    assert ids(database) == []


def test_the_nth_statement_fails(database: Database) -> None:
    """With *nth* that statement of every iteration fails, and no other."""

    def use(connection: Any) -> None:
        insert(connection, 1)
        with suppress(database.operational_error):
            insert(connection, 2)
        insert(connection, 3)
        connection.commit()

    report = run(database, chaos_sql.error(nth=2), use, repeat=2)
    assert fired(report) == 2
    assert ids(database) == [1, 1, 3, 3]


def test_only_matching_statements_count(database: Database) -> None:
    """With *matching* other statements neither fail nor count; case and spaces make no difference."""

    def use(connection: Any) -> None:
        connection.execute("SELECT 1")
        insert(connection, 1)
        with suppress(database.operational_error):
            connection.execute("insert\n   into jobs values (2)")
        connection.commit()

    report = run(database, chaos_sql.error(nth=2, matching="INSERT INTO *"), use)
    assert fired(report) == 1
    assert ids(database) == [1]


def test_an_executed_statement_took_effect(database: Database) -> None:
    """With *executed* the statement fails for its caller, and its effect is there."""

    def use(connection: Any) -> None:
        with pytest.raises(database.operational_error, match="executed, but the reply is lost"):
            insert(connection, 1)
        connection.commit()

    assert fired(run(database, chaos_sql.error(executed=True), use)) == 1
    assert ids(database) == [1]


def test_an_error_that_nobody_handles_is_a_faulted_iteration(database: Database) -> None:
    """An injected error that comes out of the step counts as a fault, not as a bug."""
    report = run(database, chaos_sql.error(), lambda connection: insert(connection, 1))
    assert (report.iterations.faulted, report.iterations.failed) == (1, 0)


def test_without_a_matching_statement_there_is_no_evidence(database: Database) -> None:
    """An injector that never struck says so, and the run is not green."""
    report = run(database, chaos_sql.error(matching="DELETE *"), lambda connection: insert(connection, 1))
    assert fired(report) == 0
    assert report.verdict is Verdict.UNKNOWN


def test_a_seed_decides_which_statements_fail(database: Database) -> None:
    """The same statements fail in every run with one seed, whatever worker runs them, and others with another seed."""

    def failures(seed: int) -> set[int]:
        failed: set[int] = set()

        def step(target: Database) -> None:
            with closing(chaos_sql.wrap(target.connect())) as connection:
                for number in range(10):
                    try:
                        connection.execute(f"SELECT {number}")
                    except database.operational_error:
                        failed.add(number)

        scenario = Scenario("seeds").target(database).step("select", step)
        scenario.inject("fault", chaos_sql.error(probability=0.4)).run(seed=seed)
        return failed

    assert failures(1) == failures(1)
    assert failures(1) != failures(2)


# -- commits


def by_call(connection: Any) -> None:
    insert(connection, 1, 2)
    connection.commit()


def by_block(connection: Any) -> None:
    with connection:
        insert(connection, 1, 2)


def by_statement(connection: Any) -> None:
    connection.execute("BEGIN")
    insert(connection, 1, 2)
    connection.execute("COMMIT")


def by_autocommit(connection: Any) -> None:
    connection.execute("INSERT INTO jobs VALUES (1), (2)")


COMMITS = [(by_call, False), (by_block, False), (by_statement, True), (by_autocommit, True)]


@pytest.mark.parametrize(("use", "autocommit"), COMMITS)
@pytest.mark.parametrize("committed", [False, True])
def test_a_commit_fails(database: Database, use: Callable[[Any], None], autocommit: bool, committed: bool) -> None:
    """However a transaction is committed, the commit fails for its caller, and has happened or not as asked."""

    def failing(connection: Any) -> None:
        with pytest.raises(database.operational_error, match="committed"):
            use(connection)

    report = run(database, chaos_sql.commit_error(committed), failing, autocommit=autocommit)
    assert report.iterations.ok == 1, report.errors
    assert fired(report) == 1
    assert ids(database) == ([1, 2] if committed else [])


@pytest.mark.parametrize("committed", [False, True])
def test_the_end_of_a_transaction_block_fails(postgres_database: Database, committed: bool) -> None:
    """The `transaction` of psycopg rolls back where its commit fails, and does not where only the reply is lost."""
    postgres_database.run("CREATE TABLE jobs (id int)")

    def use(connection: Any) -> None:
        with pytest.raises(postgres_database.operational_error), connection.transaction():
            insert(connection, 1)

    report = run(postgres_database, chaos_sql.commit_error(committed), use)
    assert report.iterations.ok == 1, report.errors
    assert ids(postgres_database) == ([1] if committed else [])


def test_a_connection_goes_on_after_a_failed_commit(database: Database) -> None:
    """After a commit that failed the connection has no transaction, and the next one can be committed."""

    def use(connection: Any) -> None:
        insert(connection, 1)
        with suppress(database.operational_error):
            connection.commit()
        insert(connection, 2)
        connection.commit()

    assert fired(run(database, chaos_sql.commit_error(nth=1), use)) == 1
    assert ids(database) == [2]


def test_without_a_commit_there_is_no_evidence(database: Database) -> None:
    """Commits of nothing and rollbacks are not struck, and the injector says so."""

    def use(connection: Any) -> None:
        connection.commit()
        insert(connection, 1)
        connection.rollback()

    report = run(database, chaos_sql.commit_error(), use)
    assert fired(report) == 0
    assert report.verdict is Verdict.UNKNOWN


# -- values


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: chaos_sql.error("OperationError"), r"type is one of Error, .* not 'OperationError'"),  # type: ignore[arg-type]
        (lambda: chaos_sql.commit_error(type="ValueError"), "type is one of"),  # type: ignore[arg-type]
        (lambda: chaos_sql.error(executed=1), "executed is True or False, not 1"),  # type: ignore[arg-type]
        (lambda: chaos_sql.error(nth=0), "nth is a whole number from 1, not 0"),
        (lambda: chaos_sql.error(nth=True), "nth is a whole number"),
        (lambda: chaos_sql.commit_error(nth="2"), "nth is a whole number"),  # type: ignore[arg-type]
        (lambda: chaos_sql.error(matching=" "), "matching is a glob of SQL"),
        (lambda: chaos_sql.error(probability=2), "between 0 and 1"),
    ],
)
def test_a_wrong_value_cannot_be_built(make: Callable[[], object], problem: str) -> None:
    """A value out of range is refused with what is expected."""
    with pytest.raises((ValueError, TypeError), match=problem):
        make()
