"""The page to be scraped: who has the port, who is let in, and when it goes away."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import URLError

import psutil
import pytest

from chaos_prometheus import prometheus, serving
from chaoscore import Ended, IterationEnded, Metric, Outcome, Recorded, Report, RunStarted, Scenario, record_event
from tests.services.child import free_port
from tests.services.prometheus import eventually, get

First = Callable[..., RunStarted]


class Gate:
    """A target whose step waits until it may go on."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()


def wait(gate: Gate) -> None:
    gate.entered.set()
    assert gate.open.wait(60)


class Waiting:
    """A run that has begun, and goes on until it is let go."""

    def __init__(self, name: str, exporter: Any) -> None:
        self.gate, self.reports = Gate(), list[Report]()
        scenario = Scenario(name).target(self.gate).step("wait", wait).repeat(1)
        self._thread = threading.Thread(target=lambda: self.reports.append(scenario.run(reporters=[exporter])))
        self._thread.start()
        assert self.gate.entered.wait(60)
        self.url: str = eventually(lambda: exporter.url)

    def end(self) -> Report:
        self.gate.open.set()
        self._thread.join()
        return self.reports[0]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def scenarios(page: str) -> set[str]:
    return {line.split('"')[1] for line in page.splitlines() if line.startswith("chaos_runs_under_way{")}


def test_it_can_be_had_while_a_run_goes_on_and_not_afterwards() -> None:
    """The page is there from the first event to the last, and the port is free again."""
    port = free_port()
    exporter = prometheus(port)
    running = Waiting("one", exporter)
    page = get(f"http://127.0.0.1:{port}/metrics")
    assert 'chaos_runs_under_way{scenario="one"} 1.0' in page
    exporter.linger_s = 0.0
    assert running.end().troubles == ()
    assert not is_open(port)
    assert exporter.url is None


def test_a_port_that_is_taken_is_a_trouble_and_the_run_goes_on() -> None:
    """Whoever has the port keeps it; the report says which port and what to do, and has all iterations."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        report = (
            Scenario("s").target(object()).step("go", lambda target: None).repeat(50).run(reporters=[prometheus(port)])
        )
    [trouble] = report.troubles
    assert (trouble.who, trouble.hook) == ("reporter 'prometheus'", "follow")
    assert f"127.0.0.1:{port}: Address already in use; give another port" in trouble.error.message
    assert report.iterations.ok == 50
    assert report.verdict == "unstable"


def test_runs_at_the_same_time_share_a_port() -> None:
    """Two runs with the same port are on one page, which is there until the last of them ends."""
    port = free_port()
    one, two = Waiting("one", prometheus(port, linger=0)), Waiting("two", prometheus(port, linger=0))
    assert scenarios(get(f"http://127.0.0.1:{port}/metrics")) == {"one", "two"}
    assert one.end().troubles == ()
    page = get(f"http://127.0.0.1:{port}/metrics")
    assert 'chaos_runs_under_way{scenario="one"} 0.0' in page
    assert 'chaos_runs_under_way{scenario="two"} 1.0' in page
    assert two.end().troubles == ()
    assert not is_open(port)


def test_runs_one_after_the_other_use_a_port_again() -> None:
    """A port can be had again at once, and what was counted before is gone."""
    port = free_port()
    exporter = prometheus(port, linger=0)
    for name in ("one", "two", "three"):
        running = Waiting(name, exporter)
        assert scenarios(get(f"http://127.0.0.1:{port}/metrics")) == {name}
        assert running.end().troubles == ()


def test_it_listens_on_loopback_only() -> None:
    """Without being asked to, it cannot be reached from another machine."""
    exporter = prometheus(0, linger=0)
    running = Waiting("one", exporter)
    port = int(running.url.rpartition(":")[2].removesuffix("/metrics"))
    found = [each for each in psutil.Process().net_connections() if each.laddr and each.laddr.port == port]
    assert {each.laddr.ip for each in found} == {"127.0.0.1"}
    running.end()


def test_it_can_be_had_over_ipv6() -> None:
    """An address in brackets is one of IPv6."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"cannot run here: no IPv6: {error}")
    exporter = prometheus("[::1]:0", linger=0)
    running = Waiting("one", exporter)
    assert running.url.startswith("http://[::1]:")
    assert scenarios(get(running.url)) == {"one"}
    running.end()


