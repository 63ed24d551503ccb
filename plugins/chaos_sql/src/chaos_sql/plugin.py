"""What chaos-sql offers to scenarios."""

from __future__ import annotations

import chaos_sql
import chaoscore


@chaoscore.hookimpl
def chaos_injectors() -> tuple[chaoscore.InjectorType, ...]:
    """Offer the faults of statements, commits and connections."""
    return chaos_sql.delay, chaos_sql.error, chaos_sql.commit_error, chaos_sql.kill


@chaoscore.hookimpl
def chaos_validators() -> tuple[chaoscore.ValidatorType, ...]:
    """Offer the check in SQL."""
    return (chaos_sql.consistent,)
