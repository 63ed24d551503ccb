"""Engines on real databases, and handlers that remember what was called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from chaos_sqlsaga.engine import Call, Definition, Engine
from chaos_sqlsaga.engine.carrying import Task
from tests.services.databases import Database
from tests.services.fixtures import database, postgres_database, postgres_dsn, postgres_server, sqlite_database

__all__ = ["database", "postgres_database", "postgres_dsn", "postgres_server", "sqlite_database"]

MOST = 1000


class Opens(Protocol):
    def __call__(self, *definitions: Definition, **options: Any) -> Engine: ...


@pytest.fixture
def opens(database: Database) -> Iterator[Opens]:
    """Opens engines on the database of the test."""
    engines: list[Engine] = []

    def opened(*definitions: Definition, **options: Any) -> Engine:
        engines.append(Engine(database.dsn, definitions, **{"synchronous": "NORMAL", **options}))
        return engines[-1]

    yield opened
    for each in engines:
        each.close()


class Called:
    """Handlers whose calls are remembered, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def do(self, call: Call) -> str:
        self.calls.append(call.step)
        return f"{call.step} done"

    def undo(self, call: Call) -> None:
        self.calls.append(f"-{call.step}")

    def fail(self, call: Call) -> None:
        self.calls.append(f"!{call.step}")
        raise ValueError(f"{call.step} is broken")

    def failing(self, times: int) -> Callable[[Call], str]:
        """Fails so many times, and then succeeds."""

        def handler(call: Call) -> str:
            if call.attempt <= times:
                self.fail(call)
            return self.do(call)

        return handler


@pytest.fixture
def called() -> Called:
    return Called()


class ManualClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.wall_s, self.monotonic_s = 1_700_000_000.0, 100.0

    def wall(self) -> float:
        return self.wall_s

    def monotonic(self) -> float:
        return self.monotonic_s

    def advance(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        self.advance(seconds)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def carry_on(
    engine: Engine, worker: str = "worker", *, task: Task | None = None, until: Callable[[Task], bool] | None = None
) -> Any:
    """
    Do everything that is due, in this thread.

    Returns:
        How many handlers were called; or the first task that *until* is true of, which is not done.
    """
    calls = 0
    while (task := task or engine.take(worker)) is not None:
        if until is not None and until(task):
            return task
        calls += task.handler is not None
        assert calls <= MOST, "it does not come to an end"
        task = do(engine, task)
    return calls


def do(engine: Engine, task: Task) -> Task | None:
    if task.handler is None:
        return engine.visit(task)
    try:
        result = task.handler(task.call)
    except Exception as error:  # noqa: BLE001 - a handler may raise anything
        return engine.fail(task, error)
    return engine.finish(task, result)


@pytest.fixture
def carrying() -> Callable[..., Any]:
    return carry_on
