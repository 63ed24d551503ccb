"""
A SQL saga engine as target, faults aimed at sagas, and checkers for any saga system.

`chaos_sqlsaga.engine` runs sagas, `chaos_sqlsaga.checkers` judges their histories, and what stands here breaks and
judges them in scenarios. Names are loaded when they are first used: an engine that only tells what happens, with
`record_saga_event`, pays for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos_sqlsaga.bookkeeping import books, unfinished
    from chaos_sqlsaga.checkers.consistency import Book
    from chaos_sqlsaga.database_checks import Consistent, QueueEmpty
    from chaos_sqlsaga.errors import (
        ColumnsError,
        NoHistoryError,
        NoMortalsError,
        NoRowError,
        SagaChaosError,
        SecretError,
        WordError,
    )
    from chaos_sqlsaga.faults.calls import CompensationError, HandlerError, LeaseError
    from chaos_sqlsaga.faults.corrupting import Corrupt
    from chaos_sqlsaga.faults.killing import KillWorker, mortal
    from chaos_sqlsaga.faults.statements import CommitError, Sever, SlowStatement, StatementError
    from chaos_sqlsaga.history import SagaEvent, What, promises
    from chaos_sqlsaga.recording import observe, record_saga_event
    from chaos_sqlsaga.tables import SqlHistory
    from chaos_sqlsaga.tail import Tail
    from chaos_sqlsaga.validators import (
        Calls,
        Ends,
        ForwardOnly,
        Invariants,
        Mirrors,
        Once,
        Progress,
        RollbackDepth,
    )

    calls, ends, forward, invariants, mirrors = Calls, Ends, ForwardOnly, Invariants, Mirrors
    once, progress, rollback_depth = Once, Progress, RollbackDepth
    consistent, queue_empty, sql_history = Consistent, QueueEmpty, SqlHistory
    commit_error, compensation_error, corrupt_row = CommitError, CompensationError, Corrupt
    handler_error, kill_worker, lease_error = HandlerError, KillWorker, LeaseError
    sever, slow_statement, statement_error = Sever, SlowStatement, StatementError

__version__ = "0.1.0"

_HOME = {
    "Book": "checkers.consistency.Book",
    "ColumnsError": "errors.ColumnsError",
    "NoHistoryError": "errors.NoHistoryError",
    "NoMortalsError": "errors.NoMortalsError",
    "NoRowError": "errors.NoRowError",
    "SagaChaosError": "errors.SagaChaosError",
    "SagaEvent": "history.SagaEvent",
    "SecretError": "errors.SecretError",
    "Tail": "tail.Tail",
    "What": "history.What",
    "WordError": "errors.WordError",
    "books": "bookkeeping.books",
    "calls": "validators.Calls",
    "commit_error": "faults.statements.CommitError",
    "compensation_error": "faults.calls.CompensationError",
    "consistent": "database_checks.Consistent",
    "corrupt_row": "faults.corrupting.Corrupt",
    "ends": "validators.Ends",
    "forward": "validators.ForwardOnly",
    "handler_error": "faults.calls.HandlerError",
    "invariants": "validators.Invariants",
    "kill_worker": "faults.killing.KillWorker",
    "lease_error": "faults.calls.LeaseError",
    "mirrors": "validators.Mirrors",
    "mortal": "faults.killing.mortal",
    "observe": "recording.observe",
    "once": "validators.Once",
    "progress": "validators.Progress",
    "promises": "history.promises",
    "queue_empty": "database_checks.QueueEmpty",
    "record_saga_event": "recording.record_saga_event",
    "rollback_depth": "validators.RollbackDepth",
    "sever": "faults.statements.Sever",
    "slow_statement": "faults.statements.SlowStatement",
    "sql_history": "tables.SqlHistory",
    "statement_error": "faults.statements.StatementError",
    "unfinished": "bookkeeping.unfinished",
}

__all__ = [
    "Book",
    "ColumnsError",
    "NoHistoryError",
    "NoMortalsError",
    "NoRowError",
    "SagaChaosError",
    "SagaEvent",
    "SecretError",
    "Tail",
    "What",
    "WordError",
    "books",
    "calls",
    "commit_error",
    "compensation_error",
    "consistent",
    "corrupt_row",
    "ends",
    "forward",
    "handler_error",
    "invariants",
    "kill_worker",
    "lease_error",
    "mirrors",
    "mortal",
    "observe",
    "once",
    "progress",
    "promises",
    "queue_empty",
    "record_saga_event",
    "rollback_depth",
    "sever",
    "slow_statement",
    "sql_history",
    "statement_error",
    "unfinished",
]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'chaos_sqlsaga' has no attribute {name!r}")
    module, _, attribute = _HOME[name].rpartition(".")
    value = globals()[name] = getattr(import_module(f"chaos_sqlsaga.{module}"), attribute)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
