"""The heartbeat: leases of steps that take long are renewed while they run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.carrying import Carrying, Task
from chaos_sqlsaga.engine.core import log
from chaos_sqlsaga.engine.worker import tags


class Leases:
    """Renews what is held, with one thread, three times in the length of a lease."""

    def __init__(self, engine: Carrying) -> None:
        self._engine = engine
        self._held: dict[int, tuple[Task, float]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="saga heartbeat")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join()

    @contextmanager
    def hold(self, task: Task) -> Iterator[None]:
        """Renew the lease of *task* for the length of the block."""
        self._held[id(task)] = task, self._engine.now_s()
        try:
            yield
        finally:
            del self._held[id(task)]

    def _beat(self) -> None:
        while not self._stopping.wait(self._engine.lease_s / 6):
            for task, since_s in list(self._held.values()):
                if self._engine.now_s() - since_s > self._engine.lease_s / 3:
                    self._renew(task)

    def _renew(self, task: Task) -> None:
        try:
            points.lease(tags(task))
            self._engine.renew(task)
        except Exception as error:  # noqa: BLE001 - the next beat tries again, and there are some before the lease ends
            log.debug("the lease of %s was not renewed: %s", task.call.key, error)
