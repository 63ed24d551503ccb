"""What chaos-sqlsaga offers to scenarios."""

from __future__ import annotations

import chaos_sqlsaga
import chaoscore


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
