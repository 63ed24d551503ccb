"""The SQL: how sagas are read and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from chaos_sqlsaga.engine.database import Database, Rows, Statement, Transaction
from chaos_sqlsaga.engine.definition import Definition
from chaos_sqlsaga.engine.errors import UnknownSagaError
from chaos_sqlsaga.engine.rows import Instance, Saga, StepRow
from chaos_sqlsaga.engine.schema import VERSION, missing
from chaos_sqlsaga.engine.states import ENDED, SagaState, StepState
from chaos_sqlsaga.history import SagaEvent

INSTANCE: Final = (
    "id", "definition", "version", "state", "payload", "priority", "pauses", "created_s", "ended_s", "error", "ending",
    "target", "rolling", "depth", "revision", "parent", "parent_step",
)  # fmt: skip
CHANGING: Final = ("state", "ended_s", "error", "ending", "target", "rolling", "depth", "revision")
STEP: Final = (
    "name", "state", "attempt", "takeovers", "token", "worker", "due_s", "rank", "result", "error", "seq", "undoing",
)  # fmt: skip
EVENT: Final = ("saga", "what", "step", "attempt", "definition", "at_s", "worker", "detail")
CLOCK_SLACK_S: Final = 3600.0
"""A lease further ahead than this was given by a clock that has gone back since; no lease is so long."""

_FIND = f"SELECT {', '.join(INSTANCE)} FROM saga_instance WHERE id = ?"  # noqa: S608 - the names of our own columns
_STEPS = f"SELECT {', '.join(STEP)} FROM saga_step WHERE instance = ?"  # noqa: S608 - the names of our own columns
_DUE = """
    SELECT s.instance, s.name FROM saga_step s JOIN saga_instance i ON i.id = s.instance
    WHERE s.due_s IS NOT NULL AND (s.due_s <= ? OR (s.due_s > ? AND s.state <> 'waiting')) AND s.kind IN ({kinds})
    ORDER BY s.rank LIMIT 1
