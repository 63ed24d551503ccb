"""The reporters keep what every run relies on."""

from chaos_dashboard import html, live
from chaoscore.testing import check_reporter


def test_the_report_conforms() -> None:
    """The HTML report keeps the promises of reporters."""
    check_reporter(html)


def test_the_live_page_conforms() -> None:
    """The live page keeps the promises of reporters, and its server ends with the run."""
    check_reporter(live, wrong=[{"port": "many"}, {"port": -1}, {"port": 65536}, {"port": True}])
