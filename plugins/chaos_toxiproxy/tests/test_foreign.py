"""Those who have toxiproxy-python keep it: its client says where the server is, and works with ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chaos_toxiproxy import from_toxiproxy_python, latency, proxies
from chaos_toxiproxy.client import Client
from chaoscore import Scenario, Verdict
from tests.services.peers import Caller, Echo


@pytest.fixture
def theirs(client: Client) -> Iterator[Any]:
    """A client of theirs, which keeps its address in a class."""
    from toxiproxy import Toxiproxy  # type: ignore[import-untyped]
    from toxiproxy.api import APIConsumer  # type: ignore[import-untyped]

    before = APIConsumer.host, APIConsumer.port
    found = Toxiproxy()
    found.update_api_consumer(client.host, client.port)
    yield found
    APIConsumer.host, APIConsumer.port = before


def test_their_client_becomes_ours(theirs: Any, client: Client) -> None:
    """The client that is made of theirs talks to the same server."""
    ours = from_toxiproxy_python(theirs)
    assert ours.url == client.url
    assert ours.version() == client.version()
    ours.close()


@pytest.mark.usefixtures("installed")
def test_a_proxy_of_theirs_can_be_struck(theirs: Any, echo: Echo) -> None:
    """A proxy that their client has created is struck in a scenario, and theirs afterwards, without a toxic."""
    made = theirs.create(upstream=echo.address, name="db", listen="127.0.0.1:0")
    provider = proxies(server=from_toxiproxy_python(theirs).url, existing=["db"])
    scenario = Scenario("theirs").target(Caller()).step("ask", lambda it: it.ask()).provide("proxies", provider)
    report = scenario.inject("slow", latency("1ms")).run()
    assert report.verdict is Verdict.PASS, report
    assert report.injections[0].fired == 1
    assert made.toxics() == {}
    theirs.destroy_all()


def test_something_else_is_refused() -> None:
    """What is no client of theirs is told as what it is."""
    with pytest.raises(TypeError, match=r"expected a toxiproxy\.Toxiproxy, not 5"):
        from_toxiproxy_python(5)


def test_without_their_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where toxiproxy-python is not installed, the error says which extra brings it."""
    monkeypatch.setitem(__import__("sys").modules, "toxiproxy", None)
    with pytest.raises(ImportError, match=r"pip install \"chaos-toxiproxy\[toxiproxy-python\]\""):
        from_toxiproxy_python(object())
