"""Real clients of real servers, under every toxic: PostgreSQL by psycopg, Valkey by redis-py, HTTP by http.client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.fixtures import postgres_dsn, postgres_server
from tests.services.postgres import UnavailableError
from tests.services.proxied import PATIENCE_S, Api
from tests.services.valkey import valkey

__all__ = ["postgres_dsn", "postgres_server"]

SIZE = 200_000

HARMLESS: dict[str, dict[str, Any]] = {
    "latency": {"latency": 5, "jitter": 5},
    "bandwidth": {"rate": 20_000},
    "slow_close": {"delay": 50},
    "slicer": {"average_size": 700, "size_variation": 300, "delay": 10},
    "limit_data": {"bytes": 100_000_000},
    "noop": {},
    "loss": {"probability": 0.05, "delay": 2},
    "http_status": {"status": 200},
    "http_body": {"path": "/none"},
}
DEADLY: dict[str, dict[str, Any]] = {
    "timeout": {"timeout": 100},
    "reset_peer": {"timeout": 0},
    "limit_data": {"bytes": 10},
    "corrupt": {"probability": 1},
}

ERRORS = (psycopg.Error, redis.RedisError, OSError, HTTPException, UnicodeError)
Ask = Callable[[tuple[str, int]], Any]


@pytest.fixture(scope="module")
def valkey_port() -> Iterator[int]:
    """A Valkey server."""
    try:
        with valkey() as port:
            yield port
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


class Handler(BaseHTTPRequestHandler):
    """Returns what it is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site(ThreadingHTTPServer):
    """Serves it, and is not surprised by connections that break."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[int]:
    """An HTTP server."""
    with Site(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def ask_postgres(dsn: str, address: tuple[str, int]) -> int:
    with psycopg.connect(make_conninfo(dsn, host=address[0], port=address[1], connect_timeout=20)) as connection:
        [text] = connection.execute("SELECT repeat('x', %s)", [SIZE]).fetchone() or [""]
        return len(text)


def ask_valkey(address: tuple[str, int]) -> int:
    options: dict[str, Any] = {"socket_timeout": PATIENCE_S, "retry": Retry(NoBackoff(), 0)}
    with redis.Redis(*address, **options) as client:
        client.set("key", b"x" * SIZE)
        return len(client.get("key"))


def ask_site(address: tuple[str, int]) -> int:
    connection = HTTPConnection(*address, timeout=PATIENCE_S)
    try:
        connection.request("POST", "/", b"x" * SIZE)
        return len(connection.getresponse().read())
    finally:
        connection.close()


@pytest.fixture(params=["postgres", "valkey", "http"])
def client(request: pytest.FixtureRequest) -> tuple[int, Ask]:
    """The port of a server, and what asks it for `SIZE` bytes by way of an address."""
    if request.param == "postgres":
        dsn = request.getfixturevalue("postgres_dsn")
        return int(str(conninfo_to_dict(dsn)["port"])), lambda address: ask_postgres(dsn, address)
    if request.param == "valkey":
        return request.getfixturevalue("valkey_port"), ask_valkey
    return request.getfixturevalue("site"), ask_site


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("kind", HARMLESS)
def test_toxics_that_disturb(ours: Api, client: tuple[int, Ask], kind: str, stream: str) -> None:
    """Toxics that only disturb leave a client its answer, whole."""
    if kind == "http_status" and stream == "upstream":
        stream = "downstream"
    port, ask = client
    address = ours.proxy(port)
    ours.toxic(kind, stream, **HARMLESS[kind])
    assert ask(address) == SIZE


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize("kind", DEADLY)
def test_toxics_that_break(ours: Api, client: tuple[int, Ask], kind: str, stream: str) -> None:
    """Toxics that break a connection are felt as an error of the driver, and nothing is left when they are gone."""
    port, ask = client
    address = ours.proxy(port)
    name = ours.toxic(kind, stream, **DEADLY[kind])
    if kind == "corrupt":
        ours.toxic("timeout", stream, timeout=300)  # a peer that waits for the rest of nonsense
    with pytest.raises(ERRORS):
        ask(address)
    ours.remove(name)
    ours("POST", "/reset")
    assert ask(address) == SIZE


def test_a_proxy_that_is_down(ours: Api, client: tuple[int, Ask]) -> None:
    """A client of a proxy that is disabled is refused, and served again later at the same address."""
    port, ask = client
    address = ours.proxy(port)
    ours("PATCH", "/proxies/p", {"enabled": False})
    with pytest.raises(ERRORS):
        ask(address)
    ours("PATCH", "/proxies/p", {"enabled": True})
    assert ask(address) == SIZE
