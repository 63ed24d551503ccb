"""A saga engine over SQL: small enough to read, and real enough to break."""

from chaos_sqlsaga.engine.builder import Builder, branch, saga, step
from chaos_sqlsaga.engine.claiming import Rules
from chaos_sqlsaga.engine.definition import Call, Definition
from chaos_sqlsaga.engine.engine import Engine, Look
from chaos_sqlsaga.engine.observers import AuditLog, Metrics, RollbackDepth
from chaos_sqlsaga.engine.processes import Processes
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.engine.tasks import Tasks
from chaos_sqlsaga.engine.threads import Threads

__all__ = [
    "AuditLog",
    "Builder",
    "Call",
    "Definition",
    "Engine",
    "Look",
    "Metrics",
    "Processes",
    "RollbackDepth",
    "Rules",
    "SagaState",
    "StepState",
    "Tasks",
    "Threads",
    "branch",
    "saga",
    "step",
]
