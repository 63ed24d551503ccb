"""Live Prometheus metrics of chaoscore runs."""
