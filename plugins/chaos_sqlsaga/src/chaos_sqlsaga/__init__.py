"""
A SQL saga engine as target, faults aimed at sagas, and checkers for any saga system.

`chaos_sqlsaga.engine` runs sagas, `chaos_sqlsaga.checkers` judges their histories, and what stands here breaks and
judges them in scenarios.
"""

from chaos_sqlsaga.books import books, unfinished
from chaos_sqlsaga.checkers.consistency import Book
from chaos_sqlsaga.database_checks import Consistent as consistent
from chaos_sqlsaga.database_checks import QueueEmpty as queue_empty
from chaos_sqlsaga.errors import ColumnsError, NoHistoryError, SagaChaosError, WordError
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
    "SagaChaosError",
    "SagaEvent",
    "What",
    "WordError",
    "books",
    "calls",
    "consistent",
    "ends",
    "forward",
    "invariants",
    "mirrors",
    "observe",
    "once",
    "progress",
    "promises",
    "queue_empty",
    "record_saga_event",
    "rollback_depth",
    "sql_history",
    "unfinished",
]
