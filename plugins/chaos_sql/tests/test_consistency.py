"""Checks in the user's own SQL, on real databases."""

import sqlite3
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import chaos_sql
from chaoscore import Report, Scenario, Severity, Verdict
from tests.services.databases import Database

TWICE = "SELECT job, count(*) AS bots FROM claims GROUP BY job HAVING count(*) > 1 ORDER BY job"


@pytest.fixture
def database(database: Database) -> Database:
    """A table of claims, on each engine in turn."""
    database.run("CREATE TABLE claims (job int, bot text)")
    return database


def claim(database: Database, *jobs: int) -> None:
    database.run(f"INSERT INTO claims VALUES {', '.join(f'({job}, null)' for job in jobs)}")


def run(database: Database, validator: chaos_sql.consistent, step: Callable[[Database], object] = str) -> Report:
    return Scenario("sql").target(database).step("work", step).expect("once", validator).run(seed=1)


def messages(report: Report) -> list[str]:
    return [text for group in report.findings for text in dict.fromkeys((group.first.message, group.last.message))]


def test_no_rows_are_no_findings(database: Database) -> None:
    """Where the query selects nothing, all is well."""
    claim(database, 1, 2, 3)
    assert run(database, chaos_sql.consistent(TWICE, dsn=database.dsn)).verdict is Verdict.PASS


def test_every_row_is_a_finding(database: Database) -> None:
    """Every row fails the run, with its values in the message and in the data."""
    claim(database, 17, 17, 17, 18, 18, 19)
    report = run(database, chaos_sql.consistent(TWICE, "job {0} claimed by {1} bots", dsn=database.dsn))
    assert report.verdict is Verdict.FAIL
    [group] = report.findings
    assert (group.count, group.first.data, group.last.data) == (2, {"job": 17, "bots": 3}, {"job": 18, "bots": 2})
    assert messages(report) == ["job 17 claimed by 3 bots", "job 18 claimed by 2 bots"]


def test_columns_have_names(database: Database) -> None:
    """A message may name the columns, and without one it shows all of them."""
    claim(database, 17, 17)
    assert messages(run(database, chaos_sql.consistent(TWICE, "{bots} x {job}", dsn=database.dsn))) == ["2 x 17"]
    assert messages(run(database, chaos_sql.consistent(TWICE, dsn=database.dsn))) == ["job=17, bots=2"]


def test_findings_are_bounded_and_counted(database: Database) -> None:
    """Of many rows some become findings, and the last finding says how many there are."""
    claim(database, *range(50), *range(50))
    report = run(database, chaos_sql.consistent(TWICE, "job {0}", dsn=database.dsn, most=5))
    assert sum(group.count for group in report.findings) == 6
    assert "... and 45 more rows, 50 in all" in messages(report)


def test_long_values_are_shortened(database: Database) -> None:
    """A value of the system under test cannot flood the report."""
    report = run(database, chaos_sql.consistent(f"SELECT '{'x' * 5000}' AS text", dsn=database.dsn))
    [group] = report.findings
    assert len(group.first.data["text"]) == 200


def test_a_function_of_the_target_may_connect(database: Database) -> None:
    """Instead of a dsn a function of the target returns a connection, which is closed after the check."""
    made: list[Any] = []

    def connect(target: Database) -> Any:
        made.append(target.connect(check_same_thread=False))
        return made[-1]

    claim(database, 17, 17)
    report = run(database, chaos_sql.consistent(TWICE, connect=connect))
    assert report.verdict is Verdict.FAIL
    assert len(made) == 1
    with pytest.raises(Exception, match="closed"):
        made[0].execute("SELECT 1")


def test_rows_of_every_sort_are_read(sqlite_database: Database) -> None:
    """Rows may be tuples, mappings or the driver's own."""

    def connect(target: Database, factory: Any) -> Any:
        connection = target.connect()
        connection.row_factory = factory
        return connection

    def as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip((each[0] for each in cursor.description), row, strict=True))

    factories: list[Any] = [None, sqlite3.Row, as_dict]
    for factory in factories:
        check = chaos_sql.consistent("SELECT 1 AS a, 2 AS b", "{0}{b}", connect=partial(connect, factory=factory))
        assert messages(run(sqlite_database, check)) == ["12"]


