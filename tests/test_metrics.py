"""Metrics that plugins offer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chaoscore import Fired, Metric, Recorded, Sampled, offered_metrics
from chaoscore.plugins import catalogue

Install = Callable[..., Path]

SOURCE = """
    from chaoscore import Fired, Metric, hookimpl

    @hookimpl
    def chaos_metrics():
        read = lambda event: [(1, (event.point,))]
        return {"NAME": Metric(help="Faults by point.", observes=(Fired,), read=read, labels=("point",))}
"""


def source(name: str) -> str:
    return SOURCE.replace("NAME", name)


def test_metrics_are_offered_by_name(install: Install) -> None:
    """A plugin may offer metrics, and whoever shows metrics gets those of all plugins."""
    install("m", source("m_struck"))
    assert catalogue().metrics.need("m_struck", "here").plugin == "m"
    assert offered_metrics()["m_struck"].labels == ("point",)


@pytest.mark.parametrize("name", ["M_struck", "m-struck", "m_", "5m", "m__struck", "m_total", "m_count"])
def test_a_metric_needs_a_name_that_every_format_has(install: Install, name: str) -> None:
    """A name with other characters, or with an ending that formats give, makes the plugin broken, with the reason."""
    install("m", source(name))
    [found] = [each for each in catalogue().broken if each.plugin == "m"]
    assert "is no name for a metric" in found.reason


def test_what_is_no_metric_is_refused(install: Install) -> None:
    """A function instead of a metric makes the plugin broken."""
    install("m", "from chaoscore import hookimpl\n@hookimpl\ndef chaos_metrics(): return {'a': len}")
    [found] = [each for each in catalogue().broken if each.plugin == "m"]
    assert "must map names to metrics" in found.reason


@pytest.mark.parametrize("label", ["Point", "le", "quantile", "scenario", "job", "a b", "", "__name__"])
def test_labels_are_plain_words(label: str) -> None:
    """A label that formats or exporters give themselves, or that is no word, cannot be built."""
    with pytest.raises(ValueError, match="is no label"):
        Metric(help="", observes=(Sampled,), read=lambda event: [], labels=(label,))


def test_what_the_system_records_is_counted() -> None:
    """The core offers the events that the system under test records, by name."""
    metric = offered_metrics()["recorded"]
    assert metric.observes == (Recorded,)
    assert list(metric.read(Recorded(0.5, "sold", 0, 1, "buy"))) == [(1, ("sold",))]


def test_faults_are_counted_by_what_they_struck() -> None:
    """The core offers the faults that land, by injector, what they are, and the step."""
    metric = offered_metrics()["strikes"]
    [(amount, labels)] = metric.read(Fired(0.5, "slow", "delay", "p", "", 0, 0, (), 0, "", "buy"))
    assert (amount, dict(zip(metric.labels, labels, strict=True))) == (
        1,
        {"injector": "slow", "fault": "delay", "step": "buy"},
    )


def test_a_metric_is_listed_with_what_it_says(install: Install) -> None:
    """`chaoscore plugins` shows a metric by its sentence."""
    from click.testing import CliRunner

    from chaoscore.cli import main

    install("m", source("m_struck"))
    assert "  metric m_struck: Faults by point.\n" in CliRunner().invoke(main, ["plugins"]).stdout
