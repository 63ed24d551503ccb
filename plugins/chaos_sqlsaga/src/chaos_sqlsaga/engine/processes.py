"""Workers that are processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, Any, Final, Self

from chaos_sqlsaga.engine.errors import SagaError

LOOK_S: Final = 0.02
"""A worker that has died is replaced within so many seconds."""
MOST_FAILURES: Final = 10
"""Workers that end by themselves so often are replaced no more."""
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
        self.replaced = self._failures = 0

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
            with suppress(BrokenPipeError):
                _stdin(each).close()  # its end is the sign to end
        for each in self._children:
            try:
                each.wait(END_S)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        if self._failures >= MOST_FAILURES:
            raise SagaError(
                f"worker processes ended by themselves {self._failures} times and were replaced no more; "
                "what they wrote to the standard error says why"
            )

    def _spawn(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-m", "chaos_sqlsaga.engine.process"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        with suppress(BrokenPipeError):  # it was killed already; the next look finds it
            _stdin(child).write(self._order)
            _stdin(child).flush()
        return child

    def _keep(self) -> None:
        while not self._stopping.wait(LOOK_S):
            for number, each in enumerate(self._children):
                if self._replace and self._failures < MOST_FAILURES and each.poll() is not None:
                    self._failures += each.returncode > 0  # by itself, and not by a signal
                    with suppress(BrokenPipeError):
                        _stdin(each).close()
                    with self._lock:
                        self._children[number] = self._spawn()
                        self.replaced += 1


def _stdin(child: subprocess.Popen[bytes]) -> IO[bytes]:
    assert child.stdin is not None
    return child.stdin
