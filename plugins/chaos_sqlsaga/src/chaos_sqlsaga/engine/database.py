"""What the engine asks of a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")

Statement = tuple[str, Sequence[Any]]
"""SQL with ``?`` for each parameter, and the parameters."""

Rows = list[tuple[Any, ...]]


class Transaction(Protocol):
    """A transaction that is open."""

    def read(self, *statements: Statement) -> list[Rows]:
        """Execute queries and return the rows of each."""
        ...

    def write(self, *statements: Statement) -> None:
        """Execute statements before the transaction is committed; what they raise may come only then."""
        ...

    def guard(self, change: Statement) -> None:
        """
        Execute *change* under the condition that it changes a row.

        Raises:
            ConflictError: It changed none; at the latest with the commit, which then does not happen.
        """
        ...

    def change(self, statement: Statement) -> int:
        """Execute one statement and return how many rows it changed."""
        ...


class Database(Protocol):
    """
    Runs transactions, each within a deadline.

    Attributes:
        name: What errors call it, without a password.
        locking: What a query ends with that locks its rows.
        skipping: The same, for the query of steps that are due, which skips rows that others have locked.
        alone: What a transaction begins with that nobody else may be in at the same time.
        words: Maps names in the schema to what this database says for it.
    """

    name: str
    locking: str
    skipping: str

    @property
    def alone(self) -> Sequence[Statement]: ...

    @property
    def words(self) -> Mapping[str, str]: ...

    def run(self, work: Callable[[Transaction], _T]) -> _T:
        """
        Run *work* in a transaction and commit it.

        Raises:
            BusyError: Nothing was done, because of another transaction.
            DeadlineError: It took too long; whether it was committed is not known.
            DatabaseError: The database said no, or is not there; whether it was committed is not known.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
