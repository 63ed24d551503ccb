"""What chaos-sqlsaga offers to scenarios."""

from __future__ import annotations

from collections.abc import Mapping

import chaos_sqlsaga
import chaoscore
from chaos_sqlsaga.engine.target import EngineTarget
from chaos_sqlsaga.faults.corrupting import PutBack


@chaoscore.hookimpl
def chaos_injectors() -> tuple[chaoscore.InjectorType, ...]:
    """Offer the faults aimed at sagas."""
    return (
        chaos_sqlsaga.handler_error,
        chaos_sqlsaga.compensation_error,
        chaos_sqlsaga.lease_error,
        chaos_sqlsaga.statement_error,
        chaos_sqlsaga.commit_error,
        chaos_sqlsaga.slow_statement,
        chaos_sqlsaga.sever,
        chaos_sqlsaga.corrupt_row,
        chaos_sqlsaga.kill_worker,
    )


@chaoscore.hookimpl
def chaos_validators() -> tuple[chaoscore.ValidatorType, ...]:
    """Offer what must hold of sagas."""
    return (
        chaos_sqlsaga.invariants,
        chaos_sqlsaga.ends,
        chaos_sqlsaga.mirrors,
        chaos_sqlsaga.forward,
        chaos_sqlsaga.calls,
        chaos_sqlsaga.once,
        chaos_sqlsaga.progress,
        chaos_sqlsaga.rollback_depth,
        chaos_sqlsaga.queue_empty,
        chaos_sqlsaga.consistent,
    )


@chaoscore.hookimpl
def chaos_targets() -> Mapping[str, chaoscore.TargetType]:
    """Offer the engine."""
    return {"sqlsaga.engine": EngineTarget}


@chaoscore.hookimpl
def chaos_undos() -> Mapping[str, chaoscore.UndoAction]:
    """Offer what puts corrupted rows back."""
    return {"saga.corrupt_row": PutBack()}