@pytest.mark.parametrize("address", ["192.0.2.1:9464", "127.0.0.1:1", "no.such.host.invalid:9464"])
def test_an_address_that_is_none_of_this_machine_is_a_trouble(address: str) -> None:
    """It is refused with its name, whatever is wrong with it."""
    if address.endswith(":1") and _may_bind(1):
        pytest.skip("cannot run here: this user may have any port")
    report = Scenario("s").target(object()).step("go", lambda target: None).run(reporters=[prometheus(address)])
    [trouble] = report.troubles
    assert f"metrics cannot be had at {address}: " in trouble.error.message


def _may_bind(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_through_it(method: str) -> None:
    """Any method but reading is refused."""
    exporter = prometheus(0, linger=0)
    running = Waiting("one", exporter)
    connection = HTTPConnection(running.url.removeprefix("http://").removesuffix("/metrics"), timeout=30)
    connection.request(method, "/metrics", body=b"")
    assert connection.getresponse().status == 405
    connection.close()
    running.end()


def scrape(url: str) -> str:
    return get(url, **{"X-Prometheus-Scrape-Timeout-Seconds": "1"})


def test_the_end_waits_for_one_more_scrape() -> None:
    """Where a Prometheus has scraped, the page stays until it was had once more, and then says that the run is over."""
    running = Waiting("one", prometheus(0, linger=60))
    pages = [scrape(running.url)]
    ending = threading.Thread(target=running.end)
    ending.start()
    while ending.is_alive():
        try:
            pages.append(scrape(running.url))
        except OSError:
            break  # it has been had
    ending.join()
    assert 'chaos_runs_under_way{scenario="one"} 1.0' in pages[0]
    assert 'chaos_runs_under_way{scenario="one"} 0.0' in pages[-1]
    assert 'chaos_verdict{scenario="one",verdict="pass"} 1.0' in pages[-1]


@pytest.mark.parametrize(("timeout", "waits"), [("60", True), ("0", False), ("soon", False), ("-1", False)])
def test_only_who_will_wait_for_an_answer_has_scraped(started: First, timeout: str, waits: bool) -> None:
    """A scrape counts while whoever asked has not given up; what says nonsense of itself is none."""
    exporter = prometheus(0)
    exporter.follow([started()])
    get(str(exporter.url), **{"X-Prometheus-Scrape-Timeout-Seconds": timeout})
    exposition = exporter._exposition
    assert exposition is not None
    eventually(lambda: not exposition._under_way)
    assert (exposition._asked, exposition._scraped) == (waits, waits)
    exporter.linger_s = 0.0
    exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())


def test_nobody_waits_for_a_browser(started: First) -> None:
    """A run at which somebody has looked who may never do so again ends at once, however long it may linger."""
    exporter = prometheus(0, linger="1h")
    exporter.follow([started(), Ended(1.0)])
    get(str(exporter.url))
    report = Scenario("s").target(object()).step("go", lambda target: None).run()
    exporter.report(report)
    assert exporter.url is None


class Scrapers:
    """Threads that scrape as fast as they can until the port is closed, and keep what they got."""

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self.pages: list[str] = []
        self._threads = [threading.Thread(target=self._scrape) for _ in range(count)]
        for each in self._threads:
            each.start()
        eventually(lambda: len(self.pages) > count)

    def _scrape(self) -> None:
        while True:
            try:
                self.pages.append(get(self._url))
            except OSError:
                return

    def join(self) -> None:
        for each in self._threads:
            each.join(60)
            assert not each.is_alive()