def test_a_check_may_repeat_while_the_workload_runs(database: Database) -> None:
    """With *every* a violation that is gone at the end of the run is found nevertheless."""
    looks = 0

    def connect(target: Database) -> Any:
        nonlocal looks
        looks += 1
        return target.connect()

    def step(target: Database) -> None:
        claim(target, 17, 17)
        deadline, enough = time.monotonic() + 20, looks + 2  # when the second begins, the first is over
        while looks < enough:
            assert time.monotonic() < deadline
        target.run("DELETE FROM claims")

    check = chaos_sql.consistent(TWICE, connect=connect, every="1ms")
    report = Scenario("sql").target(database).step("work", step).expect("once", check).continue_on_failure().run(seed=1)
    assert report.iterations.ok == 1, report.errors
    assert report.verdict is Verdict.FAIL


def test_otherwise_a_check_is_made_once(database: Database) -> None:
    """Without *every* the query runs once, at the end."""
    made: list[Any] = []

    def connect(target: Database) -> Any:
        made.append(target.connect())
        return made[-1]

    run(database, chaos_sql.consistent(TWICE, connect=connect), lambda target: claim(target, 17, 17))
    assert len(made) == 1


def test_its_severity_is_what_a_finding_weighs(database: Database) -> None:
    """A warning does not fail the run."""
    claim(database, 17, 17)
    report = run(database, chaos_sql.consistent(TWICE, dsn=database.dsn, severity="warning"))
    assert (report.verdict, report.findings[0].severity) == (Verdict.UNSTABLE, Severity.WARNING)


@pytest.mark.parametrize(
    ("query", "message", "problem"),
    [
        ("SELECT * FROM no_such_table", None, "no_such_table"),
        ("SELECT 1 AS a", "{2}", "cannot be filled: IndexError: *; the columns are {0} or {a}"),
        ("SELECT 1 AS a", "{b}", "cannot be filled: KeyError: 'b'; the columns are {0} or {a}"),
    ],
)
def test_a_check_that_cannot_be_made_is_unknown(
    database: Database, query: str, message: str | None, problem: str
) -> None:
    """A query or a message that is wrong never passes, and the report says what is wrong."""
    report = run(database, chaos_sql.consistent(query, message, dsn=database.dsn))
    assert report.verdict is Verdict.UNKNOWN
    assert fnmatchcase(report.troubles[0].error.message, f"*{problem}*")


def test_a_statement_that_selects_nothing_is_no_check(database: Database) -> None:
    """A statement without rows, which could find nothing, makes the run unknown."""
    report = run(database, chaos_sql.consistent("BEGIN", dsn=database.dsn))
    assert report.verdict is Verdict.UNKNOWN
    assert "selects the rows that must not be there" in report.troubles[0].error.message


def test_a_check_changes_nothing(database: Database) -> None:
    """A query that would change data is refused by the database, and the run is unknown."""
    claim(database, 17)
    report = run(database, chaos_sql.consistent("DELETE FROM claims RETURNING job", dsn=database.dsn))
    assert report.verdict is Verdict.UNKNOWN
    assert database.run("SELECT job FROM claims") == [(17,)]


def test_a_missing_database_is_unknown(tmp_path: Path, sqlite_database: Database) -> None:
    """A file that is not there makes the run unknown, and is not created."""
    report = run(sqlite_database, chaos_sql.consistent(TWICE, dsn=str(tmp_path / "none.db")))
    assert report.verdict is Verdict.UNKNOWN
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"query": " "}, "query is text"),
        ({"query": "SELECT 1"}, "needs dsn= or connect=, and not both"),
        ({"query": "SELECT 1", "dsn": "x.db", "connect": str}, "needs dsn= or connect=, and not both"),
        ({"query": "SELECT 1", "connect": "mine"}, "connect is a function of the target"),
        ({"query": "SELECT 1", "dsn": "x.db", "every": 0}, "every must be more than 0 s"),
        ({"query": "SELECT 1", "dsn": "x.db", "most": 0}, "most is a whole number from 1"),
        ({"query": "SELECT 1", "dsn": "x.db", "severity": "bad"}, "severity is one of critical, warning, info"),
    ],
)
def test_a_wrong_value_cannot_be_built(parameters: dict[str, Any], problem: str) -> None:
    """A parameter that is wrong or missing is refused with what is expected."""
    with pytest.raises((ValueError, TypeError), match=problem):
        chaos_sql.consistent(**parameters)
