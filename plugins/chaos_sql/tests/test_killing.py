"""Connections that are ended by a real server."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs
import psycopg
import pytest

import chaos_sql
from chaos_sql.killing import Killer
from chaoscore import Report, Scenario, Verdict
from tests.services.databases import Database

OURS, THEIRS = "the tests", "a bystander"
PATIENCE_S = 20.0


@attrs.define
class Target:
    """A few connections of the system under test, and one of somebody else."""

    ours: list[Any]
    theirs: Any

    def ended(self) -> int:
        """How many of the connections are gone by now."""
        return sum(not alive(connection) for connection in self.ours)


def alive(connection: Any) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def targets(database: Database) -> Iterator[Target]:
    with ExitStack() as stack:

        def connect(name: str) -> Any:
            connection = database.connect(autocommit=True, application_name=name)
            stack.callback(connection.close)
            return connection

        yield Target([connect(OURS) for _ in range(4)], connect(THEIRS))


@pytest.fixture
def target(postgres_database: Database) -> Iterator[Target]:
    with targets(postgres_database) as target:
        yield target


def run(target: Target, injector: chaos_sql.kill, *, until: int, seed: int = 1) -> Report:
    """Keep *injector* open until so many connections are gone, and some rounds longer."""

    def step(target: Target) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while target.ended() < until:
            assert time.monotonic() < deadline
        alive(target.theirs)

    return Scenario("kill").target(target).step("work", step).inject("kill", injector).run(seed=seed)


def test_connections_of_the_application_are_ended(target: Target, postgres_dsn: str) -> None:
    """Every connection of the application is ended sooner or later, and the evidence is what the server confirmed."""
    report = run(target, chaos_sql.kill(postgres_dsn, every="5ms", application_name=OURS), until=4)
    assert report.iterations.ok == 1, report.errors
    assert report.injections[0].fired == target.ended() == 4
    assert report.injections[0].detail["failed rounds"] == 0


def test_others_are_left_alone(target: Target, postgres_dsn: str) -> None:
    """Neither connections of another application nor the injector's own are ended."""
    run(target, chaos_sql.kill(postgres_dsn, every="5ms", application_name=OURS), until=4)
    assert alive(target.theirs)


def test_another_database_is_left_alone(target: Target, postgres_dsn: str) -> None:
    """Connections to another database of the server are not ended, whatever their name."""
    elsewhere = postgres_dsn.replace("dbname=postgres", "dbname=template1")
    with psycopg.connect(elsewhere, autocommit=True, application_name=OURS) as other:
        run(target, chaos_sql.kill(postgres_dsn, every="5ms", application_name=OURS), until=4)
        assert alive(other)


def test_the_application_name_may_stand_in_the_dsn(target: Target, postgres_dsn: str) -> None:
    """Without its own parameter, the application name is the one in the dsn."""
    dsn = f"{postgres_dsn} application_name='{OURS}'"
    assert run(target, chaos_sql.kill(dsn, every="5ms"), until=1).injections[0].fired


def first_victim(database: Database, seed: int) -> int:
    """Which of the connections, in the order in which they were made, is ended first."""
    injector = chaos_sql.kill(database.dsn, every="5ms", application_name=OURS)
    with targets(database) as target:
        backends = [connection.info.backend_pid for connection in target.ours]
        where = run(target, injector, until=4, seed=seed).injections[0].detail["ended"]
        return backends.index(where[0])


def test_a_seed_decides_who_is_ended(postgres_database: Database) -> None:
    """The same seed ends the same connections first, and other seeds end others."""
    assert first_victim(postgres_database, 1) == first_victim(postgres_database, 1)
    assert len({first_victim(postgres_database, seed) for seed in range(8)}) > 1


def test_without_a_victim_there_is_no_evidence(target: Target, postgres_dsn: str) -> None:
    """An injector that ended nothing says so, and the run is not green."""
    report = run(target, chaos_sql.kill(postgres_dsn, every="5ms", application_name="nobody"), until=0)
    assert (report.injections[0].fired, report.verdict) == (0, Verdict.UNKNOWN)


def test_with_probability_0_nothing_is_ended(target: Target, postgres_dsn: str) -> None:
    """A round happens by chance, and never with probability 0."""
    report = run(target, chaos_sql.kill(postgres_dsn, every="1ms", application_name=OURS, probability=0), until=0)
    assert (report.injections[0].fired, target.ended()) == (0, 0)


def test_without_an_application_name_it_does_not_open(target: Target, postgres_dsn: str) -> None:
    """An injector that could not tell bystanders apart injects nothing, and says what to do."""
    report = run(target, chaos_sql.kill(postgres_dsn), until=0)
    assert report.verdict is Verdict.UNKNOWN
    assert "application_name=" in report.troubles[0].error.message
    assert target.ended() == 0


