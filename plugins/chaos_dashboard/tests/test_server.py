"""The server of the live page, spoken to directly."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from chaos_dashboard.feed import Feed
from chaos_dashboard.server import MOST_CONNECTIONS, PageServer

WAIT_S = 60.0


class Desk:
    """A server, and what it shows."""

    def __init__(self) -> None:
        self.pulled: list[str] = []
        self.whole = "{}"
        self.feed = Feed(lambda: self.whole)
        self.server = PageServer(0, self.feed, lambda: self.pulled.append("stop"))
        self.port, self.token = self.server.server_port, self.server.token
        self.opened = ExitStack()

    def ask(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """Return the answer to a request; a name like ``Sec_Fetch`` is the header ``Sec-Fetch``."""
        connection = self.opened.enter_context(closing(http.client.HTTPConnection("127.0.0.1", self.port, WAIT_S)))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        return connection.getresponse()

    def publish(self, text: str) -> None:
        """Tell the viewers something new."""
        with self.feed.news:
            self.feed.publish(text)

    def viewers(self, count: int) -> None:
        """Wait until there are so many."""
        with self.feed.news:
            assert self.feed.news.wait_for(lambda: self.feed.viewers == count, WAIT_S)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.opened.close()
    desk.server.close(0.1)


def messages(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str]]:
    """Yield the kind and the data of each event that a stream brings."""
    kind = ""
    for line in answer:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        if name == "data":
            yield kind, value


def test_the_page_is_for_those_who_know_its_address(desk: Desk) -> None:
    """With the token there is a page under a policy without remote scripts; without it there is nothing."""
    answer = desk.ask(f"/{desk.token}/")
    assert answer.status == 200
    policy = answer.getheader("Content-Security-Policy") or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert "unsafe" not in policy
    assert b"<script>" in answer.read()
    for path in ("/", "/wrong/", f"/{desk.token}", f"/{desk.token[:-1]}/", f"/{desk.token}x/", "//"):
        assert desk.ask(path).status == 404, path


@pytest.mark.parametrize("path", ["", "events", "stop"])
def test_wrong_hosts_are_sent_away(desk: Desk, path: str) -> None:
    """A name that somebody else's page has made lead here gets nothing, whatever it asks for."""
    for host in ("evil.example", f"evil.example:{desk.port}", "127.0.0.1", f"127.0.0.1:{desk.port + 1}", ""):
        for method in ("GET", "POST"):
            assert desk.ask(f"/{desk.token}/{path}", method, Host=host).status == 421
    assert desk.pulled == []


