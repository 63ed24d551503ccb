"""Runs that die, servers that die or hang: nothing of a run stays, and nothing of others is touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_toxiproxy import down, latency, proxies
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.servers import EMBEDDED, PROGRAM
from chaoscore import ExitCode, Report, Scenario, Verdict, window
from tests.services.peers import Caller, Echo, Scripted, reply, wait_until

pytestmark = pytest.mark.usefixtures("installed")

RUN = """
import signal, sys, time
from chaoscore import Scenario
from chaos_toxiproxy import down, latency, proxies

signal.alarm(120)  # whatever becomes of the test
upstream, server = sys.argv[1:3]
existing = sys.argv[3:]

class Target:
    def setup(self, proxies):
        print(proxies["own"].address, flush=True)

Scenario("killed").target(Target()).step(
    "wait", lambda target: (print("step", flush=True), time.sleep(60))
).provide(
    "proxies", proxies({"own": upstream, "other": upstream}, server, existing=existing)
).inject("slow", latency("5ms", proxy="own")).inject("gone", down(proxy="other")).scope(
    "db", {"theirs": latency("5ms", proxy=(existing or ["own"])[0])}
).limit(drain="50ms").run()
"""


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a scenario of its own process until its step waits, in a session of its own, as a shell starts it."""
    command = [sys.executable, "-c", RUN, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, start_new_session=True, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("127.0.0.1:")
        assert process.stdout.readline() == "step\n"
        try:
            yield process
        finally:
            process.kill()


def journals() -> list[Path]:
    return list((Path(os.environ["CHAOSCORE_STATE_DIR"]) / "journals").glob("*.jsonl"))


def recover() -> str:
    command = [sys.executable, "-m", "chaoscore", "recover"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


# -- runs that die


def test_kill_9_leaves_neither_toxic_nor_proxy(client: Client, db: Any, echo: Echo) -> None:
    """When a run on a server that lives on is killed, the watchdog takes its toxics and proxies away, and no others."""
    client.add_toxic("db", "latency", {"latency": 1}, name="foreign")
    with started(echo.address, client.url, "db") as run:
        there = client.proxies()
        assert {name.rpartition("-")[2] for name in there} == {"db", "own", "other"}
        assert [each["name"].startswith("chaos-") for each in there["db"]["toxics"]] == [False, True]
        run.kill()
    assert wait_until(lambda: set(client.proxies()) == {"db"})
    assert wait_until(lambda: [each["name"] for each in client.proxies()["db"]["toxics"]] == ["foreign"])
    assert wait_until(lambda: journals() == [])


BUSY = """
import signal, sys, time
from chaoscore import Scenario, window
from chaos_toxiproxy import down, latency, proxies

signal.alarm(120)  # whatever becomes of the test
often = window(every="20ms", for_="10ms")
print("begin", flush=True)
Scenario("killed").target(object()).step("wait", lambda target: time.sleep(0.001)).provide(
    "proxies", proxies({"own": sys.argv[1], "other": sys.argv[1]}, sys.argv[2])
).inject("slow", latency("5ms", proxy="own"), window=often).inject("gone", down(proxy="other"), window=often).run_for(
    "60s"
).run()
"""
KILLS = 8


@pytest.mark.slow
def test_kill_9_at_random_moments_leaves_nothing(client: Client, echo: Echo) -> None:
    """Killed between its start and well into windows that come and go, a run leaves no proxy and no journal."""
    chance = random.Random(5)
    for kill in range(KILLS):
        command = [sys.executable, "-c", BUSY, echo.address, client.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == b"begin\n"
            if kill % 2:
                assert wait_until(lambda: len(client.proxies()) == 2)
            time.sleep(chance.random() * 0.3)
            run.kill()
        assert wait_until(lambda: client.proxies() == {} and not intended()), f"kill {kill}"


def intended() -> list[Path]:
    """Return the journals in which something was ever intended; a run that dies before leaves one that says nothing."""
    found = []
    for path in journals():
        with suppress(FileNotFoundError):  # the watchdog is through with it
            found += [path] * (b'"intent"' in path.read_bytes())
    return found


def test_what_a_killed_watchdog_leaves_is_recovered(client: Client, db: Any, echo: Echo) -> None:
    """When run and watchdog are both killed, everything stays until `chaoscore recover`, which heals once."""
    with started(echo.address, client.url, "db") as run:
        for process in (*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)):
            process.kill()
    assert len(client.proxies()) == 3
    said = recover()
    assert said.count("undone") == 5, said
    assert set(client.proxies()) == {"db"}
    assert client.proxies()["db"]["toxics"] == []
    assert recover() == "Nothing was left behind.\n"


def test_after_a_restart_of_the_server_there_is_nothing_to_recover(kind: str, echo: Echo, own: Own) -> None:
    """A server that was started again has none of what the journal lists, which is told and closed."""
    client = own.start(kind)
    with started(echo.address, client.url) as run:
        for process in (*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)):
            process.kill()
    own.kill()
    own.start(kind, client.port)
    assert recover().count("it was gone") == 5
    assert journals() == []


def test_without_the_server_there_is_nothing_to_recover(kind: str, echo: Echo, own: Own) -> None:
    """A server on this machine that has ended took everything with it, which is told and closed."""
    client = own.start(kind)
    with started(echo.address, client.url) as run:
        for process in (*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)):
            process.kill()
    own.kill()
    said = recover()
    assert said.count("the server is gone, and with it all of its proxies") == 5
    assert journals() == []


