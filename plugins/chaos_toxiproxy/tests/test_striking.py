"""Toxics in whole runs: what the target felt, and what is proved of it."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from chaos_toxiproxy import (
    bandwidth,
    down,
    latency,
    limit_data,
    proxies,
    reset_peer,
    slicer,
    slow_close,
    timeout,
    toxic,
)
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.servers import EMBEDDED
from chaoscore import ExitCode, Injector, Report, Scenario, Verdict, window
from chaoscore.testing import check_injector
from tests.services.peers import Caller, Echo, wait_until


def run(echo: Echo, server: str, injector: Injector, step: Any, *, caller: Caller | None = None, **how: Any) -> Report:
    target = Caller() if caller is None else caller
    scenario = (
        Scenario("caller").target(target).step("ask", step).provide("proxies", proxies({"db": echo.address}, server))
    )
    return scenario.inject("it", injector, **how).continue_on_failure().run(seed=7)


def fired(report: Report) -> int | None:
    return report.injections[0].fired


def test_latency_is_felt(echo: Echo, kind: str) -> None:
    """An answer takes as long as the scenario says, and the connection is the evidence."""
    took: list[float] = []

    def ask(caller: Caller) -> None:
        began = time.perf_counter()
        assert caller.ask() == b"hello"
        took.append(time.perf_counter() - began)

    report = run(echo, kind, latency("80ms"), ask)
    assert took[0] >= 0.08
    assert (report.verdict, fired(report)) == (Verdict.PASS, 1), report
    assert report.injections[0].detail["connections"] == 1
    assert report.injections[0].detail["bytes"] >= 5


def test_bandwidth_is_felt(echo: Echo, kind: str) -> None:
    """30 kB take a tenth of a second or more at 200 kB per second."""
    took: list[float] = []

    def ask(caller: Caller) -> None:
        began = time.perf_counter()
        assert len(caller.ask(b"x" * 30_000)) == 30_000
        took.append(time.perf_counter() - began)

    report = run(echo, kind, bandwidth("200kB"), ask)
    assert took[0] >= 0.1
    assert fired(report) == 1


def test_slices_arrive(echo: Echo, kind: str) -> None:
    """Everything arrives, in pieces."""
    pieces: list[bytes] = []

    def ask(caller: Caller) -> None:
        assert caller.connection is not None
        caller.connection.sendall(b"x" * 200)
        while sum(map(len, pieces)) < 200:
            pieces.append(caller.connection.recv(65536))

    report = run(echo, kind, slicer(50, delay="20ms"), ask)
    assert len(pieces) >= 2
    assert fired(report) == 1


def test_limited_data_ends(echo: Echo, kind: str) -> None:
    """A connection ends when it has carried its limit, which is evidence although it is gone by then."""
    answers: list[bytes] = []
    report = run(echo, kind, limit_data(3), lambda caller: answers.append(caller.ask()))
    assert answers == [b"hel"]
    assert fired(report) == 1


def test_a_reset_is_felt(echo: Echo, kind: str) -> None:
    """New connections are reset as soon as something comes, and that is told although they are gone."""
    felt: list[str] = []

    def ask(caller: Caller) -> None:
        try:
            caller.ask()
        except ConnectionError as error:
            felt.append(type(error).__name__)

    report = run(echo, kind, reset_peer(), ask, caller=Caller(anew=True))
    assert felt == ["ConnectionResetError"]
    assert fired(report) == 1


def test_silence_is_felt(echo: Echo, kind: str) -> None:
    """Data stops, and the connection is closed when the toxic goes."""
    felt: list[str] = []

    def ask(caller: Caller) -> None:
        assert caller.connection is not None
        caller.connection.settimeout(0.05)
        try:
            caller.ask()
        except TimeoutError as error:
            felt.append(type(error).__name__)

    report = run(echo, kind, timeout(), ask)
    assert felt == ["TimeoutError"]
    assert fired(report) == 1


def test_a_close_is_slow(echo: Echo, kind: str) -> None:
    """The end of a connection comes late."""
    took: list[float] = []

    def close(caller: Caller) -> None:
        with caller.connect() as connection:
            connection.sendall(b"x")
            connection.recv(1)
            connection.shutdown(1)
            began = time.perf_counter()
            assert connection.recv(1) == b""
            took.append(time.perf_counter() - began)

    report = run(echo, kind, slow_close("100ms", stream="upstream" if kind == "embedded" else "downstream"), close)
    assert took[0] >= 0.09
    assert fired(report) == 1


def test_a_proxy_that_is_down_refuses(echo: Echo, kind: str) -> None:
    """Connections are cut, which is the evidence, new ones are refused, and afterwards it is up again."""
    felt: list[str] = []

    class Twice(Caller):
        def teardown(self) -> None:
            super().teardown()
            self.connection = None
            felt.append(self.ask().decode())

    def ask(caller: Caller) -> None:
        assert caller.connection is not None
        assert caller.connection.recv(1) == b""
        try:
            caller.connect()
        except ConnectionRefusedError as error:
            felt.append(type(error).__name__)

    report = run(echo, kind, down(), ask, caller=Twice())
    assert felt == ["ConnectionRefusedError", "hello"]
    assert (report.verdict, fired(report)) == (Verdict.PASS, 1), report


@pytest.mark.usefixtures("installed")
def test_a_proxy_that_is_down_already_stays_so(client: Client, db: Any) -> None:
    """A proxy that somebody has disabled is not enabled by a run that would take it down."""
    client.update("db", enabled=False)
    provider = proxies(server=client.url, existing=["db"])
    scenario = Scenario("down").target(object()).step("look", lambda _: None).provide("proxies", provider)
    assert scenario.inject("gone", down()).run().injections[0].fired == 0
    assert not client.proxies()["db"]["enabled"]


def test_upstream_is_the_other_way(echo: Echo, kind: str) -> None:
    """A limit on what goes to the upstream cuts the request, and so its answer."""
    answers: list[bytes] = []
    run(echo, kind, limit_data(2, stream="upstream"), lambda caller: answers.append(caller.ask()))
    assert answers in ([b""], [b"he"])


def test_any_toxic_can_be_asked_for(echo: Echo, kind: str) -> None:
    """A type of toxic without an injector of its own works by its name and attributes."""
    report = run(echo, kind, toxic("latency", {"latency": 2}), lambda caller: caller.ask())
    assert (report.verdict, fired(report)) == (Verdict.PASS, 1), report


# -- what is not proved


def test_a_proxy_that_nobody_used_proves_nothing(echo: Echo, kind: str) -> None:
    """An open connection over which nothing goes is struck by no latency, and the exit code says that nothing was."""
    report = run(echo, kind, latency("1ms"), lambda _: None)
    assert fired(report) == 0
    assert report.exit_code is ExitCode.NOTHING_HAPPENED


def test_traffic_of_another_proxy_proves_nothing(echo: Echo, kind: str) -> None:
    """What goes through a proxy beside the one that is struck is no evidence."""
    provider = proxies({"db": echo.address, "cache": echo.address}, kind)
    scenario = Scenario("caller").target(Caller()).step("ask", lambda it: it.ask()).provide("proxies", provider)
    report = scenario.inject("slow", latency("1ms", proxy="cache")).run()
    assert report.injections[0].fired == 0


def test_traffic_before_the_fault_proves_nothing(echo: Echo, kind: str) -> None:
    """What a connection carried before its toxic came is no evidence."""

    class Early(Caller):
        def setup(self, proxies: Any) -> None:
            super().setup(proxies)
            assert self.ask() == b"hello"

    report = run(echo, kind, latency("1ms"), lambda _: None, caller=Early())
    assert (report.injections[0].opened, fired(report)) == (1, 0)


# -- which proxy, when


def test_a_scope_is_a_proxy(echo: Echo, kind: str) -> None:
    """An injector of a scope strikes the proxy of that name, and no other."""
    provider = proxies({"cache": echo.address, "db": echo.address}, kind)
    scenario = Scenario("caller").target(Caller()).step("ask", lambda it: it.ask()).provide("proxies", provider)
    report = scenario.scope("db", {"slow": latency("1ms"), "thin": bandwidth("1MB")}).run()
    assert [each.detail["proxy"] for each in report.injections] == ["db", "db"]
    assert [each.fired for each in report.injections] == [1, 1]


def test_one_name_of_two_providers_is_an_error(echo: Echo) -> None:
    """Two providers may not have proxies of one name: which is meant would be a guess."""
    scenario = Scenario("caller").target(Caller()).step("ask", lambda it: it.ask())
    for name in ("proxies", "more"):
        scenario = scenario.provide(name, proxies({"db": echo.address}))
    report = scenario.inject("slow", latency("1ms")).run()
    assert "two providers have a proxy named db" in report.troubles[0].error.message


class SeenError(Exception):
    """Everything has been seen; ends the run."""


def test_windows_open_and_lift(echo: Echo, kind: str) -> None:
    """A toxic comes and goes with its window: again and again, under a name that is free each time."""
    seen: list[bool] = []

    def ask(caller: Caller) -> None:
        caller.ask()
        there = is_poisoned(caller)
        if not seen or seen[-1] != there:
            seen.append(there)
        if seen.count(True) == 3:
            raise SeenError

    report = (
        Scenario("caller")
        .target(Caller())
        .step("ask", ask)
        .provide("proxies", proxies({"db": echo.address}, kind))
        .inject("slow", latency("2ms"), window=window(every="100ms", for_="50ms"))
        .run_for("60s")
        .run()
    )
    [injection] = report.injections
    assert [each.first.type.rpartition(".")[2] for each in report.errors] == ["SeenError"]
    assert report.troubles == ()
    assert injection.opened >= 3
    assert injection.fired is not None
    assert injection.fired >= 1


@pytest.mark.parametrize(
    ("injector", "text"),
    [
        (latency("1ms", proxy="dbs"), "no proxy 'dbs' (did you mean 'db'?); have db"),
        (down(proxy="cache"), "no proxy 'cache'; have db"),
        (toxic("no_such_toxic"), "add toxic 'chaos-"),
        (toxic("latency", {"latency": "soon"}), "bad request body"),
    ],
)
def test_what_cannot_be_struck_is_told(echo: Echo, kind: str, injector: Injector, text: str) -> None:
    """An unknown proxy or toxic, and an attribute of a wrong type, end the run before its workload, and say why."""
    report = run(echo, kind, injector, lambda caller: caller.ask())
    assert report.verdict is Verdict.UNKNOWN
    [trouble] = report.troubles
    assert (trouble.who, trouble.hook) == ("injector 'it'", "open")
    assert text in trouble.error.message
    assert report.iterations.judged == 0


def test_an_upstream_that_refuses_is_told(kind: str) -> None:
    """Where nothing listens at the upstream, the report says that this is why no fault landed."""
    closed = Echo()
    closed.close()

    def ask(caller: Caller) -> None:
        if caller.ask() != b"hello":
            raise ConnectionError("no answer")

    provider = proxies({"db": closed.address}, kind)
    scenario = Scenario("caller").target(Caller(anew=True)).step("ask", ask).provide("proxies", provider)
    report = scenario.inject("slow", latency("1ms")).run()
    [trouble] = report.troubles
    assert trouble.hook == "evidence"
    assert f"proxy 'db': nothing passed it, and its upstream {closed.address} does not answer" in trouble.error.message
    assert report.verdict is Verdict.FAIL


# -- the promises of every injector


def is_poisoned(caller: Caller) -> bool:
    server = caller.proxy.server.client
    proxy = server.proxy(caller.proxy.key)
    return bool(proxy and (proxy["toxics"] or not proxy["enabled"]))


EMBEDDED_ONLY = pytest.mark.parametrize("kind", [EMBEDDED], indirect=True)


def ask_anew(caller: Caller) -> None:
    """Ask over a connection of its own, until its end."""
    try:
        with caller.connect() as connection:
            connection.settimeout(0.2)
            connection.sendall(b"hello")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    except OSError:
        return


@EMBEDDED_ONLY
@pytest.mark.parametrize(
    ("make", "strike"),
    [
        (lambda: latency("1ms"), Caller.ask),
        (lambda: bandwidth("10MB"), Caller.ask),
        (lambda: slicer(2), Caller.ask),
        (lambda: slow_close("1ms"), ask_anew),
        (reset_peer, ask_anew),
        (lambda: limit_data(2), ask_anew),
        (timeout, ask_anew),
        (down, lambda _: None),
        (lambda: toxic("latency", {"latency": 1}), Caller.ask),
    ],
    ids=["latency", "bandwidth", "slicer", "slow_close", "reset_peer", "limit_data", "timeout", "down", "toxic"],
)
def test_injectors_conform(echo: Echo, standing: Any, make: Any, strike: Any) -> None:
    """Every injector strikes, proves it, refuses wrong values and is lifted on every way out."""
    check_injector(
        make,
        strike=strike,
        target=Caller,
        in_effect=is_poisoned,
        providers={"proxies": standing(echo.address)},
        wrong=[{"proxy": ""}, {"proxy": 5}],
        iterations=2,
    )


@pytest.mark.slow
def test_it_conforms_on_a_server_of_the_run(echo: Echo, kind: str) -> None:
    """The same holds on a server that is started for each run."""
    check_injector(
        lambda: latency("1ms"),
        strike=Caller.ask,
        target=Caller,
        in_effect=is_poisoned,
        providers={"proxies": proxies({"db": echo.address}, kind)},
        iterations=2,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("installed")
@EMBEDDED_ONLY
def test_it_conforms_on_a_server_that_runs_on(echo: Echo, client: Client) -> None:
    """The same holds where a journal takes the toxic back."""
    check_injector(
        lambda: latency("1ms"),
        strike=Caller.ask,
        target=Caller,
        in_effect=is_poisoned,
        providers={"proxies": proxies({"db": echo.address}, client.url)},
        iterations=2,
    )
    assert wait_until(lambda: client.proxies() == {})
