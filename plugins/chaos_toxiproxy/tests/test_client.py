"""The client speaks to every server, whatever that does."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chaos_toxiproxy.client import Client
from chaos_toxiproxy.errors import RefusedError, UnreachableError
from tests.services.peers import Echo, Scripted, reply, wait_until

VERSION = reply(200, b'{"version": "2.12.0"}\n')


def test_it_tells_the_version(client: Client) -> None:
    """A server's version begins with that of the Toxiproxy whose API it speaks, or is what its build was given."""
    assert client.version() == "git" or client.version().startswith("2.12.0")


def test_proxies_come_and_go(client: Client, echo: Echo) -> None:
    """A proxy that is created is listed, can be looked up, changed and deleted once."""
    made = client.create("shop", echo.address)
    assert made["enabled"]
    assert set(client.proxies()) == {"shop"}
    assert client.update("shop", enabled=False)["enabled"] is False
    assert client.proxy("shop")["enabled"] is False  # type: ignore[index]
    assert client.delete("shop")
    assert not client.delete("shop")
    assert client.proxy("shop") is None


def test_toxics_come_and_go(client: Client, db: Any) -> None:
    """A toxic that is added can be looked up and removed once, and a change leaves what it does not name."""
    client.add_toxic("db", "latency", {"latency": 10, "jitter": 1}, name="slow", stream="upstream", toxicity=0.25)
    client.update_toxic("db", "slow", attributes={"jitter": 2})
    found = client.toxic("db", "slow")
    assert found is not None
    assert (found["attributes"], found["toxicity"]) == ({"latency": 10, "jitter": 2}, 0.25)
    assert (found["stream"], found["type"]) == ("upstream", "latency")
    assert client.remove_toxic("db", "slow")
    assert not client.remove_toxic("db", "slow")
    assert client.toxic("db", "slow") is None


def test_populating_makes_all(client: Client, echo: Echo) -> None:
    """Several proxies are made by one call, which returns them."""
    made = client.populate({"name": name, "upstream": echo.address, "listen": "127.0.0.1:0"} for name in ("a", "b"))
    assert {each["name"] for each in made} == set(client.proxies()) == {"a", "b"}
    assert client.delete("a")
    assert client.delete("b")


def test_a_refusal_names_server_proxy_toxic_and_answer(client: Client, db: Any) -> None:
    """An error of the server's says what was asked of which server, and what that answered."""
    with pytest.raises(RefusedError) as caught:
        client.add_toxic("db", "latency", {"latency": "much"}, name="slow")
    assert caught.value.status == 400
    for part in (client.url, "'slow'", "'db'", '"much"', "400", "bad request body"):
        assert part in str(caught.value)


def test_a_port_that_is_taken_is_told(client: Client, echo: Echo) -> None:
    """A proxy that cannot listen is an error that names the address and what the system said."""
    with pytest.raises(RefusedError, match="address already in use") as caught:
        client.create("db", "127.0.0.1:1", echo.address)
    assert caught.value.status == 500
    assert f"create proxy 'db' at {echo.address}" in str(caught.value)
    assert client.proxy("db") is None


def test_a_connection_is_used_again() -> None:
    """Calls that follow each other go over one connection."""
    with Scripted(lambda _: VERSION) as server:
        client = Client(server.url)
        assert [client.version() for _ in range(3)] == ["2.12.0"] * 3
        assert server.connections == 1
        client.close()


def test_a_connection_that_the_server_has_closed_is_not_used() -> None:
    """A server may close a connection that nothing came over; the next call makes another one and is made once."""
    with Scripted(lambda _: reply(200, b'{"version": "2"}', "Connection: keep-alive")) as server:
        client = Client(server.url)
        client.version()
        server._open[0].shutdown(socket.SHUT_RDWR)
        server._threads[1].join()
        assert client.version() == "2"
        assert (server.connections, len(server.requests)) == (2, 2)
        client.close()


def test_a_server_that_says_it_closes_is_believed() -> None:
    """A connection whose answer says `Connection: close` is closed here too."""
    with Scripted(lambda _: reply(200, b"{}", "Connection: close")) as server:
        client = Client(server.url)
        client.proxies()
        client.proxies()
        assert server.connections == 2
        client.close()


