"""What chaos-toxiproxy offers to scenarios."""

from __future__ import annotations

import chaoscore


@chaoscore.hookimpl
def chaos_injectors() -> tuple[chaoscore.InjectorType, ...]:
    """Offer nothing yet."""
    return ()
