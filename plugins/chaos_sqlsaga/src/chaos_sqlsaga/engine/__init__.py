"""A saga engine over SQL: small enough to read, and real enough to break."""

from chaos_sqlsaga.engine.builder import Builder, branch, saga, step
from chaos_sqlsaga.engine.claiming import Rules
from chaos_sqlsaga.engine.definition import Call, Definition
from chaos_sqlsaga.engine.engine import Engine, Look
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.engine.workers import Threads

__all__ = [
    "Builder",
    "Call",
    "Definition",
    "Engine",
    "Look",
    "Rules",
    "SagaState",
    "StepState",
    "Threads",
    "branch",
    "saga",
    "step",
]