def test_threads_share_a_client(client: Client, db: Any) -> None:
    """Eight threads that add and remove toxics of their own through one client do not meet."""
    barrier = threading.Barrier(8)

    def add_and_remove(number: int) -> int:
        barrier.wait(20)
        name = f"t{number}"
        return sum(
            client.add_toxic("db", "latency", {"latency": number}, name=name)["attributes"]["latency"] == number
            and client.remove_toxic("db", name)
            for _ in range(20)
        )

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(add_and_remove, range(8))) == [20] * 8


def test_clients_of_several_servers_do_not_mix() -> None:
    """Two clients in one process each speak to their own server."""
    with (
        Scripted(lambda _: reply(200, b'{"version": "one"}')) as one,
        Scripted(lambda _: reply(200, b'{"version": "two"}')) as two,
    ):
        clients = Client(one.url), Client(two.url)
        assert [each.version() for each in clients for _ in range(2)] == ["one", "one", "two", "two"]
        for each in clients:
            each.close()


def test_nagle_is_off() -> None:
    """Small requests are sent at once: the socket has TCP_NODELAY."""
    with Scripted(lambda _: VERSION) as server:
        client = Client(server.url)
        client.version()
        assert client._idle[0].sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.close()


def test_a_token_is_shown() -> None:
    """A client that was given a token shows it with each request."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(reply(200, b"{}"))

        thread = threading.Thread(target=serve)
        thread.start()
        client = Client(f"127.0.0.1:{listener.getsockname()[1]}", token="open")
        client.proxies()
        thread.join()
        client.close()
    assert b"\r\nAuthorization: Bearer open\r\n" in seen[0]


# -- servers that misbehave


def test_one_that_never_answers_is_given_up() -> None:
    """A server that accepts and says nothing is given up after the time-out, and the error says how long that was."""
    with Scripted(lambda _: None) as server:
        client = Client(server.url, timeout_s=0.05)
        with pytest.raises(UnreachableError, match=r"add toxic 'latency'.* to proxy 'db': no answer within 0\.05 s"):
            client.add_toxic("db", "latency", {})
        assert wait_until(lambda: server.requests == ["POST /proxies/db/toxics"])


def test_one_that_is_not_there_is_told() -> None:
    """Where nothing listens, the error says so, and that it was refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        UnreachableError, match=f"http://127.0.0.1:{port}: list the proxies: ConnectionRefused"
    ) as caught:
        Client(f"127.0.0.1:{port}").proxies()
    assert caught.value.refused


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "RemoteDisconnected"),
        (b"SSH-2.0-OpenSSH\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "IncompleteRead"),
        (reply(200, b"<html>hello</html>"), "its answer is no JSON: '<html>hello</html>'"),
    ],
)
def test_one_that_is_something_else_is_told(answer: bytes, reason: str) -> None:
    """A server of another kind, or one that ends in the middle of its answer, is an error that shows what came."""

    def script(_: bytes) -> bytes:
        return answer

    with Scripted(script) as server:
        client = Client(server.url, timeout_s=1 if b"short" in answer else 5)
        with pytest.raises(UnreachableError) as caught:
            client.proxies()
        assert reason in str(caught.value) or "no answer within" in str(caught.value)
        client.close()


def test_an_error_without_json_is_shown_shortened() -> None:
    """An answer in HTML, as the time limit of Toxiproxy's API gives, is told in one short line."""
    body = b"<html><head><title>Timeout</title></head>\n" + b"x" * 5000
    with Scripted(lambda _: reply(503, body)) as server:
        client = Client(server.url)
        with pytest.raises(RefusedError) as caught:
            client.proxies()
        assert "503, '<html><head><title>Timeout</title></head> xxx" in str(caught.value)
        assert len(str(caught.value)) < 500
        client.close()


@pytest.mark.parametrize(
    "url", ["https://localhost:8474", "http://", "localhost:port", "http://a:1/b", "ftp://a", "a:99999"]
)
def test_a_wrong_address_is_refused(url: str) -> None:
    """What is not the address of an API is refused before anything is sent."""
    with pytest.raises(ValueError, match="a server is 'http://host:port'"):
        Client(url)
