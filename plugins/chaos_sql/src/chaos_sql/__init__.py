"""
Faults and checks of SQL databases.

`wrap` a DB-API 2 connection once, and its statements and commits are points at which faults can strike.
"""

from chaos_sql.connections import wrap
from chaos_sql.consistency import Consistent as consistent
from chaos_sql.delays import StatementDelay as delay
from chaos_sql.errors import MissingDriverError, NoBystandersError, SqlError
from chaos_sql.killing import Kill as kill
from chaos_sql.raising import CommitError as commit_error
from chaos_sql.raising import StatementError as error

__version__ = "0.1.0"

__all__ = [
    "MissingDriverError",
    "NoBystandersError",
    "SqlError",
    "commit_error",
    "consistent",
    "delay",
    "error",
    "kill",
    "wrap",
]