def test_a_server_elsewhere_is_left_alone(target: Target, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is not on loopback is refused unless the scenario and its caller allow it."""
    monkeypatch.setattr("chaos_sql.postgres.server", lambda _: ("192.0.2.1", 5432))
    injector = chaos_sql.kill(postgres_dsn, every="1ms", application_name=OURS)
    report = run(target, injector, until=0)
    assert report.verdict is Verdict.UNKNOWN
    assert "192.0.2.1, which is not loopback and not allowed" in report.troubles[0].error.message
    assert target.ended() == 0
    scenario = Scenario("kill").target(target).step("work", lambda _: None).inject("kill", injector)
    assert scenario.allow("192.0.2.0/24").run(seed=1, allow=["192.0.2.1"]).injections[0].opened == 0
    assert scenario.allow("192.0.2.1").run(seed=1, allow=["192.0.2.0/24"]).injections[0].opened == 1


def test_a_server_that_moves_elsewhere_makes_the_run_unknown(
    target: Target, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it has to connect anew and the name leads elsewhere then, it ends nothing more, and the report says why."""
    places = iter([("127.0.0.1", 5432)])
    monkeypatch.setattr("chaos_sql.postgres.server", lambda _: next(places, ("192.0.2.1", 5432)))
    monkeypatch.setattr("chaos_sql.postgres.victims", lambda connection, _: connection.close() or [])
    moved = threading.Event()
    monkeypatch.setattr("chaos_sql.killing.Killer._check_server", watched(moved))

    def step(_: Target) -> None:
        assert moved.wait(PATIENCE_S)

    injector = chaos_sql.kill(postgres_dsn, every="1ms", application_name=OURS)
    report = Scenario("kill").target(target).step("work", step).inject("kill", injector).run(seed=1)
    assert report.verdict is Verdict.UNKNOWN
    assert "192.0.2.1, which is not loopback" in report.troubles[0].error.message
    assert target.ended() == 0


def watched(moved: threading.Event) -> Callable[[Killer, Any], None]:
    """The check of the server, which sets *moved* when it refuses."""
    check = Killer._check_server

    def checked(self: Killer, connection: Any) -> None:
        try:
            check(self, connection)
        except PermissionError:
            moved.set()
            raise

    return checked


def test_its_server_is_the_one_it_reached(postgres_dsn: str) -> None:
    """What is checked is the address of the connection itself."""
    from chaos_sql.postgres import server

    with psycopg.connect(postgres_dsn.replace("host=127.0.0.1", "host=localhost")) as connection:
        assert server(connection) == ("127.0.0.1", connection.info.port)


def test_the_scenario_limits_how_many_are_ended(target: Target, postgres_dsn: str) -> None:
    """With a share that does not permit one of the remaining connections, no further one is ended."""

    def step(target: Target) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while target.ended() < 1:
            assert time.monotonic() < deadline
        target.theirs.execute("SELECT pg_sleep(0.03)")  # many rounds

    injector = chaos_sql.kill(postgres_dsn, every="1ms", application_name=OURS)
    scenario = Scenario("kill").target(target).step("work", step).inject("kill", injector).limit(share=0.3)
    assert scenario.run(seed=1).injections[0].fired == target.ended() == 1


def test_without_a_server_it_does_not_open(target: Target) -> None:
    """A server that cannot be reached ends the run as unknown, with nothing injected."""
    report = run(target, chaos_sql.kill("host=127.0.0.1 port=1 application_name=x"), until=0)
    assert (report.verdict, report.injections[0].opened) == (Verdict.UNKNOWN, 0)


def test_without_the_driver_it_says_what_to_install(
    target: Target, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where psycopg is not installed, the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "chaos_sql.postgres", None)
    monkeypatch.delattr("chaos_sql.postgres", raising=False)
    report = run(target, chaos_sql.kill(postgres_dsn, application_name=OURS), until=0)
    assert 'pip install "chaos-sql[postgres]"' in report.troubles[0].error.message


def test_a_round_that_fails_is_not_the_last(target: Target, postgres_dsn: str) -> None:
    """When its own connection is lost, the injector makes a new one and goes on."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:

        def step(target: Target) -> None:
            deadline = time.monotonic() + PATIENCE_S
            while not admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chaoscore sql.kill'"
            ).fetchall():
                assert time.monotonic() < deadline
            while target.ended() < 4:
                assert time.monotonic() < deadline

        injector = chaos_sql.kill(postgres_dsn, every="5ms", application_name=OURS)
        report = Scenario("kill").target(target).step("work", step).inject("kill", injector).run(seed=1)
    assert report.iterations.ok == 1, report.errors
    assert report.injections[0].fired == 4
    assert report.injections[0].detail["failed rounds"] == 1


def test_the_password_is_not_in_the_report(target: Target, postgres_dsn: str) -> None:
    """The parameters in a report show the dsn without its password."""
    report = run(target, chaos_sql.kill(postgres_dsn, every="5ms", application_name=OURS), until=0)
    shown = str(report.injections[0].info.parameters)
    assert "password=***" in shown
    assert postgres_dsn.split("password=")[1].split()[0] not in shown


def test_sqlite_has_no_connections_to_end() -> None:
    """A path of SQLite is refused when the injector is built."""
    with pytest.raises(ValueError, match=r"needs a PostgreSQL dsn such as 'postgresql://\.\.\.'"):
        chaos_sql.kill("jobs.db")


def test_rounds_take_time() -> None:
    """Rounds without time between them cannot be asked for."""
    with pytest.raises(ValueError, match="every must be more than 0 s"):
        chaos_sql.kill("postgresql://x", every=0)
