"""The control over HTTP: one loopback address, a token, and bounds for everything that comes in."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import threading
import weakref
from collections.abc import Collection
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chaos_failpoint.actions import DANGEROUS
from chaos_failpoint.control.routes import Reply, Request, answer
from chaos_failpoint.errors import NotAllowedError
from chaos_failpoint.production import in_production
from chaos_failpoint.replies import replying

MOST_BYTES = 64 * 1024
"""How long the body of a request may be."""

MOST_CONNECTIONS = 16
"""How many connections there may be; more are closed at once."""

IDLE_S = 10.0
"""How long a connection may say nothing."""

SHORTEST_TOKEN = 8

_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_servers: weakref.WeakSet[_Server] = weakref.WeakSet()


class Control:
    """
    A server that arms and disarms failpoints; it stops at the end of a `with` block, or with `close`.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        token: What requests must bring, as ``X-Chaos-Token`` or ``Authorization: Bearer``.
        url: How its addresses begin.
    """

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.port, self.token = int(server.server_address[1]), server.token
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="chaos-failpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; what was armed stays so. Connections that are open are cut."""
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()
        self._thread.join()

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Control {self.url}>"


def serve(port: int = 0, *, token: str | None = None, allow: Collection[str] = (), host: str = "127.0.0.1") -> Control:
    """
    Serve the control over HTTP, in a thread of its own, on the loopback interface only.

    Args:
        port: TCP port; 0: any that is free.
        token: What requests must bring, 8 characters or more; by default a new one, which `Control.token` tells.
        allow: Dangerous actions that requests may arm: any of ``break``, ``call``, ``exit`` and ``kill``.
        host: ``127.0.0.1`` or ``localhost``; nothing else is served.

    Raises:
        ValueError: The token is too short, an action is none, or the host is not this one.
        NotAllowedError: The environment is named production.
        OSError: The port is taken.
    """
    if in_production():
        raise NotAllowedError("serve", "the environment is named production; failpoints are not armed there")
    if host not in ("127.0.0.1", "localhost"):
        raise ValueError(f"host is '127.0.0.1', not {host!r}: whoever reaches this port can break the process")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValueError(f"a token has {SHORTEST_TOKEN} characters or more; leave it out to get a new one")
    if isinstance(allow, str) or not set(allow) <= set(DANGEROUS):
        raise ValueError(f"allow is a list of {', '.join(DANGEROUS)}, not {allow!r}")
    return Control(_Server(port, token or secrets.token_urlsafe(16), tuple(allow)))


class _Server(ThreadingHTTPServer):
    """Accepts so many connections, and knows them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64  # with the usual 5, a burst of connections waits a second for the kernel to try again

    def __init__(self, port: int, token: str, allow: tuple[str, ...]) -> None:
        self.token, self.allow = token, allow
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        _servers.add(self)

    def server_bind(self) -> None:
        """Bind, without asking a name server for the name of this machine."""
        socketserver_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or close it where there are too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)
            self._places.release()

    def cut(self) -> None:
        """Cut all connections."""
        for each in tuple(self._connections):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:  # its other end was quicker
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over connections that break: nobody is there any more who could be told."""


def socketserver_bind(server: ThreadingHTTPServer) -> None:
    """Bind *server* as `socketserver.TCPServer` does."""
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.socket.bind(server.server_address)
    server.server_address = server.socket.getsockname()


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, lets it in or not, and replies."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "chaos-failpoint", ""
    disable_nagle_algorithm = True  # or every reply on a connection that is kept takes 40 ms
    timeout = IDLE_S

    def do_GET(self) -> None:
        self._handle()

    do_PUT = do_DELETE = do_POST = do_GET  # noqa: N815 - how the base class looks for them

    def _handle(self) -> None:
        refused = self._refused()
        if refused is not None:
            self.close_connection = True  # its body was not read
            self._reply(refused)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            target = self.path.encode("latin-1").decode()
            request = Request.of(self.command, target, body.decode())
        except UnicodeDecodeError:
            self._reply(Reply(HTTPStatus.BAD_REQUEST, "the path and the body must be UTF-8\n"))
            return
        if self.command == "PUT":
            with replying():
                self._reply(answer(request, self.server.allow))
        else:
            self._reply(answer(request, self.server.allow))

    def _refused(self) -> Reply | None:
        """Return what is answered to a request that is not let in."""
        host = self.headers.get("Host", "")
        if host.removesuffix(f":{self.server.server_port}") not in _HOSTS or "Origin" in self.headers:
            return Reply(HTTPStatus.FORBIDDEN, "only programs on this machine are answered, by its own name\n")
        if not hmac.compare_digest(self._token().encode(), self.server.token.encode()):
            return Reply(HTTPStatus.UNAUTHORIZED, "the header X-Chaos-Token must bring the token\n")
        length = self.headers.get("Content-Length", "0" if self.command in ("GET", "DELETE", "POST") else "")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdecimal()):
            return Reply(HTTPStatus.LENGTH_REQUIRED, "Content-Length must say how long the body is\n")
        if len(length) > 9 or int(length) > MOST_BYTES:
            return Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MOST_BYTES} bytes\n")
        return None

    def _token(self) -> str:
        return str(self.headers.get("X-Chaos-Token") or self.headers.get("Authorization", "").removeprefix("Bearer "))

    def _reply(self, reply: Reply) -> None:
        body = reply.body.encode("utf-8", "replace")
        self.send_response(reply.status)
        self.send_header("Content-Type", f"{reply.kind}; charset=utf-8")
        self.send_header("X-Content-Type-Options", "nosniff")
        if reply.status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if reply.status is not HTTPStatus.NO_CONTENT:
            self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Log nothing: requests are no business of the system under test."""


def _in_child() -> None:
    """Let a child that was forked not hold the port: nobody would answer there."""
    for server in tuple(_servers):
        server.socket.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
