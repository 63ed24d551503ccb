"""Workers: whoever takes steps and calls their handlers."""

from __future__ import annotations

import asyncio
import inspect
import os
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.engine import Engine, Task
from chaos_sqlsaga.engine.errors import DatabaseError
from chaos_sqlsaga.engine.leases import Leases

IDLE_S = 0.05
"""An idle worker looks again after this long even if nobody wakes it: others may have put work in."""


def worker_name() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Threads:
    """
    Workers that are threads of this process, for the length of a block.

    Leaving the block lets each finish the step it is at.
    """

    def __init__(self, engine: Engine, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        self.engine, self._stopping = engine, threading.Event()
        self._leases = Leases(engine)
        self._threads = [
            threading.Thread(target=self._work, args=(worker_name(),), name=f"saga worker {number}")
            for number in range(1, count + 1)
        ]

    def __enter__(self) -> Self:
        self._leases.start()
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with self.engine.work_there:
            self.engine.work_there.notify_all()
        for each in self._threads:
            each.join()
        self._leases.stop()

    def _work(self, name: str) -> None:
        with asyncio.Runner() as runner:
            while not self._stopping.is_set():
                try:
                    task = self.engine.take(name)
                    while task is not None:
                        task = self._do(task, runner)
                    self._idle()
                except DatabaseError:
                    self._stopping.wait(IDLE_S)

    def _do(self, task: Task, runner: asyncio.Runner) -> Task | None:
        if task.handler is None:
            return self.engine.visit(task)
        with self._leases.hold(task):
            try:
                result = call(task, runner)
            except BaseException as error:  # noqa: BLE001 - a panic of a handler is the failure of its step
                failed: BaseException | None = error
            else:
                failed = None
        return settle(self.engine, task, failed, None if failed else result)

    def _idle(self) -> None:
        with self.engine.work_there:
            if not self._stopping.is_set():
                self.engine.work_there.wait(IDLE_S)


def call(task: Task, runner: asyncio.Runner) -> Any:
    """Call the handler of *task*, between its points."""
    assert task.handler is not None
    before, after = names(task)
    tags = {"definition": task.definition, "saga": task.call.saga, "step": task.call.step, "attempt": task.call.attempt}
    points.handler(before, tags)
    result = task.handler(task.call)
    if inspect.isawaitable(result):
        result = runner.run(_await(result))
    points.handler(after, tags)
    return result


async def _await(result: Awaitable[Any]) -> Any:
    return await result


def names(task: Task) -> tuple[str, str]:
    """Return the points before and after the handler of *task*."""
    return ("saga.compensation", "saga.compensated") if task.compensating else ("saga.handler", "saga.handled")


def settle(engine: Engine, task: Task, failed: BaseException | None, result: Any) -> Task | None:
    """Store what came of *task*; try again where it is not known whether it was stored, which the token makes safe."""
    store: Callable[[], Task | None] = (
        (lambda: engine.finish(task, result)) if failed is None else (lambda: engine.fail(task, failed))
    )
    for _ in range(SETTLE_TRIES - 1):
        try:
            return store()
        except DatabaseError:
            continue
    return store()


SETTLE_TRIES = 5
