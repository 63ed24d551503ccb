"""A real Prometheus for the tests of this plugin, and runs that are read by hand."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos_prometheus.families import families
from chaos_prometheus.ledger import Ledger
from chaos_prometheus.reading import Reader
from chaoscore import Event, Metric, RunStarted, Severity
from chaoscore.testing import hostile_run
from tests.services.fixtures import prometheus_server

__all__ = ["book", "gateway", "prometheus_server", "started"]


def beginning(scenario: str = "s", **changes: Any) -> RunStarted:
    """How a run begins: a step ``go``, an injector ``slow`` of the kind ``delay``, and a validator ``holds``."""
    first = hostile_run("x")[0]
    assert isinstance(first, RunStarted)
    injection, expectation = type(first.injections[0]), type(first.expectations[0])
    usual: dict[str, Any] = {
        "wall": 1000.0,
        "scenario": scenario,
        "seed": 5,
        "run_id": "the-run",
        "steps": ("go",),
        "injections": (injection("slow", "delay", {}),),
        "expectations": (expectation("holds", "check", {}, Severity.WARNING),),
        "environment": {"python": "CPython 3"},
        "iterations": None,
        "run_for_s": None,
    }
    same = {name: getattr(first, name) for name in first.__struct_fields__}
    return RunStarted(**{**same, **usual, **changes})


class Book:
    """A ledger, and what is read into it by hand."""

    def __init__(self, limit: int, metrics: dict[str, Metric]) -> None:
        self.ledger = Ledger(limit, metrics)
        self.begin(beginning())

    def begin(self, first: RunStarted) -> None:
        """Let another run begin, that of what is read from now on."""
        self.reader = Reader(self.ledger, first)

    def read(self, *events: Event) -> None:
        """Read *events* of the run that began last."""
        self.reader.read(events)

    def value(self, name: str, **labels: str) -> float | None:
        """What is shown under *name* with at least these *labels*; None where it is not shown."""
        found = self.values(name, **labels)
        assert len(found) <= 1, found
        return next(iter(found.values()), None)

    def values(self, name: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Everything that is shown under *name* with at least these *labels*, by the values of all its labels."""
        return {
            tuple(each.labels.values()): float(each.value)
            for family in families(self.ledger)
            for each in family.samples
            if family.name + each.suffix == name and labels.items() <= each.labels.items()
        }


@pytest.fixture
def started() -> Callable[..., RunStarted]:
    """Makes the first event of a run."""
    return beginning


@pytest.fixture
def book() -> Callable[..., Any]:
    """Makes a ledger in which a run has begun."""
    return lambda limit=200, **metrics: Book(limit, metrics)


class _Taking(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def gateway() -> Iterator[str]:
    """The address of what takes whatever is pushed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taking)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()
