"""How a server learns that its owner is gone, whatever became of it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from types import TracebackType


class Lifeline:
    """
    Calls *over* when the process *owner* is gone, or has closed the pipe that is the standard input here.

    The pipe alone would do where nobody else holds its other end, but a child that the owner forks does so; the
    process is watched by the kernel where that is possible (Linux). `PR_SET_PDEATHSIG` would strike when the *thread*
    ends that started the server.
    """

    def __init__(self, owner: int | None, over: Callable[[], None]) -> None:
        self._owner, self._over = owner, over
        self._loop = asyncio.get_running_loop()
        self._watched: list[int] = []
        self._process: int | None = None

    def __enter__(self) -> Lifeline:
        if self._owner is not None:
            self._watch(sys.stdin.fileno(), self._said)
            self._watch_process(self._owner)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._watched:
            self._loop.remove_reader(descriptor)
        if self._process is not None:
            os.close(self._process)

    def _watch(self, descriptor: int, call: Callable[[], None]) -> None:
        self._watched.append(descriptor)
        self._loop.add_reader(descriptor, call)

    def _said(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            self._over()

    def _watch_process(self, owner: int) -> None:
        if not hasattr(os, "pidfd_open"):
            return
        try:
            self._process = os.pidfd_open(owner)
        except OSError:  # it is gone, or the kernel is too old
            if os.getppid() != owner:
                self._over()
            return
        if os.getppid() != owner:
            self._over()
        self._watch(self._process, self._over)
