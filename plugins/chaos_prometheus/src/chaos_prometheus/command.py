"""``chaoscore prometheus``: what Prometheus and Grafana are set up with."""

from __future__ import annotations

from importlib.resources import files

import click

SHIPPED = {"alerts": "alerts.yml", "alerts-test": "alerts_test.yml", "dashboard": "dashboard.json"}
"""What there is, and the file of this package that it is in."""


@click.command(short_help="Print alert rules, their tests, or the dashboard.")
@click.argument("what", type=click.Choice(tuple(SHIPPED)))
def prometheus(what: str) -> None:
    """
    Print alert rules for Prometheus, the tests of these rules for `promtool`, or the dashboard for Grafana.

    For example: chaoscore prometheus alerts > chaoscore_alerts.yml
    """
    click.echo(shipped(what), nl=False)


def shipped(what: str) -> str:
    """Return one of `SHIPPED` as text."""
    return (files(__package__) / "data" / SHIPPED[what]).read_text(encoding="utf-8")
