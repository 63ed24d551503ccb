"""What can go wrong between this plugin and the sagas that it judges."""

from __future__ import annotations

from chaoscore import ChaosError


class SagaChaosError(ChaosError):
    """Root of the errors of faults and validators."""


class NoHistoryError(SagaChaosError, LookupError):
    """Nobody told of any saga, so nothing can be said of them."""

    def __init__(self, expectation: str) -> None:
        super().__init__(
            f"validator {expectation!r} was told of no saga; call record_saga_event(...) where your engine has "
            "committed, or pass history=, a function of the target that returns the events"
        )


class ColumnsError(SagaChaosError, LookupError):
    """A query does not return the columns that events are made of."""

    def __init__(self, query: str, missing: str, found: list[str]) -> None:
        super().__init__(
            f"the query has no column {missing!r}; it returns {', '.join(found) or 'none'}; name its columns as the "
            f"fields of SagaEvent, as in `SELECT order_id AS saga`: {query}"
        )


class WordError(SagaChaosError, ValueError):
    """A row says something that stands for no event."""

    def __init__(self, word: object, known: list[str]) -> None:
        super().__init__(
            f"what = {word!r} stands for no event; say in words= what it means, one of {', '.join(known)}, "
            "or None for rows to leave out"
        )


class NoRowError(SagaChaosError, LookupError):
    """There is no row that could be corrupted."""

    def __init__(self, table: str, where: str) -> None:
        super().__init__(
            f"saga.corrupt_row found no row in {table} where {where}; open it when there are some, with "
            "window(start=...), or choose others with where="
        )


class SecretError(SagaChaosError, ValueError):
    """A password would be written into the journal."""

    def __init__(self, parameter: str) -> None:
        super().__init__(
            f"{parameter} has a password in it, and the journal of what must be undone is a file; "
            "keep it in ~/.pgpass or in $PGPASSWORD, and write the dsn without it"
        )


class NoMortalsError(SagaChaosError, LookupError):
    """No worker process listens to who shall die."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"saga.kill_worker finds no folder {folder!r}; let the worker processes run "
            "`mortal(definitions, folder)` with the same one"
        )
