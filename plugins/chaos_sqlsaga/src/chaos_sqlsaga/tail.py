"""The history of our own engine while it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.history import SagaEvent

if TYPE_CHECKING:
    from chaos_sqlsaga.engine import Engine
    from chaos_sqlsaga.engine.database import Rows, Transaction

PAGE: Final = 2_000
"""Events that are read at once."""

PATIENCE_S: Final = 10.0
"""How long a missing number is looked for, seconds: longer than any transaction of an engine lasts."""

_NEW: Final = "SELECT id, {} FROM saga_event WHERE id > ? ORDER BY id LIMIT ?"
_LATE: Final = "SELECT id, {} FROM saga_event WHERE id IN ({}) ORDER BY id"


class Tail:
    """
    What is new in the history of an engine, in any of its processes, each time that it is read.

    PostgreSQL numbers rows when they are written, and shows them when they are committed. So a number that is missing
    may still come, and is looked for again. Each saga is in order all the same: it is locked while events of it are
    written, so none of them is shown before an earlier one.

    Args:
        engine: Whose history.
        clock: Returns seconds that never go back.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._last = 0
        self._missing: dict[int, float] = {}

    def read(self) -> list[SagaEvent]:
        """Return the events since the last reading, in the order of each saga."""
        found = self._late()
        while rows := self._engine.database.run(partial(_new, after=self._last)):
            self._miss(rows)
            self._last = rows[-1][0]
            found += sql.events(row[1:] for row in rows)
        return found

    def _late(self) -> list[SagaEvent]:
        """Return those that were missing and have come, and forget those that never will."""
        now_s = self._clock()
        self._missing = {number: since for number, since in self._missing.items() if now_s - since < PATIENCE_S}
        numbers = list(self._missing)
        found: list[SagaEvent] = []
        for start in range(0, len(numbers), PAGE):
            rows = self._engine.database.run(partial(_late, numbers=numbers[start : start + PAGE]))
            for row in rows:
                del self._missing[row[0]]
            found += sql.events(row[1:] for row in rows)
        return found

    def _miss(self, rows: Rows) -> None:
        now_s = self._clock()
        for before, row in zip([self._last, *(row[0] for row in rows)], rows, strict=False):
            self._missing.update(dict.fromkeys(range(max(before + 1, row[0] - PAGE), row[0]), now_s))


def _new(transaction: Transaction, after: int) -> Rows:
    [rows] = transaction.read((_NEW.format(", ".join(sql.EVENT)), (after, PAGE)))
    return rows


def _late(transaction: Transaction, numbers: Sequence[int]) -> Rows:
    marks = ", ".join("?" * len(numbers))
    [rows] = transaction.read((_LATE.format(", ".join(sql.EVENT), marks), numbers))
    return rows
