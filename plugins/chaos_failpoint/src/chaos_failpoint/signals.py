"""An event for which threads and tasks can wait alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

SLICE_S = 0.1
"""A thread that waits can be interrupted this often."""


class Signal:
    """Something that happens once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._happened = False
        self._calls: list[Callable[[], object]] = []

    def set(self) -> None:
        """Let it happen; from any thread, and again and again if need be."""
        with self._lock:
            self._happened = True
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    def then(self, call: Callable[[], object]) -> None:
        """Call *call* when it happens, in whatever thread lets it happen; at once if it has."""
        with self._lock:
            if not self._happened:
                self._calls.append(call)
                return
        call()

    def forget(self, call: Callable[[], object]) -> None:
        """Do not call *call* any more."""
        with self._lock, suppress(ValueError):
            self._calls.remove(call)

    def wait(self, timeout_s: float) -> bool:
        """Block until it happens; False if it did not in time."""
        happened = threading.Event()
        self.then(happened.set)
        ends = monotonic() + timeout_s
        while not happened.is_set() and (left := ends - monotonic()) > 0:
            happened.wait(min(SLICE_S, left))  # in slices, since a thread can be interrupted only between them
        self.forget(happened.set)
        return happened.is_set()

    async def await_(self, timeout_s: float) -> bool:
        """Suspend the task until it happens; False if it did not in time."""
        loop = asyncio.get_running_loop()
        happened = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed in the meantime
                loop.call_soon_threadsafe(happened.set)

        self.then(wake)
        try:
            await asyncio.wait_for(happened.wait(), timeout_s)
        except TimeoutError:
            return False
        finally:
            self.forget(wake)
        return True
