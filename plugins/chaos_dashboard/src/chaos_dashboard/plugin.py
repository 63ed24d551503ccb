"""What chaos-dashboard offers to scenarios."""

from __future__ import annotations

import chaos_dashboard
import chaoscore


@chaoscore.hookimpl
def chaos_reporters() -> tuple[chaoscore.ReporterType, ...]:
    """Offer the page to watch and the report to keep."""
    return chaos_dashboard.live, chaos_dashboard.html
