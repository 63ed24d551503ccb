"""Proxies that a scenario provides."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from chaos_toxiproxy import latency, proxies
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import UnknownProxyError
from chaos_toxiproxy.providing import ProxySet, run_name
from chaoscore import Report, Scenario, Undo, Verdict
from chaoscore.testing import check_provider
from tests.services.peers import Caller, Echo, Scripted, reply


def asked(caller: Caller, provider: Any) -> Scenario:
    return (
        Scenario("caller")
        .target(caller)
        .step("ask", lambda it: it.answers.append(it.ask()))
        .provide("proxies", provider)
        .repeat(3)
    )


def only_trouble(report: Report) -> str:
    """Return the one error of a run that is unknown for it."""
    assert report.verdict is Verdict.UNKNOWN
    [trouble] = report.troubles
    return f"{trouble.who} {trouble.hook}: {trouble.error.type.rpartition('.')[2]}: {trouble.error.message}"


def test_it_conforms(kind: str, echo: Echo) -> None:
    """The provider keeps what every run relies on, and refuses wrong values."""
    check_provider(
        lambda: proxies({"db": echo.address}, kind),
        wrong=[
            {"upstreams": {}},
            {"upstreams": {"db": "nowhere"}},
            {"upstreams": {"": "a:1"}},
            {"upstreams": ["a:1"]},
            {"server": "somewhere else"},
            {"server": 5},
            {"listen": {"cache": "127.0.0.1:0"}},
            {"existing": ["db"]},
        ],
    )


def test_the_target_gets_an_address(kind: str, echo: Echo) -> None:
    """What the target sends to a proxy's address reaches its upstream, and the proxy is gone after the run."""
    caller = Caller()
    report = asked(caller, proxies({"db": echo.address}, kind)).run()
    assert report.verdict is Verdict.PASS, report
    assert caller.answers == [b"hello"] * 3
    assert caller.proxy.address == f"{caller.proxy.host}:{caller.proxy.port}"
    assert caller.proxy.upstream == echo.address
    with pytest.raises(ConnectionRefusedError):
        caller.connect()


