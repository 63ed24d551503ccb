"""An upstream to put proxies in front of, the servers that there are, and a state directory for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.metadata import entry_points
from typing import Any, ClassVar

import pytest

from chaos_toxiproxy.addresses import split
from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import MissingServerError
from chaos_toxiproxy.providing import Proxy, ProxySet
from chaos_toxiproxy.servers import EMBEDDED, PROGRAM, Server, program, running
from chaoscore import Site, Undo
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


class Standing:
    """Provides a proxy of a server that stands already, as one of a server of the run's own, in little time."""

    kind: ClassVar[str] = "standing"
    undo: ClassVar[Undo] = Undo.KERNEL

    def __init__(self, client: Client, upstream: str) -> None:
        self._client, self._upstream = client, upstream

    @contextmanager
    def open(self, site: Site) -> Iterator[ProxySet]:
        """Create a proxy named db, and delete it."""
        made = self._client.create("db", self._upstream)
        host, port = split(made["listen"])
        server = Server(self._client, True)
        yield ProxySet({"db": Proxy(name="db", key="db", host=host, port=port, upstream=self._upstream, server=server)})
        self._client.delete("db")


@pytest.fixture
def standing(client: Client) -> Callable[[str], Standing]:
    """Return what provides a proxy in front of an upstream."""
    return lambda upstream: Standing(client, upstream)


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
