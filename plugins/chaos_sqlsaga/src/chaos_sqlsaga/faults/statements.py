"""Statements, commits and connections of the engine that fail or are slow."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from fnmatch import translate
from functools import lru_cache, partial
from typing import Any, ClassVar

import attrs

from chaos_sqlsaga.engine.errors import DatabaseError
from chaos_sqlsaga.parameters import is_count, is_flag, is_glob
from chaoscore import Ask, Delay, Fault, Raise, Strike, Undo, optional_seconds, probability, seconds

SHOWN_CHARS = 60


@lru_cache(maxsize=100)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(" ".join(glob.split())), re.IGNORECASE)


def _statement(ask: Ask) -> str | None:
    """Return the statement that *ask* is about, on one line; None where it is about none."""
    statement = ask.tags.get("statement")
    return " ".join(statement.split()) if isinstance(statement, str) else None


def _matches(ask: Ask, glob: str) -> bool:
    statement = _statement(ask)
    return statement is not None and (glob == "*" or _pattern(glob).match(statement) is not None)


def _strikes(fault: Any, ask: Ask) -> bool:
    if fault.nth is not None and ask.count(id(fault)) != fault.nth:
        return False
    return ask.chance(fault.probability)


def _fails(ask: Ask, what: str) -> Raise:
    text = _statement(ask) or ""
    shown = text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 3]}..."
    return Raise(partial(DatabaseError, f"injected: {what}: {shown}"))


@attrs.frozen(kw_only=True)
class StatementError:
    """
    Let statements of the engine fail.

    Attributes:
        nth: Only the n-th matching statement of a worker, from 1; None: any of them.
        probability: Chance that a statement fails, 0 to 1.
        matching: Glob that the statement must match, such as ``"UPDATE saga_step *"``; case and spacing do not count.
        executed: Whether it was executed, and only the reply is lost; the transaction is rolled back all the same.
    """

    kind: ClassVar[str] = "saga.statement_error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    nth: int | None = attrs.field(default=None, validator=is_count)
    probability: float = attrs.field(default=1.0, converter=probability)
    matching: str = attrs.field(default="*", validator=is_glob)
    executed: bool = attrs.field(default=False, validator=is_flag)

    @property
    def at(self) -> str:
        """Return the name of its points."""
        return "saga.executed" if self.executed else "saga.statement"

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a statement that matches."""
        if not _matches(ask, self.matching) or not _strikes(self, ask):
            return None
        return _fails(ask, "executed, but the reply is lost" if self.executed else "not executed")


@attrs.frozen
class CommitError:
    """
    Let commits of the engine fail.

    Attributes:
        committed: Whether the transaction was committed, and only the reply is lost; otherwise it is rolled back.
        nth: Only the n-th commit of a worker, from 1; None: any of them.
        probability: Chance that a commit fails, 0 to 1.
    """

    kind: ClassVar[str] = "saga.commit_error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    committed: bool = attrs.field(default=False, validator=is_flag)
    nth: int | None = attrs.field(default=None, validator=is_count, kw_only=True)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)

    @property
    def at(self) -> str:
        """Return the name of its points."""
        return "saga.committed" if self.committed else "saga.commit"

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a commit."""
        if _statement(ask) is None or not _strikes(self, ask):
            return None
        return _fails(ask, "committed, but the reply is lost" if self.committed else "rolled back, not committed")


@attrs.frozen
class SlowStatement:
    """
    Hold statements of the engine up for a time between *low* and *high* before they are executed.

    Attributes:
        low_s: Shortest delay, seconds.
        high_s: Longest delay, seconds; the same as the shortest by default.
        probability: Chance that a statement is held up, 0 to 1.
        matching: Glob that the statement must match; case and spacing do not count.
    """

    kind: ClassVar[str] = "saga.slow_statement"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})
    at: ClassVar[str] = "saga.statement"

    low_s: float = attrs.field(converter=seconds, alias="low")
    high_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="high")
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    matching: str = attrs.field(default="*", validator=is_glob, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high_s is not None and self.high_s < self.low_s:
            raise ValueError(f"high ({self.high_s:g} s) must not be below low ({self.low_s:g} s)")

    def answer(self, ask: Ask) -> Delay | None:
        """Return a delay for a statement that matches, with the given probability."""
        if not _matches(ask, self.matching) or not ask.chance(self.probability):
            return None
        return Delay(ask.between(self.low_s, self.low_s if self.high_s is None else self.high_s))


@attrs.frozen(kw_only=True)
class Sever:
    """
    Cut the engine's connection to a PostgreSQL server, under a statement or a commit.

    The socket is shut down in both directions, so that neither side hears of the other again; the server ends the
    transaction. SQLite has no connection to cut: nothing lands there.

    Attributes:
        nth: Only at the n-th statement of a worker, from 1; None: any of them.
        probability: Chance that a statement loses its connection, 0 to 1.
        executed: Whether the statement was executed before; otherwise it never arrives.
    """

    kind: ClassVar[str] = "saga.sever"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    nth: int | None = attrs.field(default=None, validator=is_count)
    probability: float = attrs.field(default=1.0, converter=probability)
    executed: bool = attrs.field(default=False, validator=is_flag)

    @property
    def at(self) -> str:
        """Return the name of its points."""
        return "saga.executed" if self.executed else "saga.statement"

    def answer(self, ask: Ask) -> Cut | None:
        """Return the cut for a connection that has a socket."""
        connection = ask.tags.get("connection")
        if not callable(getattr(connection, "fileno", None)) or not _strikes(self, ask):
            return None
        return Cut(connection)


@attrs.frozen
class Cut(Fault):
    """Shut the socket of *connection* down."""

    connection: Any

    kind = "sever"

    def apply(self, strike: Strike) -> None:
        """Shut it down; what uses it next gets the driver's own error."""
        with suppress(OSError), socket.socket(fileno=os.dup(self.connection.fileno())) as copy:
            copy.shutdown(socket.SHUT_RDWR)