@pytest.mark.parametrize("attempt", range(5))
def test_a_scrape_during_shutdown_gets_all_or_nothing(started: First, attempt: int) -> None:
    """Of many who scrape when the page goes away, each gets a whole page or no connection, and none is left waiting."""
    exporter = prometheus(0, linger=0)
    exporter.follow([started()])
    scrapers = Scrapers(str(exporter.url), 4)
    exporter.follow([Ended(1.0)])
    exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())
    scrapers.join()
    last = "# TYPE chaos_exporter_metric_broken gauge\n"
    assert all(page.endswith(last) for page in scrapers.pages)


def test_who_connects_and_says_nothing_holds_nobody_up(started: First) -> None:
    """A connection with half a request, or none, keeps nobody from scraping and no page from ending."""
    exporter = prometheus(0, linger=0)
    exporter.follow([started()])
    url = str(exporter.url)
    port = int(url.rpartition(":")[2].removesuffix("/metrics"))
    with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"GET /metrics HT")
        assert scenarios(get(url)) == {"s"}
        exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())
        assert half.recv(1) == b""  # it was hung up
    assert not is_open(port)
    eventually(lambda: not [each for each in threading.enumerate() if "process_request_thread" in each.name])


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_port(started: First) -> None:
    """A process that the system under test has forked, and that lives on, leaves the port to the next run."""
    port = free_port()
    exporter = prometheus(port, linger=0)
    exporter.follow([started()])
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(theirs)
        os.read(ours, 1)  # until the parent has seen it all
        os._exit(len(serving._open))
    os.close(ours)
    try:
        exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())
        assert not is_open(port)
        exporter.follow([started("next")])
        assert scenarios(get(str(exporter.url))) == {"next"}
        exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())
    finally:
        os.close(theirs)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_run_that_begins_anew_leaves_the_page_of_the_one_before(started: First) -> None:
    """A reporter that never saw the end of a run holds no port of it."""
    exporter = prometheus(0, linger=0)
    exporter.follow([started("one")])
    first = str(exporter.url)
    exporter.follow([started("two")])
    assert scenarios(get(str(exporter.url))) == {"two"}
    exporter.report(Scenario("s").target(object()).step("go", lambda target: None).run())
    with pytest.raises(URLError):
        get(first)
    assert serving._open == {}


def test_a_reporter_that_is_cut_off_leaves_the_port(started: First) -> None:
    """Whatever it fails at, the port is free again: nobody calls it once more."""
    exporter = prometheus(0, linger=0)
    exporter.follow([started()])
    nonsense: Any = "no duration"
    with pytest.raises(TypeError):
        exporter.follow([started("two"), IterationEnded(1.0, 0, 0, Outcome.OK, nonsense)])
    assert exporter.url is None
    assert serving._open == {}


def test_a_metric_that_fails_is_a_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is whole without it, and the report says which metric failed and why."""
    broken = Metric(help="Broken.", observes=(Recorded,), read=lambda event: [(1 / 0, ())])
    monkeypatch.setattr("chaos_prometheus.families.offered_metrics", lambda: {"mine": broken})
    scenario = Scenario("s").target(object()).step("go", lambda target: record_event("sold")).repeat(5)
    report = scenario.run(reporters=[prometheus(0, linger=0)])
    [trouble] = report.troubles
    assert (trouble.who, trouble.hook) == ("reporter 'prometheus'", "report")
    assert "'mine': ZeroDivisionError: division by zero" in trouble.error.message


SCENARIO = """
name = "from a file"
steps = [{ use = "time:sleep", name = "sleep" }]
on_failure = "continue"

[target]
use = "builtins:float"

[workload]
repeat = 3
rate = 4
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO)
    return path


def test_the_command_line_has_it_as_an_option(file: Path) -> None:
    """`chaoscore run FILE --prometheus=PORT` is understood; a port that is taken is told, and the run passes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        option = f"--prometheus={taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "chaoscore", "run", file.name, option],
            cwd=file.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Address already in use; give another port, such as --prometheus=9465" in done.stdout + done.stderr
