"""What chaos-prometheus offers to scenarios."""

from __future__ import annotations

import chaoscore


@chaoscore.hookimpl
def chaos_reporters() -> tuple[chaoscore.ReporterType, ...]:
    """Offer nothing yet."""
    return ()
