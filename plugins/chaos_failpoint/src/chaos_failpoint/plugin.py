"""What chaos-failpoint offers to scenarios."""

from __future__ import annotations

import chaos_failpoint
import chaoscore


@chaoscore.hookimpl
def chaos_injectors() -> tuple[chaoscore.InjectorType, ...]:
    """Offer failpoints."""
    return (chaos_failpoint.failpoints,)