def test_modules_beside_the_scenario_do_not_matter(
    kind: str, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server starts in a folder with a module that has the name of one of the standard library."""
    (tmp_path / "socket.py").write_text("raise SystemExit('the wrong socket')")
    monkeypatch.chdir(tmp_path)
    caller = Caller()
    assert asked(caller, proxies({"db": echo.address}, kind)).run().verdict is Verdict.PASS


@pytest.mark.usefixtures("installed")
def test_a_server_that_runs_already_keeps_its_own(client: Client, db: Any, echo: Echo) -> None:
    """A run creates its proxies beside those of the server, under names with its own, and deletes only them."""
    seen: list[set[str]] = []
    caller = Caller()
    scenario = asked(caller, proxies({"db": echo.address}, client.url)).step(
        "look", lambda _: seen.append(set(client.proxies()))
    )
    report = scenario.run()
    assert report.verdict is Verdict.PASS, report
    assert seen[0] == {"db", f"chaos-{report.run_id}-db"}
    assert set(client.proxies()) == {"db"}
    assert caller.answers[0] == b"hello"


@pytest.mark.usefixtures("installed")
def test_an_existing_proxy_stays(client: Client, db: Any) -> None:
    """A proxy that the server has already is handed to the target, can be struck, and stays as it was."""
    caller = Caller()
    provider = proxies(server=client.url, existing=["db"])
    report = asked(caller, provider).inject("slow", latency("1ms")).run()
    assert report.verdict is Verdict.PASS, report
    assert report.injections[0].fired == 1
    assert client.proxy("db") == db


@pytest.mark.usefixtures("installed")
def test_an_existing_proxy_that_is_not_there_is_an_error(client: Client, db: Any) -> None:
    """The error says which proxies the server has, and the nearest name."""
    said = only_trouble(asked(Caller(), proxies(server=client.url, existing=["dbs"])).run())
    assert "UnknownProxyError: no proxy 'dbs' (did you mean 'db'?); have db" in said


@pytest.mark.usefixtures("installed")
def test_a_port_that_is_taken_is_an_error(kind: str, client: Client, echo: Echo) -> None:
    """A proxy that cannot listen ends the run before the target is set up, and the other proxies are deleted."""
    for server in (kind, client.url):
        provider = proxies({"a": echo.address, "db": echo.address}, server, listen={"db": echo.address})
        caller = Caller()
        said = only_trouble(asked(caller, provider).run())
        assert said.startswith("provider 'proxies' open: RefusedError: ")
        assert f"at {echo.address}: it answered 500" in said
        assert "address already in use" in said
        assert caller.proxy is None
        assert client.proxies() == {}


def test_a_port_may_be_chosen(kind: str, echo: Echo) -> None:
    """A proxy listens where `listen` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    caller = Caller()
    asked(caller, proxies({"db": echo.address}, kind, listen={"db": f"127.0.0.1:{port}"})).run()
    assert (caller.proxy.port, caller.answers) == (port, [b"hello"] * 3)


@pytest.mark.usefixtures("installed")
def test_a_server_that_is_not_there_is_an_error() -> None:
    """Where nothing listens at the URL, the error says so before the target is set up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    said = only_trouble(asked(Caller(), proxies({"db": "127.0.0.1:1"}, url)).run())
    assert f"UnreachableError: {url}: create proxy 'chaos-" in said
    assert "see that a Toxiproxy server answers there" in said


@pytest.mark.usefixtures("installed")
def test_a_server_that_is_something_else_is_an_error() -> None:
    """A server that answers, but is no Toxiproxy, is told with what it said."""
    with Scripted(lambda _: reply(404, b"who are you?")) as server:
        said = only_trouble(asked(Caller(), proxies({"db": "127.0.0.1:1"}, server.url)).run())
    assert "it answered 404, 'who are you?'" in said


def test_a_program_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Toxiproxy's own server on the machine, the error says what to install, and what needs nothing."""
    monkeypatch.setenv("TOXIPROXY_SERVER", "no-such-toxiproxy")
    said = only_trouble(asked(Caller(), proxies({"db": "127.0.0.1:1"}, "toxiproxy-server")).run())
    assert "MissingServerError: there is no 'no-such-toxiproxy' on PATH" in said
    assert "server='embedded'" in said


def test_a_program_that_ends_at_once_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is no server is told by its exit code."""
    monkeypatch.setenv("TOXIPROXY_SERVER", "false")
    said = only_trouble(asked(Caller(), proxies({"db": "127.0.0.1:1"}, "toxiproxy-server")).run())
    assert "StartError: " in said
    assert "it ended with exit code 1" in said


@pytest.mark.parametrize(("upstream", "server"), [("192.0.2.1:80", "embedded"), ("127.0.0.1:80", "http://192.0.2.1:1")])
@pytest.mark.usefixtures("installed")
def test_faults_stay_on_loopback(upstream: str, server: str) -> None:
    """A server or an upstream elsewhere needs to be allowed, by scenario and command line."""
    provider = proxies({"db": upstream}, server, listen={"db": "127.0.0.1:0"})
    said = only_trouble(asked(Caller(), provider).run())
    assert "ForbiddenTargetError" in said
    assert "192.0.2.1" in said


def test_where_a_proxy_elsewhere_listens_is_for_people_to_say() -> None:
    """On a server that is not this machine, a proxy would be open to whoever comes, so the address is asked for."""
    with pytest.raises(ValueError, match="listen must say where db listens: the server is not on this machine"):
        proxies({"db": "10.0.0.1:5432"}, "http://10.0.0.2:8474")


def test_how_it_is_taken_away_depends_on_the_server() -> None:
    """A server of the run's own ends with it; what is made elsewhere is journalled."""
    upstreams = {"db": "127.0.0.1:1"}
    assert [proxies(upstreams, each).undo for each in ("embedded", "toxiproxy-server", "localhost:8474")] == [
        Undo.KERNEL,
        Undo.KERNEL,
        Undo.JOURNAL,
    ]


def test_a_plan_shows_where_it_goes() -> None:
    """What the names stand for is the server that runs already, and the upstreams."""
    assert proxies({"db": "localhost:5432"}).aims == (("localhost", 5432),)
    assert proxies({"db": "localhost:5432"}, "localhost:1").aims == (("localhost", 1), ("localhost", 5432))
    elsewhere = proxies({"db": "inside:5432"}, "10.0.0.2:1", listen={"db": "10.0.0.2:5432"})
    assert elsewhere.aims == (("10.0.0.2", 1),)


def test_doctor_sees_which_server_answers(kind: str) -> None:
    """Its examination names the version of the server, which is started and ended for that."""
    assert proxies({"db": "127.0.0.1:1"}, kind).examine().startswith("Toxiproxy ")


def test_an_unknown_proxy_is_told_with_the_nearest() -> None:
    """A target that asks for a proxy that is not there gets a LookupError with what there is."""
    found = ProxySet({})
    with pytest.raises(LookupError, match="the scenario provides no proxy"):
        found["db"]
    assert (list(found), len(found), "db" in found) == ([], 0, False)
    assert str(UnknownProxyError(None, ["a", "b"])).endswith("give it proxy= one of a, b")


@pytest.mark.parametrize("name", ["db", "a/b", "ä b", "x?y#z"])
def test_names_at_the_server_fit_any_path(name: str) -> None:
    """A name at the server has nothing that a path would not carry, and different names stay different."""
    made = run_name("20260101-000000-abcdef", name)
    assert made.startswith("chaos-20260101-000000-abcdef-")
    assert made.isascii()
    assert not set("/?#% ") & set(made)
    assert made != run_name("20260101-000000-abcdef", name + "!")
