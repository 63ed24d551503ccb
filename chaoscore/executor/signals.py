"""How signals end a run in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""The signals that the command line turns into an interruption."""


class Interruptible(Protocol):
    """What can be told to end."""

    def interrupt(self, reason: str) -> None:
        """End in good order; from any thread, and from a signal handler."""
        ...


def default_interrupt() -> tuple[str, ...]:
    """Return SIGINT where it would raise `KeyboardInterrupt` here and now, which must not cut an undo short."""
    main = threading.current_thread() is threading.main_thread()
    return ("SIGINT",) if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler else ()


@contextmanager
def interrupting(run: Interruptible, names: Sequence[str]) -> Iterator[None]:
    """
    While the block lasts, turn the signals of these *names* into `run.interrupt`; main thread only.

    The handlers are the interpreter's, not the loop's: they also run while a step blocks the loop.
    """

    def handle(number: int, _: FrameType | None) -> None:
        run.interrupt(signal.Signals(number).name)

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
