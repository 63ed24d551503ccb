"""How a database is named, and shown."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import chaos_sql
from chaos_sql.databases import Dsn, answering, reader
from tests.services.databases import Database


@pytest.mark.parametrize(
    ("text", "is_postgres"),
    [
        ("postgresql://user@host/db", True),
        ("postgres://host", True),
        ("host=127.0.0.1 dbname = jobs", True),
        ("service=jobs", True),
        ("jobs.db", False),
        ("/tmp/a folder/jobs.db", False),
        ("./x=y.db", False),
    ],
)
def test_an_engine_is_told_by_its_dsn(text: str, is_postgres: bool) -> None:
    """URLs and words are PostgreSQL's, and everything else is a path."""
    assert Dsn(text).is_postgres is is_postgres


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:se:cret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me@host/db?password=secret&x=1", "postgresql://me@host/db?password=***&x=1"),
        ("host=x password=secret dbname=y", "host=x password=*** dbname=y"),
        (r"password = 'a \' b' host=x", "password = *** host=x"),
        ("jobs.db", "jobs.db"),
    ],
)
def test_a_dsn_hides_its_password(text: str, shown: str) -> None:
    """What a report shows of a dsn is everything but the password."""
    assert repr(Dsn(text)) == shown


def test_equal_texts_are_one_dsn() -> None:
    """Two dsns are the same where their texts are, passwords included."""
    assert Dsn("password=a") == Dsn("password=a")
    assert Dsn("password=a") != Dsn("password=b")
    assert len({Dsn("x.db"), Dsn("x.db")}) == 1


@pytest.mark.parametrize("text", ["", "  ", None, 5])
def test_what_is_no_dsn_is_refused(text: object) -> None:
    """A dsn that is no text, or an empty one, is refused with what to write."""
    with pytest.raises(ValueError, match="the path of an SQLite file, not"):
        Dsn(text)


def test_a_reader_cannot_write(database: Database) -> None:
    """The connection of a check refuses to change data."""
    database.run("CREATE TABLE jobs (id int)")
    with closing(reader(Dsn(database.dsn))) as connection:
        assert connection.execute("SELECT * FROM jobs").fetchall() == []
        with pytest.raises(Exception, match=r"read-?only"):
            connection.execute("INSERT INTO jobs VALUES (1)")


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    """An SQLite file that is not there is an error, and is not there afterwards."""
    path = tmp_path / "no such file?.db"
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        reader(Dsn(str(path)))
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_is_told_which_database_answers(database: Database) -> None:
    """A validator with a dsn says what is there; one that asks the target for connections says so."""
    database.run("CREATE TABLE jobs (id int)")
    said = chaos_sql.consistent("SELECT 1", dsn=database.dsn).examine()
    assert said == answering(Dsn(database.dsn))
    assert ("PostgreSQL 1" in said) or said.endswith(" with 1 tables")
    assert chaos_sql.consistent("SELECT 1", connect=print).examine() == "its connections are the target's"


def test_the_doctor_is_told_what_does_not_answer(tmp_path: Path) -> None:
    """No file, a file that is no database, and a server that is not there raise what the driver raises."""
    (tmp_path / "text.db").write_text("this is no database, whatever its name is\n" * 100)
    for where, problem in (("none.db", "unable to open"), ("text.db", "not a database")):
        with pytest.raises(sqlite3.DatabaseError, match=problem):
            answering(Dsn(str(tmp_path / where)))
    with pytest.raises(Exception, match="refused"):
        chaos_sql.kill("host=127.0.0.1 port=1 user=nobody application_name=a").examine()
