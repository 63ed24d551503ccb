"""What every worker does, be it a thread or a task: take a step, call its handler, bring the result."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any, Final

from chaos_sqlsaga.engine.carrying import Carrying, Task
from chaos_sqlsaga.engine.core import log

IDLE_S: Final = 0.05
"""An idle worker looks again after so many seconds even if nobody wakes it: another process may have put work in."""

SURE_S: Final = 0.01
"""The first pause before a result is brought once more, seconds; doubled each time."""


def worker_name() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Worker:
    """
    One worker, which has at most one step at a time.

    A database that fails, or a fault that strikes between worker and database, never ends it. What it took and heard
    nothing of, it looks for; what it did and could not store, it tries to store as long as its lease lasts.
    """

    def __init__(self, engine: Carrying) -> None:
        self.engine, self.name = engine, worker_name()
        self._unsure = False

    def take(self) -> Task | None:
        """Take the next step that is due; None: there is none, or the database does not answer."""
        try:
            task = self.engine.take(self.name, again=self._unsure)
        except Exception as error:  # noqa: BLE001 - nothing that happens there may end a worker
            log.debug("%s could not take a step: %s", self.name, error)
            self._unsure = True
            return None
        self._unsure = False
        return task

    def settle(self, task: Task, result: Any, failed: BaseException | None) -> Task | None:
        """Store what came of *task* and return what follows it; one try, which may be repeated."""
        if task.handler is None:
            return self.engine.visit(task)
        if failed is not None:
            return self.engine.fail(task, failed)
        return self.engine.finish(task, result)

    def gives_up(self, task: Task, pause_s: float, error: BaseException) -> bool:
        """Tell whether *task* is to be left to its lease after it could not be stored again and again."""
        log.debug("%s could not store %s: %s", self.name, task.call.key, error)
        return pause_s > self.engine.lease_s


def before_and_after(task: Task) -> tuple[str, str]:
    """Return the names of the points around the call of *task*."""
    return ("saga.compensation", "saga.compensated") if task.compensating else ("saga.handler", "saga.handled")


def tags(task: Task) -> dict[str, Any]:
    """Return what those points say of themselves."""
    return {
        "definition": task.definition, "saga": task.call.saga, "step": task.call.step, "attempt": task.call.attempt,
        "worker": task.worker,
    }  # fmt: skip
