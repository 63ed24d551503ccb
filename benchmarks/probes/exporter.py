"""What it costs to show a run to Prometheus: CPU time of an iteration and of a scrape."""

from __future__ import annotations

from collections.abc import Callable
from socket import create_connection
from time import process_time

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from benchmarks.probes.noop import Target, step
from benchmarks.probes.runs import runner
from benchmarks.probes.timing import each, per_call, tell
from chaos_prometheus import prometheus
from chaos_prometheus.address import Address
from chaos_prometheus.families import blank
from chaos_prometheus.reading import Reader
from chaos_prometheus.serving import join
from chaos_prometheus.tally import BOUNDS
from chaoscore import IterationEnded, Outcome, RunStarted, Scenario, StepEnded
from chaoscore.testing import hostile_run

STEPS = 15
"""With so many steps there are a little more than 1,000 series."""

ASKED = (
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    b"Accept: application/openmetrics-text; version=1.0.0\r\nAccept-Encoding: gzip\r\n\r\n"
)
"""What Prometheus asks for, without a library: that would take as long to ask as it takes to answer."""


def probe(iterations: int, scrapes: int) -> dict[str, float]:
    """Measure everything once, with so many *iterations* and *scrapes*."""
    scenario = Scenario("no-op").target(Target()).step("step", step)
    off = each(runner(scenario), iterations, 100)
    on = each(shown(scenario), iterations, 100)
    return {
        "iteration": on - off,
        "by hand": by_hand(iterations),
        "scrape": our_scrape(scrapes, STEPS),
        "their scrape": their_scrape(scrapes),
        "share": (on - off) * 5_000 + our_scrape(scrapes, 1),
    }


def shown(scenario: Scenario) -> Callable[[int], None]:
    """Return what runs so many iterations of *scenario* while it is shown."""

    def run(iterations: int) -> None:
        report = scenario.repeat(iterations).run(seed=1, reporters=(prometheus(0, linger=0),))
        if report.iterations.ok != iterations or report.troubles:
            raise RuntimeError("; ".join(reason.text for reason in report.reasons))

    return run


def by_hand(iterations: int) -> float:
    """Measure the same for who calls the client library itself, for an iteration and its step."""
    registry = CollectorRegistry()
    counts = [Counter(name, name, ("scenario", "outcome"), registry=registry) for name in ("iterations", "steps")]
    times = [Histogram(f"{name}_s", name, ("scenario",), buckets=BOUNDS, registry=registry) for name in ("one", "two")]

    def once() -> None:
        for count, time in zip(counts, times, strict=True):
            count.labels("no-op", "ok").inc()
            time.labels("no-op").observe(0.0001)

    return per_call(once, iterations)


def our_scrape(scrapes: int, steps: int) -> float:
    """Measure a scrape of a run of so many *steps*."""
    page = join(Address("127.0.0.1", 0), lambda: blank(200))
    try:
        fill(Reader(page.ledger, begun(steps)), steps)
        return scraped(page.address.port, scrapes)
    finally:
        page.leave()


def their_scrape(scrapes: int) -> float:
    """Measure a scrape of as many series that the client library holds itself."""
    registry = CollectorRegistry()
    histogram = Histogram("duration_seconds", "Durations.", ("step",), buckets=BOUNDS, registry=registry)
    for number in range(20):
        histogram.labels(f"step{number}").observe(0.0001)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        return scraped(server.server_port, scrapes)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def begun(steps: int) -> RunStarted:
    """Return the first event of a run of so many *steps*."""
    (first,) = (event for event in hostile_run("x") if isinstance(event, RunStarted))
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    return RunStarted(**{**fields, "scenario": "s", "steps": tuple(f"step{number}" for number in range(steps))})


def fill(reader: Reader, steps: int) -> None:
    """Let some iterations of different durations end."""
    for number in range(1_000):
        seconds = 0.0001 * 1.01**number
        ended = [StepEnded(1.0, 0, number, f"step{step}", Outcome.OK, seconds) for step in range(steps)]
        reader.read([*ended, IterationEnded(1.0, 0, number, Outcome.OK, seconds)])


def scraped(port: int, scrapes: int) -> float:
    """Return the least CPU time of one of so many *scrapes*, of both who asks and who answers, seconds."""

    def once() -> float:
        began, size = process_time(), 0
        with create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(ASKED)
            while part := connection.recv(1 << 20):
                size += len(part)
        if size < 1_000:
            raise RuntimeError(f"a scrape brought {size} bytes")
        return process_time() - began

    return min(once() for _ in range(scrapes))


if __name__ == "__main__":
    tell(probe)
