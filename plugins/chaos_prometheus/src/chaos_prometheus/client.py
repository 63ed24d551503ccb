"""What is shown, in Prometheus's formats; the only module that imports its client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app, push_to_gateway, write_to_textfile
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar
from prometheus_client.samples import Sample as Line

from chaos_prometheus.families import Family, families
from chaos_prometheus.ledger import Ledger
from chaos_prometheus.tally import Example

TIMEOUT_S = 2.0
"""How long a Pushgateway may take to answer; meanwhile a fast run leaves some 20,000 events for later."""


class Collector:
    """A ledger as the client library sees it: nothing is made of it before somebody asks."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it is now."""
        with self._ledger.lock:
            found = list(families(self._ledger))
        return map(_metric, found)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: nobody else is in this registry whom names could clash with."""
        return ()


def _metric(family: Family) -> Metric:
    metric = Metric(family.name, family.help, family.sort)
    metric.samples = [
        Line(family.name + each.suffix, each.labels, each.value, None, _exemplar(each.example))
        for each in family.samples
    ]
    return metric


def _exemplar(example: Example | None) -> Exemplar | None:
    if example is None:
        return None
    labels = {"iteration": str(example.iteration), "worker": str(example.worker)}
    return Exemplar(labels, example.seconds, example.wall)


def application(ledger: Ledger) -> Callable[..., Any]:
    """Return the WSGI application that shows *ledger* in whichever format it is asked for."""
    app: Callable[..., Any] = make_wsgi_app(_registry(ledger))
    return app


def text(ledger: Ledger) -> bytes:
    """Return *ledger* in the text format, without examples, which it has no place for."""
    return generate_latest(_registry(ledger))


def write(ledger: Ledger, path: Path) -> None:
    """Put *ledger* into the file at *path*, whole or not at all."""
    write_to_textfile(str(path), _registry(ledger), escaping="underscores")


def push(ledger: Ledger, url: str, job: str, scenario: str) -> None:
    """
    Let the Pushgateway at *url* show *ledger* from now on, in the place of what it had of *job* and *scenario*.

    Raises:
        OSError: It does not answer in time, or refuses.
    """
    push_to_gateway(url, job, _registry(ledger), {"scenario": scenario}, timeout=TIMEOUT_S)


def _registry(ledger: Ledger) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Collector(ledger))
    return registry
