"""Toxics that know HTTP, between a client and a server of the standard library."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

from tests.services.proxied import PATIENCE_S, Api, Upstream, receive


class Handler(BaseHTTPRequestHandler):
    """Says what was asked; under /chunked in chunks, and under /close until the connection ends."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm, wbufsize = True, -1

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = f"{self.headers.get('X-Asked')} {self.headers.get('Content-Length')}"
        answer = f"{self.command} {self.path} {body.decode()} {headers}".encode()
        self.send_response(200)
        self.send_header("X-Said", "yes")
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            answer = b"".join(b"%x\r\n%c\r\n" % (1, each) for each in answer) + b"0\r\n\r\n"
        elif self.path.startswith("/close"):
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_POST = do_HEAD = do_GET  # noqa: N815 - how the base class looks for them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Site(ThreadingHTTPServer):
    """Serves it, and is not surprised by connections that break."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[int]:
    """A server, by its port."""
    with Site(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@attrs.define
class Browser:
    """A client on one connection that is kept."""

    connection: http.client.HTTPConnection

    def __call__(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, given)
        reply = self.connection.getresponse()
        return reply.status, reply.headers, reply.read().decode()


@pytest.fixture
def browser(ours: Api, site: int) -> Iterator[Browser]:
    """A client of the site, through a proxy."""
    host, port = ours.proxy(site)
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    yield Browser(connection)
    connection.close()


PATHS = ("/a", "/chunked", "/a?q=1")


def test_a_status(ours: Api, browser: Browser) -> None:
    """Responses to requests that match get another status; others, and all bodies, stay."""
    ours.toxic("http_status", status=503, path="/a*", method="get")
    assert browser("/a")[::2] == (503, "GET /a  None None")
    assert browser("/b")[0] == 200
    assert browser("/a", "POST", b"x")[0] == 200
    assert browser("/a?q=1")[0] == 503
    ours.remove("http_status_downstream")
    assert browser("/a")[0] == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_status_on_any_framing(ours: Api, browser: Browser, path: str) -> None:
    """Whatever says where a body ends, the next response is found."""
    ours.toxic("http_status", status=418)
    for method in ("GET", "HEAD", "POST", "GET"):
        assert browser(path, method)[0] == 418


def test_a_response_until_the_end(ours: Api, browser: Browser) -> None:
    """A body that ends with the connection arrives whole."""
    ours.toxic("http_status", status=500)
    assert browser("/close")[::2] == (500, "GET /close  None None")
    assert browser("/close")[0] == 500


def test_headers_of_responses(ours: Api, browser: Browser) -> None:
    """Headers are set, replaced and removed."""
    ours.toxic("http_headers", headers={"X-Said": "no", "X-More": "more", "Date": None})
    _, headers, body = browser("/a")
    assert (headers.get_all("X-Said"), headers["X-More"], headers["Date"]) == (["no"], "more", None)
    assert body == "GET /a  None None"


def test_headers_of_requests(ours: Api, browser: Browser) -> None:
    """In the other direction it is the requests that change."""
    ours.toxic("http_headers", "upstream", headers={"X-Asked": "changed"}, path="/a")
    assert browser("/a", X_Asked="kindly")[2].endswith(" changed None")
    assert browser("/b", X_Asked="kindly")[2].endswith(" kindly None")


@pytest.mark.parametrize("path", PATHS)
def test_bodies_of_responses(ours: Api, browser: Browser, path: str) -> None:
    """A body is replaced, with its length."""
    ours.toxic("http_body", body='{"é": 1}')
    for _ in range(2):
        _, headers, body = browser(path)
        assert (body, headers["Content-Length"], headers["Transfer-Encoding"]) == ('{"é": 1}', "9", None)


def test_bodies_of_requests(ours: Api, browser: Browser) -> None:
    """A request's body is replaced as well."""
    ours.toxic("http_body", "upstream", body="changed")
    assert browser("/a", "POST", b"x" * 300_000)[2] == "POST /a changed None 7"


