"""Live Prometheus metrics of chaoscore runs."""

from chaos_prometheus.errors import BrokenMetricError, CannotServeError, PushError
from chaos_prometheus.page import Prometheus
from chaos_prometheus.pushing import Pushgateway
from chaos_prometheus.textfile import Textfile

prometheus = Prometheus
prometheus_pushgateway = Pushgateway
prometheus_textfile = Textfile

__all__ = [
    "BrokenMetricError",
    "CannotServeError",
    "PushError",
    "prometheus",
    "prometheus_pushgateway",
    "prometheus_textfile",
]
