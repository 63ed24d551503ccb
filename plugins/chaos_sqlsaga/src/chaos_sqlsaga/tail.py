"""The history of our own engine while it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.history import SagaEvent

if TYPE_CHECKING:
    from chaos_sqlsaga.engine import Engine
    from chaos_sqlsaga.engine.database import Rows, Transaction

PAGE: Final = 2_000
"""Events that are read at once."""

PATIENCE_S: Final = 10.0
"""
A number that is missing may belong to a transaction that is not committed yet: PostgreSQL gives numbers when rows are
written. After so many seconds it belongs to one that was rolled back.
"""

_QUERY: Final = "SELECT id, {} FROM saga_event WHERE id > ? ORDER BY id LIMIT ?"


class Tail:
    """
    What is new in the history of an engine, in any of its processes, each time that it is read.

    Args:
        engine: Whose history.
        clock: Returns seconds that never go back.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._last, self._waits_since_s = 0, clock()

    def read(self) -> list[SagaEvent]:
        """Return the events since the last reading, in order, up to the first that may still come."""
        found: list[SagaEvent] = []
        while True:
            rows = self._engine.database.run(partial(_page, after=self._last))
            known = self._known(rows)
            found += sql.events(row[1:] for row in known)
            if len(known) < PAGE:
                return found

    def _known(self, rows: Rows) -> Sequence[Any]:
        """Return those of *rows* before which none is missing."""
        now_s = self._clock()
        if now_s - self._waits_since_s > PATIENCE_S:
            gap = len(rows)
        else:
            gap = next((place for place, row in enumerate(rows) if row[0] != self._last + 1 + place), len(rows))
        if gap or not rows:
            self._waits_since_s = now_s
        if gap:
            self._last = rows[gap - 1][0]
        return rows[:gap]


def _page(transaction: Transaction, after: int) -> Rows:
    [rows] = transaction.read((_QUERY.format(", ".join(sql.EVENT)), (after, PAGE)))
    return rows
