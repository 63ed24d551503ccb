"""The engine as a target of scenarios."""

from __future__ import annotations

import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest

from chaos_sqlsaga.engine.target import SCHEMA, EngineTarget
from chaos_sqlsaga.plugin import chaos_targets
from chaoscore import Scenario
from chaoscore.injectors import panic
from chaoscore.testing import check_target
from tests.services.databases import Database


@pytest.fixture(autouse=True)
def workflows(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the targets run; imported by name, as files do."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return import_module("workflows")


def test_a_scenario_drives_it(database: Database, tmp_path: Path) -> None:
    """Faults strike its handlers, and what they break is rolled back."""
    log = tmp_path / "log"

    def buy(target: EngineTarget) -> None:
        states.append(str(target.run("happy", {"log": str(log)}).state))

    states: list[str] = []
    target = EngineTarget(definitions="workflows:definitions", dsn=None if database.is_sqlite else database.dsn)
    scenario = Scenario("shop").target(target).step("buy", buy).inject("panic", panic(1.0, at="saga.handler"))
    report = scenario.repeat(3).run(seed=1)
    assert report.iterations.ok == 3
    assert states == ["failed"] * 3


def test_it_leaves_nothing_behind(postgres_database: Database) -> None:
    """After teardown neither threads nor files nor its schema are left, and what stood beside it stands."""
    postgres_database.run("CREATE TABLE saga_instance (mine int)")
    before = threading.active_count()
    for dsn in (None, postgres_database.dsn):
        target = EngineTarget(definitions="workflows:definitions", dsn=dsn)
        target.setup()
        assert target.health()
        where = target.where
        target.teardown()
        assert dsn or not Path(where).exists()
    assert threading.active_count() == before
    with psycopg.connect(postgres_database.dsn) as connection:
        found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [SCHEMA]).fetchall()
        assert found == []
        connection.execute("SELECT mine FROM saga_instance")


@pytest.mark.slow
def test_it_runs_worker_processes(tmp_path: Path) -> None:
    """With processes and no workers, other processes do the work."""
    target = EngineTarget(definitions="workflows:definitions", workers=0, processes=1)
    target.setup()
    try:
        it = target.engine.start("happy", {"log": str(tmp_path / "log")})
        assert target.engine.wait(it).state == "completed"
    finally:
        target.teardown()


def test_processes_need_a_name_to_import(workflows: Any) -> None:
    """Definitions as objects cannot be given to other processes, and the error says what can."""
    with pytest.raises(ValueError, match="definitions='module:attribute'"):
        EngineTarget(definitions=workflows.definitions(), processes=1).setup()


def test_files_ask_for_it_by_name() -> None:
    """It is offered as `sqlsaga.engine`."""
    assert chaos_targets() == {"sqlsaga.engine": EngineTarget}


def test_it_keeps_the_promises_of_targets() -> None:
    """It can be set up and torn down again and again, as the kit for authors checks."""
    check_target(lambda: EngineTarget(definitions="workflows:definitions"))


def test_its_password_is_not_shown() -> None:
    """Reports do not show the dsn."""
    assert "secret" not in repr(EngineTarget(definitions=(), dsn="host=x password=secret"))
