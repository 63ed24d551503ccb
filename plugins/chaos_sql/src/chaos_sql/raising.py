"""Statements and commits that fail."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal, get_args

import attrs

from chaos_sql.parameters import is_count, is_flag, is_glob
from chaos_sql.statements import matches, shown, strikes
from chaos_sql.transactions import error_type
from chaoscore import Ask, Raise, Undo, probability

ErrorName = Literal[
    "Error",
    "InterfaceError",
    "DatabaseError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
]
"""The exceptions that every driver has (PEP 249)."""


def _check_type(_: object, __: object, value: object) -> None:
    if value not in get_args(ErrorName):
        raise ValueError(
            f"type is one of {', '.join(get_args(ErrorName))}, not {value!r}; for others, use `error` at 'sql.execute'"
        )


@attrs.frozen
class StatementError:
    """
    Let statements fail with an exception of the connection's own driver.

    Attributes:
        type: Which exception: ``"OperationalError"`` is `sqlite3.OperationalError` on a connection of sqlite3.
        nth: Only the n-th matching statement of an iteration, from 1; None: any of them.
        probability: Chance that a statement fails, 0 to 1.
        matching: Glob that the statement must match, such as ``"UPDATE jobs *"``; case and spacing do not count.
        executed: Whether it was executed, and only the reply is lost.
    """

    kind: ClassVar[str] = "sql.error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    type: ErrorName = attrs.field(default="OperationalError", validator=_check_type)
    nth: int | None = attrs.field(default=None, validator=is_count, kw_only=True)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    matching: str = attrs.field(default="*", validator=is_glob, kw_only=True)
    executed: bool = attrs.field(default=False, validator=is_flag, kw_only=True)

    @property
    def at(self) -> str:
        """Return the glob of its points."""
        return "*.executed" if self.executed else "*.execute"

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a statement that matches."""
        if not matches(ask, self.matching) or not strikes(self, ask):
            return None
        return _raise(ask, self.type, "executed, but the reply is lost" if self.executed else "not executed")


@attrs.frozen
class CommitError:
    """
    Let commits fail with an exception of the connection's own driver.

    Attributes:
        committed: Whether the transaction was committed, and only the reply is lost; otherwise it is rolled back.
        type: Which exception: ``"OperationalError"`` is `sqlite3.OperationalError` on a connection of sqlite3.
        nth: Only the n-th commit of an iteration, from 1; None: any of them.
        probability: Chance that a commit fails, 0 to 1.
    """

    kind: ClassVar[str] = "sql.commit_error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    committed: bool = attrs.field(default=False, validator=is_flag)
    type: ErrorName = attrs.field(default="OperationalError", validator=_check_type, kw_only=True)
    nth: int | None = attrs.field(default=None, validator=is_count, kw_only=True)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)

    @property
    def at(self) -> str:
        """Return the glob of its points."""
        return "*.committed" if self.committed else "*.commit"

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a commit."""
        if not matches(ask, "*") or not strikes(self, ask):
            return None
        return _raise(
            ask, self.type, "committed, but the reply is lost" if self.committed else "rolled back, not committed"
        )


def _raise(ask: Ask, name: str, what: str) -> Raise:
    error = error_type(ask.tags.get("connection"), name)
    return Raise(partial(error, f"injected: {what}: {shown(ask)}"))
