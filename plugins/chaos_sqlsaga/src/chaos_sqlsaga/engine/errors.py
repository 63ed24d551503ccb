"""What can go wrong between the engine, its definitions and its database."""

from __future__ import annotations

from collections.abc import Iterable

from chaoscore import ChaosError


class SagaError(ChaosError):
    """Root of the engine's errors."""


# -- definitions


class DefinitionError(SagaError, ValueError):
    """A definition cannot be built."""

    def __init__(self, saga: str, problem: str, remedy: str) -> None:
        self.saga, self.problem, self.remedy = saga, problem, remedy
        super().__init__(f"saga {saga!r}: {problem}; {remedy}")


class CycleError(DefinitionError):
    """A saga contains itself."""


class UnknownHandlerError(DefinitionError, LookupError):
    """A step names a handler that is not there."""


class DuplicateStepError(DefinitionError):
    """Two steps of one saga have the same name."""


class EndlessJoinError(DefinitionError):
    """A join waits for what can never come."""


class UnknownDefinitionError(SagaError, LookupError):
    """The engine does not know a saga of that name or version."""

    def __init__(self, name: str, version: int | None, known: Iterable[str]) -> None:
        self.name, self.version = name, version
        which = name if version is None else f"{name}@{version}"
        super().__init__(f"no saga {which!r}; have {', '.join(sorted(known)) or 'none'}; pass it to Engine(...)")


# -- instances


class UnknownSagaError(SagaError, LookupError):
    """There is no instance of that id."""

    def __init__(self, saga: str) -> None:
        self.saga = saga
        super().__init__(f"no saga instance {saga!r} in this database; `Engine.start` returned the ids of those it has")


class StateError(SagaError, RuntimeError):
    """An instance or a step is not in the state in which this can be done to it."""

    def __init__(self, what: str, state: str, wanted: str, remedy: str) -> None:
        self.what, self.state, self.wanted = what, state, wanted
        super().__init__(f"{what} is {state}, not {wanted}; {remedy}")


class UnstorableError(SagaError, TypeError):
    """A value is not JSON."""

    def __init__(self, what: str, problem: object) -> None:
        self.what = what
        super().__init__(
            f"{what} cannot be stored: {problem}; return and pass what JSON knows: "
            "None, bool, int, finite float, str, list, and dict with str keys"
        )


class TooLargeError(SagaError, ValueError):
    """A value is larger than the engine stores."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        self.what, self.size, self.limit = what, size, limit
        super().__init__(
            f"{what} takes {size:,} bytes as JSON, and at most {limit:,} are stored; "
            "keep it elsewhere and store where, or raise Engine(value_bytes=...)"
        )


# -- databases


class DatabaseError(SagaError):
    """The database refused, or could not be reached."""


class UnreachableError(DatabaseError):
    """There is no connection to the database to be had."""


class BusyError(DatabaseError):
    """A transaction gave way to another, or lost its connection, and nothing of it was done: it may be tried again."""


class ConflictError(SagaError):
    """What was remembered of a saga is no longer so, and nothing was done: it has to be read again."""


class DeadlineError(DatabaseError, TimeoutError):
    """The database did not answer in time."""

    def __init__(self, where: str, limit_s: float, doing: str) -> None:
        self.where, self.limit_s = where, limit_s
        super().__init__(
            f"{where} did not answer within {limit_s:g} s ({doing}); see whether it can be reached, "
            "or allow more with Engine(query=...)"
        )


class SchemaError(DatabaseError):
    """The tables are not those of this engine."""

    def __init__(self, found: int, known: int) -> None:
        self.found, self.known = found, known
        super().__init__(
            f"the tables are of schema {found}, and this engine knows schemas up to {known}; "
            "migrations only go forward: upgrade chaos-sqlsaga"
        )


class MissingDriverError(SagaError, ImportError):
    """The driver of a database is not installed."""

    def __init__(self) -> None:
        super().__init__('PostgreSQL needs psycopg; run `pip install "chaos-sqlsaga[postgres]"`')
