"""Engines on real databases, and handlers that remember what was called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest

from chaos_sqlsaga.engine import Call, Definition, Engine
from tests.services.databases import Database
from tests.services.fixtures import database, postgres_database, postgres_dsn, postgres_server, sqlite_database

__all__ = ["database", "postgres_database", "postgres_dsn", "postgres_server", "sqlite_database"]


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


def carry_on(engine: Engine, worker: str = "worker", *, most: int = 1000) -> int:
    """Do everything that is due, in this thread, and return how many handlers were called."""
    calls = 0
    while (task := engine.take(worker)) is not None:
        while task is not None:
            if task.handler is None:
                task = engine.visit(task)
                continue
            calls += 1
            assert calls <= most, "it does not come to an end"
            try:
                result = task.handler(task.call)
            except Exception as error:
                task = engine.fail(task, error)
            else:
                task = engine.finish(task, result)
    return calls


@pytest.fixture
def carrying() -> Callable[..., int]:
    return carry_on
