"""Faults that only the embedded server has: of packets, of HTTP, of UDP; and what becomes of them elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chaos_toxiproxy import (
    bandwidth,
    corrupt,
    duplicate,
    http_abort,
    http_body,
    http_delay,
    http_headers,
    http_status,
    latency,
    loss,
    proxies,
    reorder,
)
from chaos_toxiproxy.servers import EMBEDDED, PROGRAM
from chaoscore import Injector, Report, Scenario, Verdict
from chaoscore.testing import check_injector
from tests.services.peers import Caller, Echo

TOXIPROXY = pytest.mark.parametrize("kind", [PROGRAM], indirect=True)


def run(upstream: str, injector: Injector, step: Any, server: str = "embedded", **how: Any) -> Report:
    """Run *step* once with a proxy named db."""
    scenario = Scenario("caller").target(Caller(anew=True)).step("ask", step)
    scenario = scenario.provide("proxies", proxies({"db": upstream}, server, **how))
    return scenario.inject("it", injector).run(seed=7)


def passed(report: Report) -> int:
    """Return how many connections the fault struck in a run that passed."""
    assert report.verdict is Verdict.PASS, report
    return report.injections[0].fired or 0


# -- HTTP


class Shop(BaseHTTPRequestHandler):
    """Answers every request with its path and the header that it brought."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('X-Who', 'nobody')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Shop", "open")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    """An HTTP server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def get(caller: Caller, path: str = "/orders/5", patience_s: float = 20) -> tuple[int, str | None, str]:
    with closing(HTTPConnection(caller.proxy.host, caller.proxy.port, timeout=patience_s)) as connection:
        connection.request("GET", path, headers={"X-Who": "me"})
        response = connection.getresponse()
        return response.status, response.headers.get("X-Shop"), response.read().decode()


@pytest.mark.parametrize(
    ("injector", "answer"),
    [
        (http_status(503), (503, "open", "/orders/5 me")),
        (http_status(503, method="get", path="/orders/*"), (503, "open", "/orders/5 me")),
        (http_body("closed"), (200, "open", "closed")),
        (http_headers({"X-Shop": "", "X-New": "1"}), (200, None, "/orders/5 me")),
        (http_headers({"X-Who": "you"}, stream="upstream"), (200, "open", "/orders/5 you")),
        (http_delay("2ms"), (200, "open", "/orders/5 me")),
    ],
)
def test_http_is_changed(shop: str, injector: Injector, answer: Any) -> None:
    """A message that is struck comes with another status, body or header, or late."""
    answers: list[Any] = []
    assert passed(run(shop, injector, lambda caller: answers.append(get(caller)))) == 1
    assert answers == [answer]


def test_http_is_aborted(shop: str) -> None:
    """A request that is struck resets its connection."""
    felt: list[str] = []

    def ask(caller: Caller) -> None:
        try:
            get(caller)
        except ConnectionError as error:
            felt.append(type(error).__name__)

    assert passed(run(shop, http_abort(stream="upstream", path="/orders/*"), ask)) == 1
    assert felt == ["ConnectionResetError"]


def test_http_that_does_not_match_proves_nothing(shop: str) -> None:
    """A path that nobody asks for is struck by nothing."""
    report = run(shop, http_status(503, path="/bills/*"), get)
    assert report.injections[0].fired == 0


# -- packets


def test_bytes_are_corrupted(echo: Echo) -> None:
    """A byte that is struck comes back with one bit flipped."""
    answers: list[bytes] = []
    assert passed(run(echo.address, corrupt("100%"), lambda caller: answers.append(caller.ask(bytes(8))))) == 1
    assert [each.bit_count() for each in answers[0]] == [1] * 8


def test_lost_segments_come_again(echo: Echo) -> None:
    """A stream is whole in spite of losses."""
    answers: list[bytes] = []
    assert passed(run(echo.address, loss(1, "5ms"), lambda caller: answers.append(caller.ask(b"hello")))) == 1
    assert answers == [b"hello"]


def test_a_rate_is_shared(echo: Echo) -> None:
    """All connections of a proxy share one rate."""
    assert passed(run(echo.address, bandwidth("1MB", shared=True), lambda caller: caller.ask())) == 1


@pytest.fixture
def echoing() -> Iterator[str]:
    """A UDP server that sends back what it gets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, who = sock.recvfrom(65536)
                if not data:
                    return
                sock.sendto(data, who)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"udp://127.0.0.1:{sock.getsockname()[1]}"
        sock.sendto(b"", sock.getsockname())
        thread.join()


def datagrams(caller: Caller, count: int, patience_s: float) -> list[bytes]:
    """Send one datagram and return what comes back, as many as asked for."""
    found: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(patience_s)
        sock.sendto(b"hello", (caller.proxy.host, caller.proxy.port))
        try:
            while len(found) < count:
                found.append(sock.recv(65536))
        except TimeoutError:
            pass
    return found


