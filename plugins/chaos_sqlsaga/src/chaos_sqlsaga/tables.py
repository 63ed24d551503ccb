"""Histories of other engines, read from their own tables by a query of yours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

import attrs

from chaos_sqlsaga.errors import ColumnsError, WordError
from chaos_sqlsaga.history import SagaEvent, What

BATCH: Final = 1_000
"""Rows that are read at once: histories may be larger than the memory."""

_NEEDED: Final = ("saga", "what")


@attrs.frozen
class SqlHistory:
    """
    A query as history: call it with the target.

    Attributes:
        query: Selects the events, in the order of each saga; its columns are named as the fields of `SagaEvent`:
            ``saga`` and ``what``, and where there are such, ``step``, ``attempt``, ``definition``, ``at_s``, ``worker``
            and ``detail`` (JSON).
        connect: A function of the target that returns a new DB-API 2 connection, which is closed after each reading.
        words: Maps your words for what happened to a `What`, or to None for rows to leave out; others are one already.
        steps: Maps definitions to what they promise of their steps, see `promises`.
    """

    query: str
    connect: Callable[[Any], Any]
    words: Mapping[Any, What | str | None] = attrs.field(factory=dict, kw_only=True)
    steps: Mapping[str, Mapping[str, Mapping[str, Any]]] = attrs.field(factory=dict, kw_only=True)

    def __call__(self, target: Any) -> Iterator[SagaEvent]:
        """
        Yield what happened, row by row.

        Raises:
            ColumnsError: The query does not return what events are made of.
            WordError: A row says something that stands for no event.
        """
        with closing(self.connect(target)) as connection:
            cursor = _cursor(connection)
            cursor.execute(self.query)
            columns = self._columns(cursor)
            while rows := cursor.fetchmany(BATCH):
                for row in rows:
                    values = row if isinstance(row, Mapping) else dict(zip(columns, row, strict=True))
                    if (event := self._event(values)) is not None:
                        yield event

    def _columns(self, cursor: Any) -> list[str]:
        columns = [str(each[0]) for each in cursor.description or ()]
        for name in _NEEDED:
            if name not in columns:
                raise ColumnsError(self.query, name, columns)
        return columns

    def _event(self, row: Mapping[str, Any]) -> SagaEvent | None:
        what = self._what(row["what"])
        if what is None:
            return None
        definition, detail = str(row.get("definition") or ""), _detail(row.get("detail"))
        if what is What.BEGAN and "steps" not in detail and definition in self.steps:
            detail["steps"] = self.steps[definition]
        step = row.get("step")
        return SagaEvent(
            str(row["saga"]), what, None if step is None else str(step), attempt=int(row.get("attempt") or 0),
            definition=definition, at_s=_seconds(row.get("at_s")), worker=str(row.get("worker") or ""), detail=detail,
        )  # fmt: skip

    def _what(self, word: object) -> What | None:
        meant = self.words.get(word, word)
        try:
            return None if meant is None else What(str(meant))
        except ValueError:
            raise WordError(word, [str(each) for each in What]) from None


def _cursor(connection: Any) -> Any:
    """Return a cursor that does not fetch everything at once: with psycopg that is one with a name."""
    return connection.cursor("saga_history") if "psycopg" in type(connection).__module__ else connection.cursor()


def _detail(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str | bytes) else value or {})


def _seconds(value: Any) -> float:
    """Return a time as seconds since 1970: numbers as they are, datetimes by what they stand for."""
    return float(value.timestamp() if hasattr(value, "timestamp") else value or 0.0)
