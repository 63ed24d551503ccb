"""What the tables of our own engine say of every saga, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from chaos_sqlsaga.checkers.consistency import Book
from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.looking import look

if TYPE_CHECKING:
    from chaos_sqlsaga.engine import Engine
    from chaos_sqlsaga.engine.database import Rows, Transaction

PAGE: Final = 200
"""Sagas that are read at once."""

_SAGAS: Final = "SELECT id, state FROM saga_instance WHERE id > ? ORDER BY id LIMIT ?"
_STEPS: Final = "SELECT instance, name, state FROM saga_step WHERE instance IN ({}) ORDER BY instance"
_EVENTS: Final = "SELECT {} FROM saga_event WHERE saga IN ({}) ORDER BY saga, id"


def books(engine: Engine) -> Iterator[Book]:
    """Yield rows and history of every saga; each page is one moment of the database."""
    last = ""
    while True:
        page, steps, events = look(partial(engine.database.run, partial(_page, after=last)))
        if not page:
            return
        last = page[-1][0]
        of_step = {saga: {name: str(state) for _, name, state in rows} for saga, rows in groupby(steps, itemgetter(0))}
        of_event = {saga: list(sql.events(rows)) for saga, rows in groupby(events, itemgetter(0))}
        for saga, state in page:
            yield Book(saga, str(state), of_step.get(saga, {}), of_event.get(saga, []))


def _page(transaction: Transaction, after: str) -> tuple[Rows, Rows, Rows]:
    [page] = transaction.read((_SAGAS, (after, PAGE)))
    if not page:
        return page, [], []
    ids, marks = [saga for saga, _ in page], ", ".join("?" * len(page))
    steps, events = transaction.read((_STEPS.format(marks), ids), (_EVENTS.format(", ".join(sql.EVENT), marks), ids))
    return page, steps, events


def unfinished(engine: Engine) -> Mapping[str, int]:
    """Return how many sagas are in each of the states in which something is left to do."""
    from chaos_sqlsaga.engine.states import ENDED

    return {str(state): number for state, number in look(engine.count).items() if state not in ENDED and number}
