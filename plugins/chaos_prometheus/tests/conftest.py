"""A real Prometheus for the tests of this plugin."""

from tests.services.fixtures import prometheus_server

__all__ = ["prometheus_server"]
