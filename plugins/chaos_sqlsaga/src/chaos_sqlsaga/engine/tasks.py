"""Workers that are tasks of an event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Self, TypeVar

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.carrying import Carrying, Task
from chaos_sqlsaga.engine.leases import Leases
from chaos_sqlsaga.engine.worker import IDLE_S, SURE_S, Worker, before_and_after, tags

_T = TypeVar("_T")


class Tasks:
    """
    Workers that are tasks of the running event loop, for the length of an `async with` block.

    The database, and handlers that are plain functions, have a thread for each worker, so that nothing blocks the loop.
    Leaving the block lets each worker finish the step it is at.

    Args:
        engine: Whose steps they do.
        count: How many.
    """

    def __init__(self, engine: Carrying, count: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        self.engine, self._count, self._leases = engine, count, Leases(engine)
        self._stopping = asyncio.Event()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="saga task")
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._leases.start()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await asyncio.to_thread(self._pool.shutdown)
            await asyncio.to_thread(self._leases.stop)

    async def _work(self) -> None:
        worker = Worker(self.engine)
        while not self._stopping.is_set():
            task = await self._in_thread(worker.take)
            if task is None:
                await self._pause(IDLE_S)
            while task is not None:
                task = await self._do(worker, task)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _in_thread(self, function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, function)

    async def _do(self, worker: Worker, task: Task) -> Task | None:
        with self._leases.hold(task):
            result, failed = await self._called(task)
            pause_s = SURE_S
            while True:
                try:
                    return await self._in_thread(lambda: worker.settle(task, result, failed))
                except Exception as error:  # noqa: BLE001 - nothing that happens there may end a worker
                    if worker.gives_up(task, pause_s, error):
                        return None
                await asyncio.sleep(pause_s)
                pause_s *= 2

    async def _called(self, task: Task) -> tuple[Any, BaseException | None]:
        handler = task.handler
        if handler is None:
            return None, None
        before, after = before_and_after(task)
        try:
            await points.ahandler(before, tags(task))
            if inspect.iscoroutinefunction(handler):
                result = await handler(task.call)
            else:
                result = await self._in_thread(lambda: handler(task.call))
                if inspect.isawaitable(result):
                    result = await result
            await points.ahandler(after, tags(task))
        except asyncio.CancelledError as error:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # this is a task
                raise
            return None, error
        except BaseException as error:  # noqa: BLE001 - a panic of a handler is the failure of its step
            return None, error
        return result, None