def test_a_delay(ours: Api, browser: Browser) -> None:
    """Messages that match are late, and those of others are not held up for good."""
    ours.toxic("http_delay", "upstream", delay=100, path="/slow")
    ours.toxic("http_delay", "downstream", delay=150, path="/slow")
    began = time.monotonic()
    assert browser("/slow", "POST", b"x" * 1000)[0] == 200
    assert time.monotonic() - began >= 0.25
    assert browser("/a")[0] == 200


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_an_abort(ours: Api, browser: Browser, stream: str) -> None:
    """A connection is reset at a message that matches."""
    ours.toxic("http_abort", stream, path="/a")
    assert browser("/b")[0] == 200
    with pytest.raises(ConnectionResetError):
        browser("/a")


def test_a_probability(ours: Api, browser: Browser) -> None:
    """With a probability some requests of one connection are struck, and what was struck is counted."""
    ours.toxic("http_status", status=503, probability=0.5)
    assert {browser("/a")[0] for _ in range(60)} == {200, 503}
    assert ours("GET", "/proxies/p/toxics/http_status_downstream/effect").json["connections"] == 1


def test_all_of_them_together(ours: Api, browser: Browser) -> None:
    """Toxics add up, and can be removed one by one while the connection lives."""
    toxics: tuple[tuple[str, dict[str, Any]], ...] = (
        ("http_status", {"status": 500}),
        ("http_headers", {"headers": {"X-Said": "no"}}),
        ("http_body", {"body": "gone"}),
        ("slicer", {"average_size": 3, "size_variation": 1}),
    )
    for kind, attributes in toxics:
        ours.toxic(kind, **attributes)
    status, headers, body = browser("/chunked")
    assert (status, headers["X-Said"], body) == (500, "no", "gone")
    ours.remove("http_body_downstream")
    assert browser("/a")[::2] == (500, "GET /a  None None")
    ours.remove("http_status_downstream")
    status, headers, _ = browser("/a")
    assert (status, headers["X-Said"]) == (200, "no")


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02\x00", b"not http\r\n\r\nat all", b"GET / HTTP/2.0\r\n\r\n", b"*1\r\n$4\r\nPING\r\n"]
)
def test_other_protocols(ours: Api, upstream: Upstream, data: bytes) -> None:
    """What is no HTTP passes as it is, in both directions."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("http_status", status=500)
    ours.toxic("http_body", "upstream", body="x")
    client.sendall(data)
    assert receive(server, len(data)) == data
    server.sendall(data)
    assert receive(client, len(data)) == data
    client.close()
    assert receive(server, 1) == b""


def test_pipelined_requests(ours: Api, upstream: Upstream) -> None:
    """Responses are matched with requests in their order, however both are cut."""
    client, server = upstream.pair(ours.proxy(upstream.port))
    ours.toxic("http_status", status=500, path="/b")
    ours.toxic("slicer", "upstream", average_size=5, size_variation=2)
    asked = b"".join(b"GET /%c HTTP/1.1\r\nHost: x\r\n\r\n" % each for each in b"abc")
    client.sendall(asked)
    assert receive(server, len(asked)) == asked
    for each in b"HTTP/1.1 100 Continue\r\n\r\n" + 3 * b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx":
        server.sendall(bytes([each]))
    server.close()
    lines = receive(client, 10_000).split(b"\r\n")
    assert [line for line in lines if b"HTTP/1.1" in line] == [
        b"HTTP/1.1 100 Continue",
        b"HTTP/1.1 200 OK",
        b"xHTTP/1.1 500 Internal Server Error",
        b"xHTTP/1.1 200 OK",
    ]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("http_status", {"status": 99}),
        ("http_status", {"status": "200"}),
        ("http_headers", {"headers": {"X": 1}}),
        ("http_headers", {"headers": {"X": "a\r\nY: b"}}),
        ("http_headers", {"headers": ["X"]}),
        ("http_delay", {"delay": -1}),
        ("http_body", {"body": 7}),
        ("http_abort", {"probability": 2}),
    ],
)
def test_bad_values(ours: Api, kind: str, attributes: dict[str, object]) -> None:
    """A value that cannot be is refused."""
    ours.proxy(1)
    assert ours("POST", "/proxies/p/toxics", {"type": kind, "attributes": attributes}).status == 400


def test_a_status_of_requests(ours: Api) -> None:
    """Requests have no status to change."""
    ours.proxy(1)
    made = ours("POST", "/proxies/p/toxics", {"type": "http_status", "stream": "upstream"})
    assert made.error == (400, "stream was invalid: http_status works downstream only")
