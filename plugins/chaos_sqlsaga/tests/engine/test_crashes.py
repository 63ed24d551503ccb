"""Workers that are killed at any instruction, and databases that fail under way: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chaos_sqlsaga.bookkeeping import books
from chaos_sqlsaga.checkers import calls, check, ends, forward, mirrors, once
from chaos_sqlsaga.checkers.consistency import consistent
from chaos_sqlsaga.engine import Engine, Processes, SagaState, Threads, branch, saga, step
from chaos_sqlsaga.engine.errors import StateError
from chaos_sqlsaga.engine.states import ENDED
from chaoscore import Scenario, aside
from chaoscore.injectors import error, panic
from tests.services.databases import Database

RULES = (calls, ends, forward, mirrors, once)
KILLS = int(os.environ.get("SAGA_KILLS", "8"))
SAGAS = int(os.environ.get("SAGA_COUNT", "60"))
"""A hundred kills during two thousand sagas take some minutes."""
LONG_S = 120.0 + KILLS


def all_ended(engine: Engine) -> bool:
    return all(state in ENDED for state in engine.count())


def wait_until(there: Callable[[], object]) -> None:
    end = time.monotonic() + LONG_S
    while not there():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def found(engine: Engine) -> list[str]:
    """Everything that history and rows have against the engine."""
    return [*map(str, check(engine.history(), *RULES)), *map(str, consistent(books(engine)))]


@pytest.mark.slow
def test_killed_workers_lose_and_double_nothing(
    opens: Any, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often workers are killed, every saga ends as it must, and what may be called once is called once."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    workflows, log, chance = import_module("workflows"), tmp_path / "log", random.Random(7)
    options = {"lease": "300ms", "synchronous": "NORMAL"}
    log.touch()
    with opens(*workflows.definitions()) as engine:
        with Processes(database.dsn, "workflows:definitions", 2, options=options) as processes:
            for number in range(SAGAS):
                engine.start("sad" if number % 4 == 3 else "happy", {"log": str(log), "seconds": 0.002})
            for kill in range(KILLS):
                if kill % 2:  # let it get to work first; the others die wherever they are
                    wait_until(lambda: all_ended(engine) or at_work(log) & set(processes.pids()))
                time.sleep(chance.random() * 0.03)
                os.kill(chance.choice(processes.pids()), signal.SIGKILL)
                wait_until(lambda: processes.replaced > kill)  # noqa: B023 - called at once
            wait_until(lambda: all_ended(engine))
        assert sum(engine.count().values()) == SAGAS
        assert found(engine) == []
        assert wrong_effects(engine, log) == []


def at_work(log: Path) -> set[int]:
    return {int(line.split()[3]) for line in log.read_text().splitlines()[-20:] if line.count(" ") == 3}


def wrong_effects(engine: Engine, log: Path) -> list[str]:
    """What handlers did, by a file that the engine knows nothing of, against what it says of each saga."""
    did: dict[str, Counter[str]] = defaultdict(Counter)
    for line in log.read_text().splitlines():
        what, of, name, _ = line.split()
        did[of][f"{what} {name}"] += 1
    wrong = [of for of, counted in did.items() if counted["do charge"] > 1]
    for book in books(engine):
        counted = did[book.saga]
        if book.state == "completed":
            lost = not all(counted[f"do {name}"] for name in ("reserve", "charge", "ship"))
        else:
            lost = any(counted[f"do {name}"] and not counted[f"undo {name}"] for name in ("reserve", "charge"))
        if lost:
            wrong.append(f"{book.saga} {book.state}: {dict(counted)}")
    return wrong


@pytest.mark.parametrize(
    "fault",
    [
        error("sqlite3:OperationalError", ["the disk is full"], probability=0.05, at="saga.statement"),
        error("sqlite3:OperationalError", ["connection reset"], probability=0.05, at="saga.executed"),
        error("sqlite3:OperationalError", ["not committed"], probability=0.1, at="saga.commit"),
        error("sqlite3:OperationalError", ["committed, and nobody heard"], probability=0.1, at="saga.committed"),
        error("RuntimeError", ["no driver's own"], probability=0.1, at="saga.committed"),
        error("RuntimeError", ["before a claim"], probability=0.2, at="saga.claim"),
        error("RuntimeError", ["in a handler"], probability=0.5, at="saga.handler"),
        panic(probability=0.5, at="saga.handler"),
        panic(probability=0.5, at="saga.handled"),
        panic(probability=0.5, at="saga.compensation"),
        error("RuntimeError", ["after a compensation"], probability=0.5, at="saga.compensated"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.at}",
)  # fmt: skip
def test_faults_lose_and_double_nothing(opens: Any, called: Any, fault: Any) -> None:
    """Whatever fails between workers, handlers and database, every saga ends, and its history keeps all the rules."""
    happy = saga("happy").step("a", called.do, on_failure=called.undo, retries=2)
    happy.step("b", called.do, on_failure=called.undo, idempotent=False).step("c", called.do)
    forked = saga("forked").fork("f", {name: step(name, called.do, on_failure=called.undo) for name in "xyz"}).join("j")
    sad = saga("sad").step("a", called.do, on_failure=called.undo, compensation_retries=50).step("z", called.fail)

    def run(_: object) -> None:
        with Threads(engine, 3), aside():
            wait_until(lambda: all_ended(engine))

    with opens(happy.build(), forked.build(), sad.build(), lease="1s") as engine:
        for name in ("happy", "forked", "sad", "sad") * 6:
            engine.start(name)
        scenario = Scenario("faults").target(object()).step("run", run).inject("fault", fault).limit(step="110s")
        report = scenario.repeat(1).run(seed=3)
        assert report.iterations.ok == 1, report.reasons
        assert sum(each.fired or 0 for each in report.injections) > 0
        assert found(engine) == []
        assert Counter(called.calls)["b"] <= 6


@pytest.mark.slow
def test_everything_at_once_does_not_lock_up(opens: Any, called: Any) -> None:
    """Forks, sub-sagas and people who cancel and abort, all at the same moment, neither deadlock nor break a rule."""
    inner = saga("inner").step("i", called.do, on_failure=called.undo).parallel(
        "p", *(step(name, called.do, on_failure=called.undo) for name in ("p1", "p2"))
    )  # fmt: skip
    built = saga("s").fork(
        "f", {"x": branch().sub_saga("sub", inner), "y": step("a", called.do, on_failure=called.undo)}
    ).join("j").step("z", called.do)  # fmt: skip
    with opens(built.build(), lease="2s") as engine, Threads(engine, 4):
        sagas = [engine.start("s") for _ in range(30)]

        def meddle(number: int) -> None:
            for each in sagas[number::2]:
                try:
                    (engine.cancel, engine.abort)[hash(each) % 2](each)
                except StateError:
                    continue

        meddlers = [threading.Thread(target=meddle, args=(number,)) for number in range(2)]
        for thread in meddlers:
            thread.start()
        for thread in meddlers:
            thread.join()
        wait_until(lambda: all_ended(engine))
        assert [each for each in found(engine) if "abort" not in each] == []
        assert engine.count().get(SagaState.RUNNING, 0) == 0