@pytest.mark.parametrize("path", ["", "events", "stop"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_wrong_origins_are_sent_away(desk: Desk, path: str, origin: str) -> None:
    """A page from elsewhere gets nothing, not even with the token."""
    for method in ("GET", "POST"):
        assert desk.ask(f"/{desk.token}/{path}", method, Origin=origin).status == 403
    assert desk.pulled == []


def test_stop(desk: Desk) -> None:
    """Only a POST from the page itself stops; nothing else does."""
    own = f"http://127.0.0.1:{desk.port}"
    assert desk.ask(f"/{desk.token}/stop").status == 404
    assert desk.ask(f"/{desk.token}/stop", "POST").status == 403
    assert desk.ask("/wrong/stop", "POST", Origin=own).status == 404
    assert desk.pulled == []
    assert desk.ask(f"/{desk.token}/stop", "POST", Origin=own).status == 200
    assert desk.pulled == ["stop"]


def test_a_stop_that_fails_says_so(desk: Desk) -> None:
    """What keeps the lever from being pulled is told to whoever pressed the button."""

    def stop() -> None:
        raise OSError("read-only file system")

    desk.server.stop = stop
    answer = desk.ask(f"/{desk.token}/stop", "POST", Origin=f"http://127.0.0.1:{desk.port}")
    assert (answer.status, answer.read()) == (500, b"read-only file system")


def test_no_other_method(desk: Desk) -> None:
    """What is neither GET nor POST is not there."""
    assert desk.ask(f"/{desk.token}/", "PUT").status == 501


def test_a_viewer_is_sent_the_whole_and_then_what_is_new(desk: Desk) -> None:
    """Updates follow one another without a gap; the last word is that it is over."""
    desk.whole = '{"is":"whole"}'
    stream = messages(desk.ask(f"/{desk.token}/events"))
    assert next(stream) == ("hello", "yes")
    assert next(stream) == ("whole", '{"is":"whole"}')
    for number in range(5):
        desk.publish(json.dumps(number))
        assert next(stream) == ("update", str(number))
    ending = threading.Thread(target=desk.server.close)
    ending.start()
    assert list(stream) == [("over", "{}")]
    ending.join()


def test_who_missed_something_is_sent_the_whole(desk: Desk) -> None:
    """A viewer who comes back is never left with a gap."""
    serve = iter(("one", "two"))
    desk.feed = Feed(lambda: f'"{next(serve)}"')
    sent: list[str] = []

    def slow(message: str) -> None:
        sent.append(message.split("event: ")[1].split("\n")[0])
        if len(sent) == 1:
            desk.publish("1")
            desk.publish("2")
        elif len(sent) == 2:
            desk.feed.end(0)

    desk.feed.serve(slow)
    assert sent == ["whole", "whole", "over"]


def test_nagle_is_off(desk: Desk) -> None:
    """Small answers are sent at once."""
    answer = desk.ask(f"/{desk.token}/events")
    desk.viewers(1)
    [connection] = desk.server._connections
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert answer.status == 200


def test_a_browser_that_leaves(desk: Desk) -> None:
    """A viewer who goes away in the middle is forgotten once there is news, and the others go on."""
    with socket.create_connection(("127.0.0.1", desk.port), WAIT_S) as leaving:
        leaving.sendall(f"GET /{desk.token}/events HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n\r\n".encode())
        received = b""
        while b"event: whole" not in received:
            received += leaving.recv(65536)
    staying = messages(desk.ask(f"/{desk.token}/events"))
    assert [next(staying)[0] for _ in range(2)] == ["hello", "whole"]
    desk.viewers(2)
    number = 0
    while desk.feed.viewers == 2:  # the first words to a browser that has left still seem to go out
        desk.publish(str(number))
        assert next(staying) == ("update", str(number))
        number += 1
    assert number < 1_000
    assert desk.feed.viewers == 1


def test_a_slow_reader_holds_up_nobody(desk: Desk) -> None:
    """While one viewer does not read at all, publishing goes on, and another gets every update."""
    desk.whole = json.dumps("x" * 20_000_000)  # more than any buffer between the two
    with socket.create_connection(("127.0.0.1", desk.port), WAIT_S) as idle:
        idle.sendall(f"GET /{desk.token}/events HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n\r\n".encode())
        desk.viewers(1)
        with desk.feed.news:
            desk.whole = "{}"
        stream = messages(desk.ask(f"/{desk.token}/events"))
        desk.viewers(2)
        assert [next(stream)[0] for _ in range(2)] == ["hello", "whole"]
        for number in range(100):
            desk.publish(str(number))
            assert next(stream) == ("update", str(number))
        assert desk.feed.viewers == 2


def test_too_many_connections_are_closed(desk: Desk) -> None:
    """There are never more threads than are allowed; what comes after them is closed at once."""
    with ExitStack() as open_ones:
        for _ in range(MOST_CONNECTIONS):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", desk.port), WAIT_S))
        surplus = open_ones.enter_context(socket.create_connection(("127.0.0.1", desk.port), WAIT_S))
        with suppress(ConnectionResetError):
            assert surplus.recv(1) == b""


def test_it_ends_with_a_viewer_who_does_not_read(desk: Desk) -> None:
    """The end waits for viewers a little, and then for nobody."""
    desk.whole = json.dumps("x" * 20_000_000)
    with socket.create_connection(("127.0.0.1", desk.port), WAIT_S) as idle:
        idle.sendall(f"GET /{desk.token}/events HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\n\r\n".encode())
        desk.viewers(1)
        desk.server.close(0.1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", desk.port), WAIT_S)


def test_nonsense_is_no_request(desk: Desk) -> None:
    """What is no HTTP gets an error or nothing, and the server goes on."""
    for nonsense in (b"\x16\x03\x01\x00\xa5\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 100, b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", desk.port), WAIT_S) as connection:
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert desk.ask(f"/{desk.token}/").status == 200


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_keeps_nothing(desk: Desk) -> None:
    """A process that the system under test forks holds neither the port nor a viewer, however long it lives."""
    stream = messages(desk.ask(f"/{desk.token}/events"))
    assert next(stream) == ("hello", "yes")
    desk.viewers(1)
    held, release = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(held, 1)
        os._exit(0)
    try:
        desk.server.close(1)
        assert ("over", "{}") in list(stream)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", desk.port), WAIT_S)
        socket.create_server(("127.0.0.1", desk.port)).close()
    finally:
        os.write(release, b"x")
        os.waitpid(child, 0)
        os.close(held)
        os.close(release)
