"""The history of our own engine while it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.history import SagaEvent
from chaos_sqlsaga.looking import look

if TYPE_CHECKING:
    from chaos_sqlsaga.engine import Engine
    from chaos_sqlsaga.engine.database import Rows, Transaction

PAGE: Final = 2_000
"""Events that are read at once."""

PATIENCE_S: Final = 10.0
"""How long a missing number is looked for, seconds: longer than any transaction of an engine lasts."""

_QUERY: Final = "SELECT id, {} FROM saga_event WHERE id > ? {} ORDER BY id LIMIT ?"
"""One query for what is new and what is late, as it must be one moment of the database: see `Tail`."""


class Tail:
    """
    What is new in the history of an engine, in any of its processes, each time that it is read.

    PostgreSQL numbers rows when they are written, and shows them when they are committed. So a number that is missing
    may still come, and is looked for again. Each saga is in order all the same: one transaction after the other changes
    it, so at any moment that shows an event of it, the earlier ones are there as well.

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
        found: list[SagaEvent] = []
        while True:
            rows = look(partial(self._engine.database.run, partial(_page, after=self._last, late=self._late())))
            self._note([row[0] for row in rows])
            found += sql.events(row[1:] for row in rows)
            if len(rows) < PAGE:
                return found

    def _late(self) -> list[int]:
        """Return the numbers that are missing, and forget those that never will come."""
        now_s = self._clock()
        self._missing = {number: since for number, since in self._missing.items() if now_s - since < PATIENCE_S}
        return list(self._missing)[:PAGE]

    def _note(self, numbers: list[int]) -> None:
        now_s = self._clock()
        for number in numbers:
            if self._missing.pop(number, None) is None:
                self._missing.update(dict.fromkeys(range(max(self._last + 1, number - PAGE), number), now_s))
                self._last = number


def _page(transaction: Transaction, after: int, late: Sequence[int]) -> Rows:
    too = f"OR id IN ({', '.join('?' * len(late))})" if late else ""
    [rows] = transaction.read((_QUERY.format(", ".join(sql.EVENT), too), (after, *late, PAGE)))
    return rows
