"""Workers that are processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any, Final, Self

from chaos_sqlsaga.engine.errors import SagaError

LOOK_S: Final = 0.02
"""A worker that has died is replaced within so many seconds."""
END_S: Final = 30.0
"""Seconds that a worker gets to finish the step it is at, before it is killed."""


class Processes:
    """
    Workers that are processes of their own, for the length of a block.

    Each imports the definitions by itself and runs them with threads. One that dies, or is killed, is replaced; its
    step is taken over when the lease has ended. When this process dies, they end by themselves.

    Args:
        dsn: The database.
        definitions: What they run, as ``module:attribute``: an iterable of definitions, or a function that returns one.
        count: How many processes.
        threads: Workers in each.
        options: What `Engine` takes beyond that, as JSON knows it: ``{"lease": "1s"}``.
        replace: Whether those that die are replaced.
    """

    def __init__(
        self,
        dsn: str,
        definitions: str,
        count: int = 2,
        *,
        threads: int = 1,
        options: dict[str, Any] | None = None,
        replace: bool = True,
    ) -> None:
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        order = {"dsn": dsn, "definitions": definitions, "threads": threads, "options": options or {}, "path": sys.path}
        self._order = json.dumps(order).encode() + b"\n"
        self._count, self._replace = count, replace
        self._children: list[subprocess.Popen[bytes]] = []
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="saga processes")
        self.replaced = 0

    def pids(self) -> list[int]:
        """Return the process ids of those that live."""
        with self._lock:
            return [each.pid for each in self._children if each.poll() is None]

    def __enter__(self) -> Self:
        self._children = [self._spawn() for _ in range(self._count)]
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._keeper.join()
        for each in self._children:
            assert each.stdin is not None
            each.stdin.close()  # its end is the sign to end
        for each in self._children:
            try:
                each.wait(END_S)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-m", "chaos_sqlsaga.engine.process"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert child.stdin is not None
        try:
            child.stdin.write(self._order)
            child.stdin.flush()
        except BrokenPipeError:
            child.stdin.close()
            child.wait()
            raise SagaError(f"a worker process ended at once with {child.returncode}; its errors are above") from None
        return child

    def _keep(self) -> None:
        while not self._stopping.wait(LOOK_S):
            if not self._replace:
                continue
            for number, each in enumerate(self._children):
                if each.poll() is not None:
                    self._close(each)
                    with self._lock:
                        self._children[number] = self._spawn()
                        self.replaced += 1

    def _close(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdin is not None
        try:
            child.stdin.close()
        except BrokenPipeError:
            return
