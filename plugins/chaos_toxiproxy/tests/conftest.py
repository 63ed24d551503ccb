"""An upstream to put proxies in front of, the servers that there are, and a state directory for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib.metadata import entry_points
from typing import Any

import pytest

from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import MissingServerError
from chaos_toxiproxy.servers import EMBEDDED, PROGRAM, Server, program, running
from tests.services.peers import Echo

KINDS = (EMBEDDED, PROGRAM)


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that sends back what it gets."""
    with closing(Echo()) as server:
        yield server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which server is started: the embedded one, and Toxiproxy's own."""
    if request.param == PROGRAM:
        toxiproxy()
    return str(request.param)


def toxiproxy() -> None:
    """Leave out a test of Toxiproxy's own server where there is none."""
    try:
        program()
    except MissingServerError as error:
        pytest.skip(f"cannot run here: {error}")


_RUNNING = pytest.StashKey[dict[str, Server]]()


@pytest.fixture
def server(request: pytest.FixtureRequest, kind: str) -> Iterator[Server]:
    """A server that lives until the last test of the session, and has no proxy when a test begins and ends."""
    servers = request.config.stash.setdefault(_RUNNING, {})
    if kind not in servers:
        stack = ExitStack()
        servers[kind] = stack.enter_context(running(kind))

        def end() -> None:
            del servers[kind]
            stack.close()

        request.session.addfinalizer(end)
    yield servers[kind]
    left = list(servers[kind].client.proxies())
    for name in left:
        servers[kind].client.delete(name)
    assert left == []


@pytest.fixture
def client(server: Server) -> Client:
    """A client of that server."""
    return server.client


@pytest.fixture
def db(client: Client, echo: Echo) -> Iterator[dict[str, Any]]:
    """A proxy named db in front of the echo."""
    yield client.create("db", echo.address)
    client.delete("db")


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a run writes down is out of the way of other runs, and no server is meant but those named."""
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("TOXIPROXY_URL", raising=False)
    monkeypatch.delenv("CHAOS_TOXIPROXY_TOKEN", raising=False)


@pytest.fixture
def installed() -> None:
    """Leave out a test of faults that a watchdog undoes: it finds their undo only where the plugin is installed."""
    if not entry_points(group="chaoscore", name="toxiproxy"):
        pytest.skip("cannot run here: this plugin is not installed")