def test_an_own_server_dies_with_the_run(kind: str, echo: Echo) -> None:
    """When a run is killed, the server that it had started is gone, and with it the listeners."""
    with started(echo.address, kind) as run:
        children = psutil.Process(run.pid).children(recursive=True)
        assert children
        run.kill()
    assert wait_until(lambda: not any(each.is_running() for each in children))


def test_ctrl_c_ends_the_run_first(kind: str, echo: Echo) -> None:
    """A Ctrl-C goes to all in the foreground of a terminal; the server stays until the run has lifted its faults."""
    with started(echo.address, kind) as run:
        children = psutil.Process(run.pid).children(recursive=True)
        assert children
        os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=60)
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert "failed" not in said
    assert wait_until(lambda: not any(each.is_running() for each in children))


# -- servers that die


class Own:
    """A server that a test starts and kills, as somebody else's."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[Client] = []

    def start(self, kind: str, port: int = 0) -> Client:
        """Start one and return a client of it."""
        from chaos_toxiproxy.servers import _free_port, program

        port = port or _free_port()
        module = [sys.executable, "-m", "chaos_toxiproxy.server"]
        command = [*(module if kind == EMBEDDED else [str(program())]), "-host", "127.0.0.1", "-port", str(port)]
        environment = {**os.environ, "LOG_LEVEL": "error"}
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._clients.append(Client(f"127.0.0.1:{port}"))
        assert wait_until(self._answers)
        return self._clients[-1]

    def _answers(self) -> bool:
        try:
            self._clients[-1].version()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Let it be there and not run."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        if self._process is not None:
            self.kill()
        for client in self._clients:
            client.close()


@pytest.fixture
def own() -> Iterator[Own]:
    found = Own()
    yield found
    found.end()


def listening(port: int) -> set[int]:
    """Return the processes that listen at a port."""
    found = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN and each.pid]
    return {each.pid for each in found if each.pid and getattr(each.laddr, "port", None) == port}


def striking(server: str, echo: Echo, step: Callable[[Caller], object]) -> Scenario:
    provider = proxies({"db": echo.address}, server)
    scenario = Scenario("caller").target(Caller()).step("ask", step).provide("proxies", provider)
    return scenario.continue_on_failure()


def troubles(report: Report) -> dict[str, str]:
    return {f"{each.who.partition(',')[0]} {each.hook}": each.error.message for each in report.troubles}


def test_a_server_that_goes_in_the_middle_is_told(kind: str, echo: Echo, own: Own) -> None:
    """When somebody's server dies during a run, its faults died with it: nothing is left behind, and the report says
    that the server does not answer."""
    client = own.start(kind)

    def step(caller: Caller) -> None:
        caller.ask()
        own.kill()

    report = striking(client.url, echo, step).inject("slow", latency("1ms")).run()
    assert report.verdict is not Verdict.PASS
    assert "ConnectionRefusedError" in troubles(report)["injector 'slow' evidence"]
    assert report.exit_code is not ExitCode.FAULTS_LEFT, report.troubles
    assert journals() == []


def test_a_window_that_finds_no_server_ends_the_run(kind: str, echo: Echo, own: Own) -> None:
    """A toxic that is to come when the server is gone ends the run, with server, proxy and toxic in the error."""
    client = own.start(kind)

    def step(caller: Caller) -> None:
        own.kill()
        time.sleep(0.01)

    late = window("100ms")
    report = striking(client.url, echo, step).inject("slow", latency("1ms"), window=late).run_for("30s").run()
    said = troubles(report)["injector 'slow' open"]
    assert client.url in said
    assert "db" in said
    assert report.duration_s < 30
    assert report.verdict is not Verdict.PASS
    assert journals() == []


def test_an_own_server_that_dies_is_told(echo: Echo, kind: str) -> None:
    """When the run's own server is killed, the report says so; the other injectors are lifted and the run ends."""

    def step(caller: Caller) -> None:
        caller.ask()
        (pid,) = listening(caller.proxy.server.client.port)
        psutil.Process(pid).kill()
        assert wait_until(lambda: not listening(caller.proxy.server.client.port))

    report = striking(kind, echo, step).inject("slow", latency("1ms")).run()
    assert report.verdict is not Verdict.PASS
    assert "injector 'slow' evidence" in troubles(report)


# -- servers that hang


