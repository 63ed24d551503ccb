"""Rows that say something else than they did."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, ClassVar, Final

import attrs

from chaos_sqlsaga.engine.database import Database
from chaos_sqlsaga.engine.databases import open_database
from chaos_sqlsaga.errors import NoRowError, SecretError
from chaos_sqlsaga.parameters import is_count, is_optional_text
from chaoscore import Evidence, Site, Undo

LIMIT_S: Final = 10.0
"""Seconds that a look at the database or a change may take."""

MOST_ROWS: Final = 1_000
"""Rows among which one is chosen."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"://[^:/@]*:[^@/]*@|password", re.IGNORECASE)

Args = Mapping[str, Any]


def _is_word(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError(f"{attribute.alias} is the name of a table or a column, not {value!r}")


def _words(value: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(value)


def _are_words(_: object, attribute: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    if not value or not all(isinstance(each, str) and _WORD.fullmatch(each) for each in value):
        raise ValueError(f"{attribute.alias} are the names of the columns that tell rows apart, not {value!r}")


def _is_dsn(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.alias} is the path of an SQLite file, or PostgreSQL's words, not {value!r}")
    if _SECRET.search(value):
        raise SecretError(attribute.alias or "dsn")


@attrs.frozen
class Corrupt:
    """
    Let rows say something else, and put back what they said when the fault is lifted.

    What a row said is in the journal before it is changed, so that `chaoscore recover` can put it back, too. It is put
    back only where the row still says what the fault made it say: what others wrote since stays.

    Attributes:
        dsn: The database: the path of an SQLite file, or ``host=... dbname=...`` without a password.
        to: What the column is made to say: text, a number, true, false, or null.
        table: Which table.
        column: Which column.
        key: The columns that tell the rows apart.
        where: SQL for the rows among which is chosen; by default those whose column says something else.
        count: How many rows.
    """

    kind: ClassVar[str] = "saga.corrupt_row"
    undo: ClassVar[Undo] = Undo.JOURNAL

    dsn: str = attrs.field(validator=_is_dsn, repr=False)
    to: str | int | float | bool | None = attrs.field(default="failed", kw_only=True)
    table: str = attrs.field(default="saga_step", validator=_is_word, kw_only=True)
    column: str = attrs.field(default="state", validator=_is_word, kw_only=True)
    key: str | Sequence[str] = attrs.field(
        default=("instance", "name"), converter=_words, validator=_are_words, kw_only=True
    )
    where: str | None = attrs.field(default=None, validator=is_optional_text, kw_only=True)
    count: int = attrs.field(default=1, validator=is_count, kw_only=True)

    @contextmanager
    def open(self, site: Site) -> Iterator[Corrupted]:
        """
        Change the rows, and put them back on exit.

        Raises:
            NoRowError: There is none that could be changed.
        """
        with closing(open_database(self.dsn, limit_s=LIMIT_S)) as database:
            chosen = self._choose(database, site)
        corrupted = Corrupted()
        with ExitStack() as lifting:
            for args in chosen:
                row = shown(args)
                manual = f"let {args['column']} of {row} be {args['before']!r} again"
                lifting.enter_context(site.undoing(self.kind, args, target=row, manual=manual, survives_boot=True))
                if replace(args, args["before"], args["after"]):
                    corrupted.rows.append(row)
                    site.landed(self.kind, row, f"{args['before']!r} became {args['after']!r}")
            yield corrupted

    def _choose(self, database: Database, site: Site) -> Sequence[Args]:
        columns = ", ".join([*self.key, self.column])
        where = self.where or f"{self.column} IS NULL OR {self.column} <> ?"
        given = () if self.where else (self.to,)
        order = ", ".join(self.key)
        query = f"SELECT {columns} FROM {self.table} WHERE {where} ORDER BY {order} LIMIT {MOST_ROWS}"  # noqa: S608 - names are checked, `where` is the author's own
        [rows] = database.run(lambda transaction: transaction.read((query, given)))
        if not rows:
            raise NoRowError(self.table, where)
        return [self._args(row) for row in site.choose(rows, count=min(self.count, len(rows)))]

    def _args(self, row: Sequence[Any]) -> Args:
        return {
            "dsn": self.dsn, "table": self.table, "key": dict(zip(self.key, row[:-1], strict=True)),
            "column": self.column, "before": row[-1], "after": self.to,
        }  # fmt: skip


class Corrupted:
    """
    Open corruptions.

    Attributes:
        rows: Those that were changed, in words.
    """

    def __init__(self) -> None:
        self.rows: list[str] = []

    def evidence(self) -> Evidence:
        """Return how many rows the database says were changed, and which."""
        return Evidence(fired=len(self.rows), detail={"rows": self.rows[:10]})


class PutBack:
    """The undo action of `Corrupt`."""

    def undo(self, args: Args) -> str:
        """Let the row say what it said, unless it says something else than the fault made it say."""
        if replace(args, args["after"], args["before"]):
            return f"{shown(args)} says {args['before']!r} again"
        return f"{shown(args)} is gone, or somebody has changed it since"

    def in_effect(self, args: Args) -> bool:
        """Tell whether the row says what the fault made it say."""
        where, given = _row(args, args["after"])
        query = f"SELECT 1 FROM {args['table']} WHERE {where}"  # noqa: S608 - names are checked
        with closing(open_database(args["dsn"], limit_s=LIMIT_S)) as database:
            [rows] = database.run(lambda transaction: transaction.read((query, given)))
        return bool(rows)


def replace(args: Args, old: Any, new: Any) -> bool:
    """Let the column of the row say *new* where it says *old*; tell whether it did."""
    where, given = _row(args, old)
    change = f"UPDATE {args['table']} SET {args['column']} = ? WHERE {where}"  # noqa: S608 - names are checked
    with closing(open_database(args["dsn"], limit_s=LIMIT_S)) as database:
        return database.run(lambda transaction: transaction.change((change, (new, *given)))) == 1


def shown(args: Args) -> str:
    """Return which row it is, in words."""
    return f"{args['table']} {'/'.join(map(str, args['key'].values()))}"


def _row(args: Args, value: Any) -> tuple[str, list[Any]]:
    """Return the condition that the row is there and says *value*, and what stands for its marks."""
    for name in (args["table"], args["column"], *args["key"]):
        if not _WORD.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a table or a column")
    conditions = [f"{name} = ?" for name in args["key"]]
    given = list(args["key"].values())
    if value is None:
        return " AND ".join([*conditions, f"{args['column']} IS NULL"]), given
    return " AND ".join([*conditions, f"{args['column']} = ?"]), [*given, value]
