"""
A SQL saga engine as target, faults aimed at sagas, and checkers for any saga system.

`chaos_sqlsaga.engine` runs sagas, `chaos_sqlsaga.checkers` judges their histories, and what stands here breaks and
judges them in scenarios.
"""

from chaos_sqlsaga.books import books, unfinished
from chaos_sqlsaga.checkers.consistency import Book
from chaos_sqlsaga.database_checks import Consistent as consistent
from chaos_sqlsaga.database_checks import QueueEmpty as queue_empty
from chaos_sqlsaga.errors import (
    ColumnsError,
    NoHistoryError,
    NoMortalsError,
    NoRowError,
    SagaChaosError,
    SecretError,
    WordError,
)
from chaos_sqlsaga.faults.calls import CompensationError as compensation_error
from chaos_sqlsaga.faults.calls import HandlerError as handler_error
from chaos_sqlsaga.faults.calls import LeaseError as lease_error
from chaos_sqlsaga.faults.corrupting import Corrupt as corrupt_row
from chaos_sqlsaga.faults.killing import KillWorker as kill_worker
from chaos_sqlsaga.faults.killing import mortal
from chaos_sqlsaga.faults.statements import CommitError as commit_error
from chaos_sqlsaga.faults.statements import Sever as sever
from chaos_sqlsaga.faults.statements import SlowStatement as slow_statement
from chaos_sqlsaga.faults.statements import StatementError as statement_error
from chaos_sqlsaga.history import SagaEvent, What, promises
from chaos_sqlsaga.recording import observe, record_saga_event
from chaos_sqlsaga.sql_history import SqlHistory as sql_history
from chaos_sqlsaga.validators import Calls as calls
from chaos_sqlsaga.validators import Ends as ends
from chaos_sqlsaga.validators import ForwardOnly as forward
from chaos_sqlsaga.validators import Invariants as invariants
from chaos_sqlsaga.validators import Mirrors as mirrors
from chaos_sqlsaga.validators import Once as once
from chaos_sqlsaga.validators import Progress as progress
from chaos_sqlsaga.validators import RollbackDepth as rollback_depth

__version__ = "0.1.0"

__all__ = [
    "Book",
    "ColumnsError",
    "NoHistoryError",
    "NoMortalsError",
    "NoRowError",
    "SagaChaosError",
    "SagaEvent",
    "SecretError",
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
