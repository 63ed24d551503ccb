"""What is shown, in Prometheus's formats; the only module that imports its client library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition
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
    """
    Return the WSGI application that shows *ledger* as OpenMetrics to who asks for that, else in the text format.

    The client library's own takes twice as long: it compresses what mostly goes to this machine, and looks at every
    character of every name, which are all plain here.
    """

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            start("405 Method Not Allowed", [("Allow", "GET"), ("Content-Type", "text/plain")])
            return [b"use GET\n"]
        fancy = "application/openmetrics-text" in environ.get("HTTP_ACCEPT", "")
        body = openmetrics(ledger) if fancy else text(ledger)
        kind = exposition.CONTENT_TYPE_LATEST if fancy else CONTENT_TYPE_PLAIN_0_0_4
        whole = [("Content-Type", kind), ("Content-Length", str(len(body))), ("X-Content-Type-Options", "nosniff")]
        start("200 OK", whole)
        return [body]

    return app


def openmetrics(ledger: Ledger) -> bytes:
    """Return *ledger* as OpenMetrics, with examples."""
    generate: Callable[..., bytes] = exposition.generate_latest
    return generate(_registry(ledger), escaping=exposition.ALLOWUTF8)


def text(ledger: Ledger) -> bytes:
    """Return *ledger* in the text format, which has no place for examples."""
    return generate_latest(_registry(ledger))


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