"""
_UPDATE_INSTANCE = (
    f"UPDATE saga_instance SET {', '.join(f'{name} = ?' for name in CHANGING)} "  # noqa: S608 - the names of our own columns
    "WHERE id = ? AND revision = ?"
)
_UPDATE_STEP = f"UPDATE saga_step SET {', '.join(f'{name} = ?' for name in STEP[1:])} WHERE instance = ? AND name = ?"  # noqa: S608 - the names of our own columns
_INSERT_INSTANCE = f"INSERT INTO saga_instance ({', '.join(INSTANCE)}) VALUES ({', '.join('?' * len(INSTANCE))})"  # noqa: S608 - the names of our own columns
_INSERT_STEP = f"INSERT INTO saga_step (instance, kind, {', '.join(STEP)}) VALUES "  # noqa: S608 - the names of our own columns
_INSERT_EVENT = f"INSERT INTO saga_event ({', '.join(EVENT)}) VALUES "  # noqa: S608 - the names of our own columns
_WAKE = (
    "UPDATE saga_step SET due_s = 0 WHERE instance = ? AND name = ? "
    "AND (state = 'waiting' OR (state = 'compensation' AND worker IS NULL))"
)
_RENEW = "UPDATE saga_step SET due_s = ?, rank = ? WHERE instance = ? AND name = ? AND token = ? AND due_s IS NOT NULL"


def migrate(database: Database) -> None:
    """
    Bring the tables to the schema of this code.

    Raises:
        SchemaError: They are newer.
    """

    def work(transaction: Transaction) -> None:
        transaction.write(*database.alone)
        transaction.write(("CREATE TABLE IF NOT EXISTS saga_schema (version integer NOT NULL)", ()))
        [rows] = transaction.read(("SELECT max(version) FROM saga_schema", ()))
        found = rows[0][0] or 0
        statements = missing(found)
        transaction.write(*[(each.format_map(database.words), ()) for each in statements])
        if found < VERSION:
            transaction.write(("INSERT INTO saga_schema (version) VALUES (?)", (VERSION,)))

    database.run(work)


class Store:
    """Reads and writes sagas in transactions of one database."""

    def __init__(self, database: Database, definition: Callable[[str, int], Definition]) -> None:
        self.database, self._definition = database, definition
        self._find = f"{_FIND} {database.locking}"

    # -- reading

    def due(self, transaction: Transaction, kinds: Sequence[str], now_s: float) -> tuple[str, str] | None:
        """Return instance and name of the step that is the next to be taken, and lock both rows."""
        query = _DUE.replace("{kinds}", ", ".join("?" * len(kinds))) + self.database.skipping
        [rows] = transaction.read((query, (now_s, now_s + CLOCK_SLACK_S, *kinds)))
        return (rows[0][0], rows[0][1]) if rows else None

    def load(self, transaction: Transaction, saga: str, now_s: float, by: str = "", *, lock: bool = True) -> Saga:
        """
        Return a saga, and with *lock* let nobody else change it until the transaction ends.

        Raises:
            UnknownSagaError: There is none of that id.
        """
        found, steps = transaction.read((self._find if lock else _FIND, (saga,)), (_STEPS, (saga,)))
        if not found:
            raise UnknownSagaError(saga)
        instance = _instance(found[0])
        rows = {row[0]: _step(row) for row in steps}
        return Saga(instance, self._definition(instance.definition, instance.version), rows, now_s=now_s, by=by)

    def held(self, transaction: Transaction, worker: str) -> str | None:
        """Return the saga of which *worker* holds a step."""
        query = "SELECT instance FROM saga_step WHERE due_s IS NOT NULL AND worker = ? AND state <> 'pending' LIMIT 1"
        [rows] = transaction.read((query, (worker,)))
        return rows[0][0] if rows else None

    def exists(self, transaction: Transaction, saga: str) -> bool:
        """Tell whether there is an instance of that id."""
        [rows] = transaction.read(("SELECT 1 FROM saga_instance WHERE id = ?", (saga,)))
        return bool(rows)

    def children(self, transaction: Transaction, saga: str) -> list[str]:
        """Return the ids of the sub-sagas that *saga* has begun."""
        [rows] = transaction.read(("SELECT id FROM saga_instance WHERE parent = ?", (saga,)))
        return [each for (each,) in rows]

    # -- writing

    def save(self, transaction: Transaction, saga: Saga, *, wake: bool = True) -> list[SagaEvent]:
        """
        Write what was changed in *saga* and in its new children, and return what is to be told.

        Raises:
            ConflictError: It was not read in this transaction, and somebody else has changed it since.
        """
        if saga.is_new:
            transaction.write((_INSERT_INSTANCE, [getattr(saga.instance, name) for name in INSTANCE]))
        elif saga.instance_changed or saga.changed or saga.added or saga.events:
            self._count(transaction, saga)
        transaction.write(*self._statements(saga, wake))
        told = list(saga.events)
        for child in saga.children:
            told += self.save(transaction, child)
        return told

    def _count(self, transaction: Transaction, saga: Saga) -> None:
        """Write the instance, with a new revision."""
        instance = saga.instance
        before, instance.revision = instance.revision, instance.revision + 1
        change = _UPDATE_INSTANCE, [*(getattr(instance, name) for name in CHANGING), instance.id, before]
        if saga.remembered:
            transaction.guard(change)
        else:
            transaction.write(change)

    def _statements(self, saga: Saga, wake: bool) -> Iterator[Statement]:
        instance = saga.instance
        for step in saga.changed.values():
            yield _UPDATE_STEP, [*_values(step)[1:], instance.id, step.name]
        if saga.added:
            kind = saga.definition.kind
            yield _many(_INSERT_STEP, [(instance.id, kind, *_values(each)) for each in saga.added.values()])
        if saga.events:
            yield _many(_INSERT_EVENT, [_told(each) for each in saga.events])
        if wake and instance.parent is not None and instance.state in ENDED:
            yield _WAKE, (instance.parent, instance.parent_step)

    def renew(self, transaction: Transaction, saga: str, step: str, token: int, until_s: float) -> bool:
        """Let the lease of a step last until *until_s*; tell whether it still belonged to the holder of *token*."""
        return transaction.change((_RENEW, (until_s, until_s, saga, step, token))) == 1


def _values(step: StepRow) -> tuple[Any, ...]:
    return (
        step.name, step.state, step.attempt, step.takeovers, step.token, step.worker, step.due_s, step.rank,
        step.result, step.error, step.seq, step.undoing,
    )  # fmt: skip


def _told(event: SagaEvent) -> tuple[Any, ...]:
    return (
        event.saga, event.what, event.step, event.attempt, event.definition, event.at_s, event.worker,
        json.dumps(event.detail) if event.detail else "{}",
    )  # fmt: skip


def _many(insert: str, rows: list[tuple[Any, ...]]) -> Statement:
    """Return one statement that inserts all *rows*."""
    marks = f"({', '.join('?' * len(rows[0]))})"
    return insert + ", ".join([marks] * len(rows)), [value for row in rows for value in row]


def _instance(row: Sequence[Any]) -> Instance:
    values = dict(zip(INSTANCE, row, strict=True))
    values.update(
        state=SagaState(values["state"]),
        ending=None if values["ending"] is None else SagaState(values["ending"]),
        pauses=bool(values["pauses"]),
        rolling=bool(values["rolling"]),
    )
    return Instance(**values)


def _step(row: Sequence[Any]) -> StepRow:
    step = StepRow(*row)
    step.state, step.undoing = StepState(step.state), bool(step.undoing)
    return step


def events(rows: Iterable[Sequence[Any]]) -> Iterator[SagaEvent]:
    """Return rows of the events as events."""
    for saga, what, step, attempt, definition, at_s, worker, detail in rows:
        yield SagaEvent(
            saga, what, step, attempt=attempt, definition=definition, at_s=at_s, worker=worker,
            detail=json.loads(detail),
        )  # fmt: skip


PAGE: Final = 2000
"""So many events are read at once."""


def history(database: Database, saga: str | None = None) -> Iterator[SagaEvent]:
    """Yield the events of one saga, or of all, in order."""
    last = 0
    which, given = ("", ()) if saga is None else ("AND saga = ? ", (saga,))
    query = f"SELECT id, {', '.join(EVENT)} FROM saga_event WHERE id > ? {which}ORDER BY id LIMIT {PAGE}"  # noqa: S608 - the names of our own columns

    while True:
        parameters: tuple[Any, ...] = (last, *given)
        [rows] = database.run(partial(_read, (query, parameters)))
        if not rows:
            return
        last = rows[-1][0]
        yield from events(row[1:] for row in rows)


def count(database: Database) -> dict[SagaState, int]:
    """Return how many sagas are in each state."""
    query = "SELECT state, count(*) FROM saga_instance GROUP BY state"
    [rows] = database.run(partial(_read, (query, ())))
    return {SagaState(state): number for state, number in rows}


def _read(statement: Statement, transaction: Transaction) -> list[Rows]:
    return transaction.read(statement)
