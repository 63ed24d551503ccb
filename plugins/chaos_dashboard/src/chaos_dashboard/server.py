"""The server of the live page: on this machine only, for those who know its address only."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from chaos_dashboard.feed import Feed
from chaos_dashboard.page import live_page

HOST = "127.0.0.1"
MOST_CONNECTIONS = 32
SILENT_S = 10.0
"""How long a browser may take to send its request, or to read what it is sent."""

_RETRY_MS = 1_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class PageServer(ThreadingHTTPServer):
    """
    Serves the page, its feed and the stop button under a path that nobody can guess.

    Attributes:
        url: Where the page is.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, port: int, feed: Feed, stop: Callable[[], object] | None) -> None:
        """
        Listen.

        Args:
            port: Of 127.0.0.1; 0: any that is free.
            feed: What the page shows.
            stop: What its stop button does; None: it has none.

        Raises:
            OSError: The port is taken.
        """
        self.feed, self.stop = feed, stop
        self.token = secrets.token_urlsafe(24)
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__((HOST, port), _Handler)
        self.url = f"http://{HOST}:{self.server_port}/{self.token}/"
        _open.add(self)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="chaos-live-page", daemon=True)
        self._thread.start()

    def close(self, grace_s: float = 2.0) -> None:
        """Stop: viewers get the last update if they read it within *grace_s*, and nobody is waited for after that."""
        self.feed.end(grace_s)
        self.shutdown()
        self._thread.join()
        self.drop()
        self.server_close()
        _open.discard(self)

    def drop(self) -> None:
        """Cut all connections; a page that lives on comes back by itself."""
        with self._guard:
            connections = tuple(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def hosts(self) -> set[str]:
        """Return the names under which a browser may have reached it: any other is a name that leads here falsely."""
        return {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many of them."""
        with self._guard:
            full = len(self._connections) >= MOST_CONNECTIONS
            if not full:
                self._connections.add(request)
        if full:
            self.shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has left or does not read."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def forget(self) -> None:
        """In a forked child: close what would keep the port and the viewers as long as the child lives."""
        for connection in (self.socket, *self._connections):
            os.close(connection.detach())


_open: set[PageServer] = set()


def _in_child() -> None:
    for server in _open:
        server.forget()
    _open.clear()


os.register_at_fork(after_in_child=_in_child)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "chaoscore", ""
    disable_nagle_algorithm = True  # else each answer on a kept connection waits 40 ms for an acknowledgement
    timeout = SILENT_S

    @property
    def _page_server(self) -> PageServer:
        return cast("PageServer", self.server)

    def do_GET(self) -> None:
        what = self._asked()
        if what == "":
            page = live_page()
            self._answer(HTTPStatus.OK, page.content, "text/html; charset=utf-8", page.policy)
        elif what == "events":
            self._stream()
        elif what is not None:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        what, stop = self._asked(), self._page_server.stop
        if what is None:
            return
        if what != "stop" or stop is None:
            self._refuse(HTTPStatus.NOT_FOUND)
        elif self.headers.get("Origin") is None:
            self._refuse(HTTPStatus.FORBIDDEN)
        else:
            try:
                stop()
            except Exception as error:  # noqa: BLE001 - told to the one who pressed the button
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(error).encode("utf-8", "backslashreplace"))
            else:
                self._answer(HTTPStatus.OK, b"pulled")

    def _asked(self) -> str | None:
        """Return what is asked for, behind the token; None where this was refused."""
        server = self._page_server
        token, slash, what = self.path.removeprefix("/").partition("/")
        origin = self.headers.get("Origin")
        if self.headers.get("Host", "") not in server.hosts():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
        elif origin is not None and origin not in {f"http://{host}" for host in server.hosts()}:
            self._refuse(HTTPStatus.FORBIDDEN)
        elif not slash or not hmac.compare_digest(token.encode("utf-8", "replace"), server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
        else:
            return what
        return None

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        for name, value in {**_HEADERS, "Content-Type": "text/event-stream", "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(f"retry: {_RETRY_MS}\n\n".encode())
        stop = "yes" if self._page_server.stop is not None else "no"
        self.wfile.write(f"event: hello\ndata: {stop}\n\n".encode())
        self._page_server.feed.serve(lambda message: cast("None", self.wfile.write(message.encode())))

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._answer(status, f"{status.value} {status.phrase}\n".encode())

    def _answer(self, status: HTTPStatus, content: bytes, kind: str = "text/plain", policy: str = "") -> None:
        self.send_response(status)
        headers = {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}
        headers["Content-Security-Policy"] = policy or "default-src 'none'"
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the terminal, where the run is shown."""