@pytest.mark.slow
def test_a_server_that_never_answers_is_given_up(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that accepts and says nothing holds up neither the run nor its end for longer than its time-outs."""
    monkeypatch.setattr("chaos_toxiproxy.servers.connected.__wrapped__.__defaults__", (0.2,))
    monkeypatch.setattr("chaos_toxiproxy.undoing.TIMEOUT_S", 0.2)
    with Scripted(lambda _: None) as server:
        report = striking(server.url, echo, lambda _: None).run()
        assert "no answer within 0.2 s" in troubles(report)["provider 'proxies' open"]
        assert report.exit_code is ExitCode.FAULTS_LEFT  # the proxy may be there: nobody can tell
        assert "chaoscore toxiproxy --host" in troubles(report)["provider 'proxies' lift"]
        recover()
        assert journals() != []
    assert "the server is gone" in recover()
    assert journals() == []


class Stubborn:
    """A server that does what it is told, and does not answer to DELETE until it is told to."""

    def __init__(self) -> None:
        self.healed = threading.Event()
        self.names: set[str] = set()

    def __call__(self, line: bytes) -> bytes | None:
        method, path, _ = line.decode().split()
        if method == "DELETE":
            if not self.healed.is_set():
                return None
            self.names.discard(path)
            return reply(204)
        if method == "GET":
            return self._found(path)
        return self._made(path)

    def _found(self, path: str) -> bytes:
        known = path == "/metrics" or path in self.names
        return reply(200, b'{"enabled": true}') if known else reply(404, b'{"error": "not found"}')

    def _made(self, path: str) -> bytes:
        if path != "/proxies":
            return reply(200, b"{}")
        self.names.add("/proxies/chaos")
        return reply(201, b'{"name": "chaos", "listen": "127.0.0.1:9", "upstream": "127.0.0.1:9", "enabled": true}')


@pytest.mark.slow
def test_a_delete_that_hangs_is_told_and_recovered(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server does not answer to DELETE, run and watchdog give up, the report says what a person can do, the
    next run refuses to start, and when the server answers again, `chaoscore recover` heals."""
    monkeypatch.setattr("chaos_toxiproxy.undoing.TIMEOUT_S", 0.2)
    script = Stubborn()
    with Scripted(script) as server:
        target = object()
        scenario = Scenario("stubborn").target(target).step("wait", lambda _: None)
        scenario = scenario.provide("proxies", proxies({"db": echo.address}, server.url))
        report = scenario.run()
        assert report.exit_code is ExitCode.FAULTS_LEFT
        assert "no answer within" in troubles(report)["provider 'proxies' lift"]
        assert f"chaoscore toxiproxy --host {server.url} delete chaos-" in troubles(report)["provider 'proxies' lift"]
        script.healed.set()
        assert "undone" in recover()
        assert journals() == []


# -- several runs


def test_two_runs_on_one_server_do_not_meet(client: Client, db: Any, echo: Echo) -> None:
    """Runs at the same time on one server have proxies of their own, and neither takes away what is not its own."""
    client.add_toxic("db", "latency", {"latency": 1}, name="foreign")
    both = threading.Barrier(2, timeout=60)
    reports: list[Report] = []
    seen: list[int] = []

    def step(caller: Caller) -> None:
        assert caller.ask() == b"hello"
        both.wait()
        seen.append(len(client.proxies()))
        both.wait()

    def run() -> None:
        scenario = striking(client.url, echo, step)
        reports.append(scenario.inject("slow", latency("1ms")).inject("gone", latency("2ms")).run())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [3, 3]
    assert [each.verdict for each in reports] == [Verdict.PASS] * 2, reports
    assert [fired for each in reports for fired in (each.injections[0].fired, each.injections[1].fired)] == [1] * 4
    assert set(client.proxies()) == {"db"}
    assert [each["name"] for each in client.proxies()["db"]["toxics"]] == ["foreign"]


def test_one_run_at_a_time_takes_a_proxy_down(client: Client, db: Any) -> None:
    """A run leaves a proxy alone that another has taken down: nothing of it landed, and it enables nothing."""
    inner: list[Report] = []
    between: list[bool] = []

    def outer(_: Any) -> None:
        inner.append(scenario(lambda _: None).run())
        between.append(client.proxies()["db"]["enabled"])

    def scenario(step: Callable[[Any], object]) -> Scenario:
        provider = proxies(server=client.url, existing=["db"])
        built = Scenario("down").target(object()).step("look", step).provide("proxies", provider)
        return built.inject("gone", down(proxy="db"))

    scenario(lambda it: threading_run(outer, it)).run()
    assert (inner[0].injections[0].fired, inner[0].exit_code) == (0, ExitCode.NOTHING_HAPPENED)
    assert between == [False]
    assert client.proxies()["db"]["enabled"]


def threading_run(function: Callable[[Any], object], argument: Any) -> None:
    """Call *function* in a thread of its own."""
    thread = threading.Thread(target=function, args=(argument,))
    thread.start()
    thread.join()


def test_kinds_are_both_tried() -> None:
    """The servers that these tests start are the embedded one and Toxiproxy's own."""
    assert (EMBEDDED, PROGRAM) == ("embedded", "toxiproxy-server")