@pytest.mark.parametrize(
    ("injector", "count", "patience_s"),
    [(duplicate(1), 2, 20), (loss(1), 0, 0.05), (reorder(1, "2ms"), 1, 20), (latency("2ms"), 1, 20)],
    ids=["duplicate", "loss", "reorder", "latency"],
)
def test_datagrams_are_struck(echoing: str, injector: Injector, count: int, patience_s: float) -> None:
    """A datagram comes twice, never, late or overtaken, and that is proved."""
    answers: list[bytes] = []
    report = run(echoing, injector, lambda caller: answers.extend(datagrams(caller, max(count, 1), patience_s)))
    assert passed(report) == 1
    assert answers == [b"hello"] * count


# -- the promises of every injector


@pytest.mark.parametrize("kind", [EMBEDDED], indirect=True)
@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: corrupt(1), []),
        (lambda: loss(1, "1ms"), []),
        (lambda: http_status(503), [{"status": 100}, {"method": "GET /"}, {"stream": "upstream"}]),
        (lambda: http_delay("1ms"), [{"delay": 0}]),
        (lambda: http_body("closed"), []),
        (lambda: http_headers({"X-Shop": ""}), [{"headers": {}}, {"headers": {"a b": "c"}}]),
        (http_abort, [{"path": 5}]),
    ],
    ids=["corrupt", "loss", "status", "delay", "body", "headers", "abort"],
)
def test_injectors_conform(shop: str, standing: Any, make: Any, wrong: Any) -> None:
    """Every injector strikes, proves it, refuses wrong values and is lifted on every way out."""

    def ask(caller: Caller) -> None:
        try:
            get(caller, patience_s=0.3)
        except (OSError, HTTPException):  # what was corrupted may never end
            return

    check_injector(
        make,
        strike=ask,
        target=lambda: Caller(anew=True),
        providers={"proxies": standing(shop)},
        wrong=wrong,
        iterations=2,
    )


# -- elsewhere


@TOXIPROXY
@pytest.mark.parametrize(
    ("injector", "said"),
    [
        (loss(0.5), "invalid toxic type"),
        (http_status(503), "invalid toxic type"),
        (bandwidth("1MB", shared=True), "toxic 'bandwidth': it passes over shared, which it does not know"),
    ],
)
def test_toxiproxy_has_none_of_them(echo: Echo, kind: str, injector: Injector, said: str) -> None:
    """On Toxiproxy's own server such a fault is an error, also where that would pass it over in silence."""
    report = run(echo.address, injector, lambda caller: caller.ask(), kind)
    assert report.verdict is Verdict.UNKNOWN
    assert said in report.troubles[0].error.message


@TOXIPROXY
@pytest.mark.parametrize(
    ("upstream", "how", "said"),
    [("udp://127.0.0.1:9", {}, "network"), ("127.0.0.1:9", {"tls": {"db": {"upstream": True}}}, "tls")],
)
def test_toxiproxy_speaks_neither_udp_nor_tls(kind: str, upstream: str, how: Any, said: str) -> None:
    """A proxy that Toxiproxy would make as one of TCP, in silence, is an error."""
    report = run(upstream, latency("1ms"), lambda caller: caller.ask(), kind, **how)
    assert (
        f"proxy 'db': it passes over {said}, which it does not know; use server='embedded'"
        in report.troubles[0].error.message
    )


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: loss(0), "a probability here lies above 0"),
        (lambda: loss(2), "a probability lies between 0 and 1"),
        (lambda: reorder(0.5, 0), "it must be 1 ms or more"),
        (lambda: http_status(700), "status is a whole number, 200 to 599, not 700"),
        (lambda: http_status("503"), "status is a whole number"),  # type: ignore[arg-type]
        (lambda: http_status(stream="upstream"), "only responses have a status"),
        (lambda: http_status(method="GET /"), "method is a word such as 'GET'"),
        (lambda: http_status(path=5), "path is a text"),  # type: ignore[arg-type]
        (lambda: http_delay(0), "it must be 1 ms or more"),
        (lambda: http_body(b"x"), "body is a text"),  # type: ignore[arg-type]
        (lambda: http_headers({}), "headers are a mapping"),
        (lambda: http_headers({"a b": "c"}), "headers map names to text"),
        (lambda: http_headers({"a": "b\r\nc"}), "one line of Latin-1"),
        (lambda: bandwidth("1MB", shared=1), "shared"),  # type: ignore[arg-type]
        (lambda: proxies({"db": "a:1"}, tls={"bd": {}}), "tls names bd, which upstreams does not"),
        (lambda: proxies({"db": "a:1"}, tls={"db": 5}), "tls maps names to settings"),  # type: ignore[dict-item]
    ],
)
def test_wrong_values_cannot_be_built(make: Any, text: str) -> None:
    """A value that no server could take is refused with what would do."""
    with pytest.raises((ValueError, TypeError), match=text):
        make()
