"""Runs sent to a Pushgateway."""

import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chaos_prometheus import PushError, prometheus_pushgateway
from chaoscore import Ended, IterationEnded, Outcome, Report, RunStarted, Scenario
from tests.services import child
from tests.services.postgres import UnavailableError, private_folder
from tests.services.prometheus import answers, find_program, for_servers, get, promtool

First = Callable[..., RunStarted]


class Gateway:
    """What a Pushgateway is to those who push: it keeps what it was sent, or answers with *status*."""

    def __init__(self) -> None:
        gateway = self
        self.status = 200
        self.pushed: list[tuple[str, str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                gateway.pushed.append((self.command, self.path, body))
                self.send_response(gateway.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    found = Gateway()
    yield found
    found.close()


@pytest.fixture
def report() -> Report:
    return Scenario("s").target(object()).step("go", lambda target: None).run()


def test_the_first_and_the_last_are_pushed(gateway: Gateway) -> None:
    """However short a run is, its beginning and its verdict get there, in one place for each scenario."""
    scenario = Scenario("a shop").target(object()).step("go", lambda target: None).repeat(20)
    report = scenario.run(reporters=[prometheus_pushgateway(gateway.url, job="nightly")])
    assert report.troubles == ()
    assert {(method, path) for method, path, _ in gateway.pushed} == {
        ("PUT", "/metrics/job/nightly/scenario@base64/YSBzaG9w")
    }
    last = gateway.pushed[-1][2]
    assert 'chaos_iterations_total{outcome="ok",scenario="a shop"} 20.0' in last
    assert 'chaos_verdict{scenario="a shop",verdict="pass"} 1.0' in last
    assert 'chaos_runs_under_way{scenario="a shop"} 0.0' in last
    try:
        assert promtool("check", "metrics", stdin=last) == ""
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


def test_pushes_are_as_far_apart_as_asked(gateway: Gateway, started: First, report: Report) -> None:
    """Between the first and the last there is none before its time, and one whenever that has come."""
    rare, often = prometheus_pushgateway(gateway.url, every="1h"), prometheus_pushgateway(gateway.url, every=1e-9)
    for reporter, expected in ((rare, 2), (often, 7)):
        reporter.follow([started()])
        for _ in range(5):
            reporter.follow([IterationEnded(1.0, 0, 0, Outcome.OK, 0.5)])
        reporter.report(report)
        assert len(gateway.pushed) == expected
        gateway.pushed.clear()


def test_a_gateway_that_is_not_there_is_a_trouble() -> None:
    """The report says which it was; the run goes on."""
    url = f"http://127.0.0.1:{child.free_port()}"
    scenario = Scenario("s").target(object()).step("go", lambda target: None).repeat(50)
    report = scenario.run(reporters=[prometheus_pushgateway(url)])
    [trouble] = report.troubles
    assert trouble.who == "reporter 'prometheus_pushgateway'"
    assert f"the Pushgateway at {url} took no metrics: [Errno 111]" in trouble.error.message
    assert report.iterations.ok == 50


def test_a_gateway_that_refuses_is_a_trouble(gateway: Gateway, started: First) -> None:
    """An answer of 400 is an error with what it says."""
    gateway.status = 400
    with pytest.raises(PushError, match="took no metrics: Bad Request"):
        prometheus_pushgateway(gateway.url).follow([started()])


def test_a_gateway_that_is_away_for_a_while_is_not(gateway: Gateway, started: First, report: Report) -> None:
    """What is not taken in the middle is made up for by the next push; what is not taken at the end is an error."""
    reporter = prometheus_pushgateway(gateway.url, every=1e-9)
    reporter.follow([started()])
    gateway.status = 503
    reporter.follow([IterationEnded(1.0, 0, 0, Outcome.OK, 0.5)])
    gateway.status = 200
    reporter.follow([Ended(2.0)])
    assert 'chaos_iterations_total{outcome="ok",scenario="s"} 1.0' in gateway.pushed[-1][2]
    gateway.status = 503
    with pytest.raises(PushError, match="Service Unavailable"):
        reporter.report(report)


def test_a_real_pushgateway_shows_it() -> None:
    """Debian's Pushgateway takes it and shows it with the job and the scenario."""
    try:
        program = find_program("prometheus-pushgateway", "prometheus-pushgateway")
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")
    address = f"127.0.0.1:{child.free_port()}"
    with private_folder("pushgateway") as folder:
        arguments: list[str | Path] = [for_servers(program, folder), f"--web.listen-address={address}"]
        with child.server(arguments, folder, lambda: answers(address), signal.SIGTERM):
            scenario = Scenario("a shop").target(object()).step("go", lambda target: None).repeat(20)
            report = scenario.run(reporters=[prometheus_pushgateway(f"http://{address}")])
            page = get(f"http://{address}/metrics")
    assert report.troubles == ()
    assert 'chaos_iterations_total{instance="",job="chaoscore",outcome="ok",scenario="a shop"} 20' in page
