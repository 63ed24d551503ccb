"""The servers that tests talk to, raw, and the other end of what goes through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from chaos_toxiproxy.server import start
from tests.services.proxied import Api, Upstream, real_toxiproxy, toxiproxy_program

SEED = 7


@pytest.fixture(scope="session")
def running() -> Iterator[dict[str, Api]]:
    """The servers that were asked for, which live until the last test."""
    with ExitStack() as stack:
        yield _Servers(stack)


class _Servers(dict[str, Api]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, kind: str) -> Api:
        program = toxiproxy_program()
        if kind == "embedded":
            server = self._stack.enter_context(start(seed=SEED))
            self[kind] = Api(int(server.url.rpartition(":")[2]), server.pid)
        elif program is None:
            pytest.skip("cannot run here: no toxiproxy-server on PATH")
        else:
            self[kind] = self._stack.enter_context(real_toxiproxy(program))
        return self[kind]


@pytest.fixture(params=["embedded", "toxiproxy"])
def api(request: pytest.FixtureRequest, running: dict[str, Api]) -> Iterator[Api]:
    """Each server in turn, without proxies: what holds for both proves the test as well."""
    yield running[request.param]
    running[request.param].clear()


@pytest.fixture
def ours(running: dict[str, Api]) -> Iterator[Api]:
    """The embedded server, without proxies."""
    yield running["embedded"]
    running["embedded"].clear()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """The other end."""
    with closing(Upstream()) as made:
        yield made
