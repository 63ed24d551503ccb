"""What can go wrong between this plugin and a database."""

from __future__ import annotations

from chaoscore import ChaosError


class SqlError(ChaosError):
    """Root of this plugin's errors."""


class MissingDriverError(SqlError, ImportError):
    """The driver of a database is not installed."""

    def __init__(self, database: str, driver: str, extra: str) -> None:
        super().__init__(f'{database} needs {driver}; run `pip install "chaos-sql[{extra}]"`')


class NoBystandersError(SqlError, ValueError):
    """Nothing tells the connections under test from those of bystanders."""

    def __init__(self) -> None:
        super().__init__(
            "sql.kill only ends connections of one application name, and has none; "
            "put application_name=... into the dsn that the system under test uses, or pass application_name="
        )


class NotRowsError(SqlError, ValueError):
    """The statement of a check returns no rows, so it can find nothing."""

    def __init__(self, query: str) -> None:
        super().__init__(f"a check selects the rows that must not be there; this returns none at all: {query}")


class MessageError(SqlError, LookupError):
    """The message of a check names a column that its query does not return."""

    def __init__(self, message: str, problem: str, columns: list[str]) -> None:
        shown = ", ".join(f"{{{number}}} or {{{name}}}" for number, name in enumerate(columns))
        super().__init__(f"message {message!r} cannot be filled: {problem}; the columns are {shown}")
