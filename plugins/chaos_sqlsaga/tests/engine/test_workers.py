"""Workers: threads, tasks and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chaos_sqlsaga.engine import Call, Processes, SagaState, Tasks, Threads, processes, saga
from chaos_sqlsaga.engine.errors import SagaError
from chaos_sqlsaga.history import What
from chaoscore import InjectedPanic
from tests.services.databases import Database

WORKFLOWS = f"{Path(__file__).parent}"


async def aslow(call: Call) -> str:
    await asyncio.sleep(0.001)
    return f"{call.step} awaited"


def until(there: Callable[[], object], limit_s: float = 60) -> None:
    """Wait for a condition."""
    end = time.monotonic() + limit_s
    while not there():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def test_threads_share_the_work(opens: Any, called: Any) -> None:
    """Several threads complete many sagas, and every handler is called once for each."""
    with opens(saga("s").step("a", called.do).step("b", aslow).step("c", called.do).build()) as engine:
        with Threads(engine, 4):
            sagas = [engine.start("s") for _ in range(25)]
            ended = [engine.wait(each) for each in sagas]
        assert {each.state for each in ended} == {SagaState.COMPLETED}
        assert {each.results()["b"] for each in ended} == {"b awaited"}
        assert Counter(called.calls) == {"a": 25, "c": 25}


def test_tasks_share_the_work(opens: Any, called: Any) -> None:
    """Several tasks of one loop do the same, with handlers of both kinds, and block the loop with neither."""

    async def run() -> list[Any]:
        async with Tasks(engine, 3):
            sagas = [await asyncio.to_thread(engine.start, "s") for _ in range(10)]
            return [await asyncio.to_thread(engine.wait, each) for each in sagas]

    with opens(saga("s").step("a", called.do).step("b", aslow).step("c", called.do).build()) as engine:
        ended = asyncio.run(run())
        assert {each.state for each in ended} == {SagaState.COMPLETED}
        assert Counter(called.calls) == {"a": 10, "c": 10}


@pytest.mark.slow
def test_processes_share_the_work(opens: Any, database: Database, tmp_path: Path, monkeypatch: Any) -> None:
    """Several processes do the same, and more than one takes part."""
    monkeypatch.syspath_prepend(WORKFLOWS)
    workflows = import_module("workflows")

    log = tmp_path / "log"
    with opens(*workflows.definitions()) as engine:
        with Processes(database.dsn, "workflows:definitions", 2, options={"synchronous": "NORMAL"}) as crew:
            until(lambda: len(crew.pids()) == 2)
            sagas = [engine.start("happy", {"log": str(log), "seconds": 0.02}) for _ in range(30)]
            assert {engine.wait(each).state for each in sagas} == {SagaState.COMPLETED}
        did = [line.split() for line in log.read_text().splitlines()]
        assert Counter(step for _, _, step, _ in did) == {"reserve": 30, "charge": 30, "ship": 30}
        assert len({pid for _, _, _, pid in did}) == 2


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced(opens: Any, database: Database, tmp_path: Path, monkeypatch: Any) -> None:
    """The step of a worker process that was killed in its handler is done by the one that replaces it."""
    monkeypatch.syspath_prepend(WORKFLOWS)
    workflows = import_module("workflows")

    log, gate, options = tmp_path / "log", tmp_path / "gate", {"lease": "500ms", "synchronous": "NORMAL"}
    with opens(*workflows.definitions()) as engine:
        it = engine.start("happy", {"log": str(log), "gate": str(gate)})
        with Processes(database.dsn, "workflows:definitions", 1, options=options) as crew:
            until(log.exists)
            os.kill(crew.pids()[0], signal.SIGKILL)
            until(lambda: crew.replaced)
            gate.touch()
            assert engine.wait(it).state is SagaState.COMPLETED
            assert crew.replaced == 1
        assert [line.split()[2] for line in log.read_text().splitlines()] == ["reserve", "reserve", "charge", "ship"]


@pytest.mark.slow
def test_workers_that_cannot_begin_are_not_replaced_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Processes that end by themselves again and again are given up, and the error says where to look."""
    monkeypatch.setattr(processes, "MOST_FAILURES", 2)
    crew = Processes(str(tmp_path / "x.db"), "no_such_module:definitions", 1)
    with pytest.raises(SagaError, match="ended by themselves 2 times"), crew:
        until(lambda: crew._failures >= 2)
    assert "No module named 'no_such_module'" in capfd.readouterr().err


def test_leaving_the_block_finishes_the_step(opens: Any) -> None:
    """A worker that is told to end brings the result of the step it is at, and what follows is left to others."""
    begun, going_on = threading.Event(), threading.Event()

    def slow(call: Call) -> str:
        begun.set()
        assert going_on.wait(60)
        return "done"

    with opens(saga("s").step("a", slow).decision("d").build()) as engine:
        with Threads(engine, 1):
            it = engine.start("s")
            assert begun.wait(60)
            threading.Timer(0.05, going_on.set).start()  # while the block is being left
        assert engine.look(it).results()["a"] == "done"


def test_a_long_step_keeps_its_lease(opens: Any) -> None:
    """A step that takes several times as long as a lease is not taken over while its worker lives."""
    with opens(saga("s").step("a", lambda _: time.sleep(1)).build(), lease="250ms") as engine:
        with Threads(engine, 2):
            it = engine.start("s")
            assert engine.wait(it).state is SagaState.COMPLETED
        assert [each.what for each in engine.history(it)].count(What.STARTED) == 1


@pytest.mark.parametrize("panic", [SystemExit(3), KeyboardInterrupt(), InjectedPanic(), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", ["threads", "tasks"])
def test_a_panic_is_a_failure_of_its_step(opens: Any, called: Any, panic: BaseException, kind: str) -> None:
    """Whatever a handler raises, its saga rolls back and its worker goes on."""

    def explode(call: Call) -> None:
        raise panic

    async def arun() -> list[Any]:
        async with Tasks(engine, 1):
            return [await asyncio.to_thread(engine.wait, engine.start(name)) for name in ("bad", "good")]

    bad = saga("bad").step("a", called.do, on_failure=called.undo).step("b", explode).build()
    with opens(bad, saga("good").step("c", called.do).build()) as engine:
        if kind == "tasks":
            failed, good = asyncio.run(arun())
        else:
            with Threads(engine, 1):
                failed, good = (engine.wait(engine.start(name)) for name in ("bad", "good"))
        assert (failed.state, good.state) == (SagaState.FAILED, SagaState.COMPLETED)
        assert called.calls == ["a", "-a", "c"]


def test_an_idle_worker_is_woken(opens: Any, called: Any) -> None:
    """What another engine puts in, which can wake nobody here, is found all the same."""
    built = saga("s").step("a", called.do).build()
    with opens(built) as engine, opens(built) as other, Threads(engine, 1):
        it = other.start("s")
        assert other.wait(it).state is SagaState.COMPLETED


@pytest.mark.parametrize("kind", [Threads, Tasks, lambda engine, count: Processes("x.db", "m:a", count)])
def test_there_is_at_least_one_worker(opens: Any, called: Any, kind: Any) -> None:
    """No workers at all are refused."""
    with opens(saga("s").step("a", called.do).build()) as engine, pytest.raises(ValueError, match="at least 1"):
        kind(engine, 0)
