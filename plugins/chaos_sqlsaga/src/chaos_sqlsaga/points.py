"""
Where faults can strike in the engine: points of the component ``saga``, for any injector of the core as well.

Those around calls carry ``saga``, ``definition``, ``step``, ``attempt`` and ``worker``; the code that visits them is in
the transaction of nobody. Those of the database carry ``statement`` (its text) and ``connection`` (the driver's own).
What is raised at `COMMIT` is a commit that failed: whoever commits rolls back and passes it on.
"""

from __future__ import annotations

from typing import Final

COMPONENT: Final = "saga"

HANDLER: Final = "saga.handler"
"""Before a handler is called: what is raised here is a handler that fails."""
HANDLED: Final = "saga.handled"
"""After a handler has returned and before its result is committed: its effect is there, and nobody knows."""
COMPENSATION: Final = "saga.compensation"
"""Before a compensation is called."""
UNDONE: Final = "saga.undone"
"""After a compensation has returned and before that is committed."""
RENEWAL: Final = "saga.renewal"
"""Before a worker extends its lease."""

EXECUTE: Final = "saga.execute"
"""Before a statement is executed."""
EXECUTED: Final = "saga.executed"
"""After it was; its reply can still be lost."""
COMMIT: Final = "saga.commit"
"""Before a transaction is committed."""
COMMITTED: Final = "saga.committed"
"""After it was; its reply can still be lost."""
