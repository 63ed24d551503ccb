"""The reporters keep what every run relies on."""

from typing import Any

from chaos_prometheus import prometheus, prometheus_pushgateway, prometheus_textfile
from chaoscore.testing import check_reporter


def test_the_page_conforms() -> None:
    """It shows every run, changes nothing, harms nobody and leaves nothing behind."""
    check_reporter(lambda: prometheus(0), wrong=[{"address": "x"}, {"linger": -1}, {"limit": 0}])


def test_the_textfile_conforms() -> None:
    """The same, and it admits what cannot be written."""
    wrong: list[dict[str, Any]] = [{"path": "run.txt"}, {"path": "x.prom", "every": 0}]
    check_reporter(prometheus_textfile, wrong=wrong, name="report.prom")


def test_the_pushgateway_conforms(gateway: str) -> None:
    """The same for what is pushed."""
    check_reporter(lambda: prometheus_pushgateway(gateway), wrong=[{"url": "h"}, {"url": "http://h", "job": "/"}])
