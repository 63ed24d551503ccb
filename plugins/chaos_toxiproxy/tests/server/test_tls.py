"""TLS: ended at the proxy, begun anew behind it, or both, with certificates of the test's own."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import attrs
import pytest
import trustme

from tests.services.proxied import Api, Upstream, receive, sending, to_the_end


@attrs.frozen
class Papers:
    """An authority, and the files that a proxy is given."""

    authority: trustme.CA
    ca: str
    cert: str
    client: str

    def server(self) -> ssl.SSLContext:
        """What an upstream speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return context

    def user(self, *, certified: bool = False) -> ssl.SSLContext:
        """What a client speaks TLS with."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if certified:
            context.load_cert_chain(self.client)
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Certificates for this machine's own names."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    paths = [str(folder / name) for name in ("ca.pem", "server.pem", "client.pem")]
    authority.cert_pem.write_to_path(paths[0])
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(paths[1])
    authority.issue_cert("somebody@example.org").private_key_and_cert_chain_pem.write_to_path(paths[2])
    return Papers(authority, *paths)


Pair = Callable[[dict[str, object]], tuple[socket.socket, socket.socket]]


@pytest.fixture
def pair(ours: Api, upstream: Upstream, papers: Papers) -> Iterator[Pair]:
    """Makes both ends of a connection through a proxy that uses TLS as it is told."""
    with ExitStack() as stack:

        def made(tls: dict[str, object]) -> tuple[socket.socket, socket.socket]:
            raw = upstream.connect(ours.proxy(f"localhost:{upstream.port}", tls=tls))
            ends: list[socket.socket] = [raw, raw]

            def serve() -> None:
                server = upstream.accept()
                if tls.get("upstream"):
                    server = papers.server().wrap_socket(server, server_side=True)
                ends[1] = stack.enter_context(server)

            thread = threading.Thread(target=serve)
            thread.start()
            if tls.get("cert"):
                user = papers.user(certified="client_ca" in tls)
                ends[0] = stack.enter_context(user.wrap_socket(raw, server_hostname="localhost"))
            thread.join()
            return ends[0], ends[1]

        yield made


WAYS = ("terminate", "encrypt", "both")


def way(name: str, papers: Papers) -> dict[str, object]:
    terminate: dict[str, object] = {"cert": papers.cert}
    encrypt: dict[str, object] = {"upstream": True, "ca": papers.ca}
    return {"terminate": terminate, "encrypt": encrypt, "both": {**terminate, **encrypt}}[name]


@pytest.mark.parametrize("name", WAYS)
def test_data_arrives(pair: Pair, papers: Papers, name: str) -> None:
    """Much data arrives whole in both directions, one after the other."""
    client, server = pair(way(name, papers))
    for source, sink in ((client, server), (server, client)):
        data = os.urandom(3_000_000)
        with sending(source, data):
            assert receive(sink, len(data)) == data


@pytest.mark.parametrize("name", WAYS)
def test_the_end(pair: Pair, papers: Papers, name: str) -> None:
    """The end of the client's side is passed on behind the data."""
    client, server = pair(way(name, papers))
    client.sendall(b"last words")
    client.close()
    assert to_the_end(server) == b"last words"


@pytest.mark.parametrize("name", ["encrypt"])
def test_a_half_close(pair: Pair, papers: Papers, name: str) -> None:
    """A client that has said everything gets its answer through TLS too."""
    client, server = pair(way(name, papers))
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert to_the_end(server) == b"question"
    server.sendall(b"answer")
    server.close()
    assert to_the_end(client) == b"answer"


def test_toxics_see_plain_text(ours: Api, pair: Pair, papers: Papers) -> None:
    """Between both sides data is plain: a limit counts bytes of the application."""
    ours_pair = pair(way("both", papers))
    ours.toxic("limit_data", "upstream", bytes=5)
    ours_pair[0].sendall(b"hello world")
    assert to_the_end(ours_pair[1]) == b"hello"


def test_clients_without_a_certificate(ours: Api, upstream: Upstream, papers: Papers) -> None:
    """Where clients must bring a certificate, those without are turned away."""
    address = ours.proxy(upstream.port, tls={"cert": papers.cert, "client_ca": papers.ca})
    raw = upstream.connect(address)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        _greet(raw, papers)


def _greet(raw: socket.socket, papers: Papers) -> None:
    with papers.user().wrap_socket(raw, server_hostname="localhost") as client:
        client.sendall(b"hello")
        if client.recv(10) == b"":  # with TLS 1.3 the refusal comes late
            raise ConnectionResetError


def test_clients_with_a_certificate(pair: Pair, papers: Papers) -> None:
    """Those with one are served."""
    client, server = pair({"cert": papers.cert, "client_ca": papers.ca})
    client.sendall(b"hello")
    assert server.recv(10) == b"hello"


def test_an_upstream_that_is_not_believed(ours: Api, upstream: Upstream, papers: Papers) -> None:
    """An upstream whose authority is unknown gets nothing, unless it is not verified."""
    for verify in (True, False):
        address = ours.proxy(upstream.port, str(verify), tls={"upstream": True, "verify": verify})
        client = upstream.connect(address)
        server = papers.server()
        raw = upstream.accept()
        if verify:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                server.wrap_socket(raw, server_side=True)
            assert client.recv(1) == b""
        else:
            client.sendall(b"hello")
            with server.wrap_socket(raw, server_side=True) as tls:
                assert tls.recv(10) == b"hello"


def test_it_is_shown(ours: Api, papers: Papers) -> None:
    """A proxy tells how it uses TLS, and only what it was told."""
    ours.proxy(1, tls={"cert": papers.cert})
    assert ours("GET", "/proxies/p").json["tls"] == {"cert": papers.cert}


@pytest.mark.parametrize("tls", [{"cert": "/nowhere.pem"}, {"upstream": 7}, {"upstream": True, "ca": "/nowhere.pem"}])
def test_bad_papers(ours: Api, tls: dict[str, object]) -> None:
    """A file that cannot be used is refused when the proxy is created."""
    plan = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "tls": tls}
    assert ours("POST", "/proxies", plan).status == 400


def test_a_client_that_speaks_something_else(ours: Api, upstream: Upstream, papers: Papers) -> None:
    """A client that does not speak TLS is turned away, and the next one is served."""
    address = ours.proxy(upstream.port, tls={"cert": papers.cert})
    client = upstream.connect(address)
    client.sendall(b"hello? is anybody there? this is no handshake")
    with suppress(ConnectionResetError):
        to_the_end(client)
    assert ours("GET", "/proxies/p").json["enabled"] is True
