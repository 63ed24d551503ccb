"""How judges look at a database that is under faults: again, until it answers."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Final, TypeVar

from chaos_sqlsaga.engine.errors import BusyError, DeadlineError, UnreachableError

_T = TypeVar("_T")

PATIENCE_S: Final = 10.0
"""How long a look is tried again, seconds."""

MOST_PAUSE_S: Final = 0.25


def look(ask: Callable[[], _T], patience_s: float = PATIENCE_S) -> _T:
    """
    Return what *ask* reads, which can always be done again, as soon as the database answers.

    The engine itself keeps its deadlines; but who judges a system must not be blinded by the faults that it is under.

    Args:
        ask: Reads in a transaction of its own.
        patience_s: How long it is tried again, seconds.

    Raises:
        BusyError: To the last, another transaction was in the way, or connections were lost.
        DeadlineError: To the last, it took too long.
        UnreachableError: To the last, there was no connection.
        DatabaseError: The database said no.
    """
    until, pause_s = monotonic() + patience_s, 0.001
    while True:
        try:
            return ask()
        except (BusyError, DeadlineError, UnreachableError):
            if monotonic() > until:
                raise
        sleep(pause_s)
        pause_s = min(2 * pause_s, MOST_PAUSE_S)
