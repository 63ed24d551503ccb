"""A check in the user's own SQL: the rows that it selects must not be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar

import attrs

from chaos_sql.databases import Dsn, answering, optional_dsn, reader
from chaos_sql.errors import MessageError, NotRowsError
from chaos_sql.parameters import is_count, is_name, is_text
from chaoscore import Duration, Moment, Scene, Severity, Violation, optional_seconds

VALUE_CHARS = 200


def _severity(value: Severity | str) -> Severity:
    known = [str(each) for each in Severity]
    if value not in known:
        raise ValueError(f"severity is one of {', '.join(known)}, not {value!r}")
    return Severity(value)


def _interval(value: Duration | None) -> float | None:
    every_s = optional_seconds(value)
    if every_s is not None and every_s <= 0:
        raise ValueError("every must be more than 0 s")
    return every_s


@attrs.frozen
class Consistent:
    """
    Run a query that selects what must not be; every row is a finding.

    Attributes:
        query: Selects the rows that must not be there.
        message: What is wrong with a row, its columns by number or name: ``"job {0} claimed by {bots} bots"``.
        dsn: The database: ``postgresql://...``, ``host=... dbname=...`` or the path of an SQLite file; it is only read.
        connect: Instead of *dsn*, a function of the target that returns a new connection, closed after each check.
        every_s: Seconds between two checks while the workload runs; None: only when all faults are lifted.
        most: Findings for one check; further rows are only counted.
        severity: What a finding weighs: ``"critical"``, ``"warning"`` or ``"info"``.
    """

    kind: ClassVar[str] = "sql.consistent"

    query: str = attrs.field(validator=is_text)
    message: str | None = attrs.field(default=None, validator=is_name)
    dsn: Dsn | None = attrs.field(default=None, converter=optional_dsn, kw_only=True)
    connect: Callable[[Any], Any] | None = attrs.field(default=None, kw_only=True)
    every_s: float | None = attrs.field(default=None, converter=_interval, alias="every", kw_only=True)
    most: int = attrs.field(default=20, validator=is_count, kw_only=True)
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=_severity, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if (self.dsn is None) == (self.connect is None):
            raise ValueError("sql.consistent needs dsn= or connect=, and not both, to reach the database")
        if self.connect is not None and not callable(self.connect):
            raise TypeError(f"connect is a function of the target that returns a connection, not {self.connect!r}")

    def examine(self) -> str:
        """Ask the database whether it answers, where it is known before the target is set up."""
        return "its connections are the target's" if self.dsn is None else answering(self.dsn)

    def start(self, scene: Scene) -> Consistency:
        """Return a checker for one run."""
        return Consistency(self, scene)


class Consistency:
    """Runs the query against one target."""

    def __init__(self, consistent: Consistent, scene: Scene) -> None:
        self._consistent, self._target = consistent, scene.target
        during = frozenset[Moment]() if consistent.every_s is None else frozenset({Moment.DURING})
        self.moments = frozenset({Moment.AFTER}) | during
        self.every_s = consistent.every_s or 1.0

    def check(self, moment: Moment) -> list[Violation]:
        """Return a violation for every row."""
        with closing(self._connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(self._consistent.query)
            if cursor.description is None:
                raise NotRowsError(self._consistent.query)
            columns = [str(each[0]) for each in cursor.description]
            return list(self._violations(columns, cursor))

    def _connection(self) -> Any:
        if self._consistent.connect is not None:
            return self._consistent.connect(self._target)
        assert self._consistent.dsn is not None
        return reader(self._consistent.dsn)

    def _violations(self, columns: list[str], cursor: Any) -> Iterator[Violation]:
        rows = cursor.fetchmany(self._consistent.most)
        for row in rows:
            values = [_bounded(value) for value in _values(row)]
            yield Violation(
                _message(self._consistent.message, columns, values), data=dict(zip(columns, values, strict=True))
            )
        more = sum(1 for _ in iter(cursor.fetchone, None))
        if more:
            yield Violation(f"... and {more} more rows, {len(rows) + more} in all", data={"rows": len(rows) + more})


def _values(row: Mapping[str, Any] | Sequence[Any]) -> Sequence[Any]:
    return list(row.values()) if isinstance(row, Mapping) else list(row)


def _bounded(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return text if len(text) <= VALUE_CHARS else f"{text[: VALUE_CHARS - 3]}..."


def _message(template: str | None, columns: list[str], values: list[object]) -> str:
    if template is None:
        return ", ".join(f"{name}={value!r}" for name, value in zip(columns, values, strict=True))
    try:
        return template.format(*values, **dict(zip(columns, values, strict=True)))
    except (IndexError, KeyError, ValueError, AttributeError) as error:
        raise MessageError(template, f"{type(error).__name__}: {error}", columns) from error
