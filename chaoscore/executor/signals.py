"""How signals end a run in good order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interruptible(Protocol):
    """What can be told to end."""

    def interrupt(self, reason: str) -> None:
        """End in good order; from any thread, and from a signal handler."""
        ...


@contextmanager
def interrupting(run: Interruptible, enabled: bool) -> Iterator[None]:
    """
    While the block lasts, turn signals into `run.interrupt`, if *enabled*.

    The handlers are the interpreter's, not the loop's: they also run while a step blocks the loop.
    """
    if not enabled:
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        run.interrupt(signal.Signals(number).name)

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
