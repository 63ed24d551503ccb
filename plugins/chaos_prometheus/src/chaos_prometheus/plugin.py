"""What chaos-prometheus offers to runs."""

from __future__ import annotations

import chaos_prometheus
import chaoscore


@chaoscore.hookimpl
def chaos_reporters() -> tuple[chaoscore.ReporterType, ...]:
    """Offer the reporters."""
    return (
        chaos_prometheus.prometheus,
        chaos_prometheus.prometheus_pushgateway,
        chaos_prometheus.prometheus_textfile,
    )
