"""Slow statements."""

import sqlite3
from contextlib import closing

import pytest

import chaos_sql
from chaoscore import Report, Scenario, SystemClock, Verdict


class RecordingClock(SystemClock):
    """Writes down for how long it should have slept, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.slept.append(seconds)


def run(injector: chaos_sql.delay, seed: int = 1) -> tuple[Report, list[float]]:
    """Let *injector* strike at three statements; return how long it held them up."""
    clock = RecordingClock()

    def step(_: object) -> None:
        with closing(chaos_sql.wrap(sqlite3.connect(":memory:"))) as connection:
            connection.execute("CREATE TABLE jobs (id int)")
            connection.execute("INSERT INTO jobs VALUES (1)")
            connection.commit()
            connection.execute("SELECT id FROM jobs")

    scenario = Scenario("delays").target(object()).step("use", step).inject("slow", injector)
    return scenario.run(seed=seed, clock=clock), clock.slept


def test_statements_are_held_up() -> None:
    """Every statement waits once, between the shortest and the longest delay; a commit does not."""
    report, slept = run(chaos_sql.delay("5ms", "25ms"))
    assert len(slept) == report.injections[0].fired == 3
    assert all(0.005 <= each <= 0.025 for each in slept)
    assert len(set(slept)) == 3


def test_a_seed_decides_for_how_long() -> None:
    """The same seed gives the same delays."""
    injector = chaos_sql.delay("5ms", "25ms", probability=0.7)
    assert run(injector, 3)[1] == run(injector, 3)[1]
    assert run(injector, 3)[1] != run(injector, 4)[1]


def test_only_matching_statements_are_held_up() -> None:
    """With *matching* only such statements wait."""
    assert run(chaos_sql.delay("5ms", matching="insert into *"))[1] == [0.005]


def test_without_a_matching_statement_there_is_no_evidence() -> None:
    """An injector that held nothing up says so, and the run is not green."""
    report, slept = run(chaos_sql.delay("5ms", matching="DELETE *"))
    assert (slept, report.injections[0].fired, report.verdict) == ([], 0, Verdict.UNKNOWN)


def test_the_longest_delay_is_not_below_the_shortest() -> None:
    """Delays that contradict each other cannot be built."""
    with pytest.raises(ValueError, match=r"high \(0.001 s\) must not be below low \(0.005 s\)"):
        chaos_sql.delay("5ms", "1ms")
