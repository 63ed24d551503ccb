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


LAST = 3
"""The signal whose sender will not wait any longer."""


class Interruptible(Protocol):
    """What can be told to end."""

    def interrupt(self, reason: str) -> None:
        """End in good order; from any thread, and from a signal handler."""
        ...

    def hand_over(self, code: int) -> None:
        """End this process now, if somebody else will undo what is open."""
        ...


def default_interrupt() -> tuple[str, ...]:
    """Return SIGINT where it would raise `KeyboardInterrupt` here and now, which must not cut an undo short."""
    main = threading.current_thread() is threading.main_thread()
    return ("SIGINT",) if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler else ()


@contextmanager
def interrupting(run: Interruptible, names: Sequence[str], *, impatient: bool) -> Iterator[None]:
    """
    While the block lasts, turn the signals of these *names* into `run.interrupt`; main thread only.

    The handlers are the interpreter's, not the loop's: they also run while a step blocks the loop.

    Args:
        run: What they end.
        names: Which signals.
        impatient: This process is the run's own, and the third signal may end it with the undo left to the watchdog.
    """
    count = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal count
        count += 1
        run.interrupt(signal.Signals(number).name)
        if impatient and count >= LAST:
            run.hand_over(128 + number)

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name) and not _is_hung_up(name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _is_hung_up(name: str) -> bool:
    """Tell whether the run was started by `nohup`, to go on when its terminal is closed."""
    return name == "SIGHUP" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
