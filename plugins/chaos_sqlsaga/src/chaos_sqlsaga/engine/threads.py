"""Workers that are threads."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable
from typing import Any, Self

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.carrying import Carrying, Task
from chaos_sqlsaga.engine.leases import Leases
from chaos_sqlsaga.engine.worker import IDLE_S, SURE_S, Worker, before_and_after, tags


class Threads:
    """
    Workers that are threads of this process, for the length of a block.

    Leaving the block lets each finish the step it is at. Handlers that are `async def` run in an event loop of their
    worker's own.

    Args:
        engine: Whose steps they do.
        count: How many.
    """

    def __init__(self, engine: Carrying, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        self.engine, self._stopping, self._leases = engine, threading.Event(), Leases(engine)
        self._threads = [
            threading.Thread(target=self._work, name=f"saga worker {number}") for number in range(1, count + 1)
        ]

    def __enter__(self) -> Self:
        self._leases.start()
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with self.engine.work_there:
            self.engine.work_there.notify_all()
        for each in self._threads:
            each.join()
        self._leases.stop()

    def _work(self) -> None:
        worker = Worker(self.engine)
        with asyncio.Runner() as runner:
            while not self._stopping.is_set():
                task = worker.take()
                if task is None:
                    self._idle()
                while task is not None:
                    task = self._do(worker, task, runner)

    def _idle(self) -> None:
        with self.engine.work_there:
            if not self._stopping.is_set():
                self.engine.work_there.wait(IDLE_S)

    def _do(self, worker: Worker, task: Task, runner: asyncio.Runner) -> Task | None:
        with self._leases.hold(task):
            result, failed = _called(task, runner)
            pause_s = SURE_S
            while True:
                try:
                    return worker.settle(task, result, failed)
                except Exception as error:  # noqa: BLE001 - nothing that happens there may end a worker
                    if worker.gives_up(task, pause_s, error):
                        return None
                self._stopping.wait(pause_s)
                pause_s *= 2


def _called(task: Task, runner: asyncio.Runner) -> tuple[Any, BaseException | None]:
    """Call the handler of *task* and return what it returned or raised."""
    if task.handler is None:
        return None, None
    before, after = before_and_after(task)
    try:
        points.handler(before, tags(task))
        result = task.handler(task.call)
        if inspect.isawaitable(result):
            result = runner.run(_await(result))
        points.handler(after, tags(task))
    except BaseException as error:  # noqa: BLE001 - a panic of a handler is the failure of its step
        return None, error
    return result, None


async def _await(result: Awaitable[Any]) -> Any:
    return await result
