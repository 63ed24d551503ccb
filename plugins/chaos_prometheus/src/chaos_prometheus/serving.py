"""The address at which runs of this process can be seen: opened by the first of them, closed by the last."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from socket import AF_INET6, SHUT_RDWR
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from chaos_prometheus.address import Address
from chaos_prometheus.client import application
from chaos_prometheus.errors import CannotServeError
from chaos_prometheus.ledger import Ledger
from chaoscore import SystemClock

SILENT_S = 5.0
"""A connection on which nothing comes for so long is closed."""

ENDING_S = 2.0
"""How long a scrape that is under way may take when the address is closed."""

_POLL_S = 0.05
_CLOCK = SystemClock()

SCRAPER = "HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS"
"""What Prometheus, and what scrapes like it, says with each request, and nobody else: they will come again."""


class Exposition:
    """
    A ledger that can be had at an address, while at least one run wants it to.

    Attributes:
        address: Where, with the port that the system chose if it was to.
        ledger: What.
        users: How many runs want it.
    """

    def __init__(self, address: Address, ledger: Ledger) -> None:
        self.ledger, self.users = ledger, 0
        self._changed = threading.Condition()
        self._under_way = self._asked = self._scraped = 0
        self._show = application(ledger)
        try:
            self._server = _server(address)
        except (OSError, OverflowError, UnicodeError) as error:
            raise CannotServeError(str(address), getattr(error, "strerror", None) or str(error)) from error
        self.address = Address(address.host, self._server.server_port)
        self._server.set_app(self._answer)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(_POLL_S,), name="chaoscore-prometheus", daemon=True)
        self._thread.start()

    def await_scrape(self, seconds: float) -> None:
        """Where it was scraped before, wait until it has been once more by who has not asked yet, so long at most."""
        with self._changed:
            wanted = self._asked + 1
            if self._asked:
                self._changed.wait_for(lambda: self._scraped >= wanted, seconds)

    def leave(self) -> None:
        """Let go of it; the last one closes it."""
        with _lock:
            self.users -= 1
            if not self.users:
                del _open[self.address]
                self.close()

    def close(self) -> None:
        """Let scrapes under way end, and give the port back."""
        self._server.shutdown()
        self._thread.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, ENDING_S)
        self._server.server_close()
        self._server.hang_up()

    def forget(self) -> None:
        """In a forked child: close what would keep the port taken as long as the child lives."""
        self._server.socket.close()

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        patience_s = _patience_s(environ)
        until = _CLOCK.monotonic() + patience_s if patience_s > 0 else -inf
        with self._changed:
            self._under_way += 1
            self._asked += patience_s > 0
        sent = partial(self._sent, until)
        try:
            return _Body(self._show(environ, start), sent)
        except BaseException:
            sent()
            raise

    def _sent(self, until: float) -> None:
        """Count a scrape that was sent before whoever asked gave up."""
        with self._changed:
            self._under_way -= 1
            self._scraped += _CLOCK.monotonic() <= until
            self._changed.notify_all()


def _patience_s(environ: Mapping[str, Any]) -> float:
    """Return how long who asks will wait, seconds; 0 for who scrapes nothing, and need not be waited for."""
    try:
        return float(environ.get(SCRAPER, 0.0))
    except ValueError:
        return 0.0


class _Body(list[bytes]):
    """An answer that says when it has been sent, as WSGI has it."""

    def __init__(self, parts: Iterable[bytes], sent: Callable[[], None]) -> None:
        super().__init__(parts)
        self.close = sent


class _Handler(WSGIRequestHandler):
    """Says nothing on the standard error, and waits for nobody for ever."""

    timeout = SILENT_S

    def log_message(self, *_: Any) -> None:
        return


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *args: Any) -> None:
        self._connections: set[Any] = set()
        super().__init__(*args)

    def hang_up(self) -> None:
        """End the connections on which nothing was asked, and their threads with them."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # it has just ended by itself
                connection.shutdown(SHUT_RDWR)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_bind(self) -> None:
        """Bind, without asking the name service what this machine is called, which takes seconds on some."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_: Any) -> None:
        """Let whoever goes away in the middle of an answer go."""


class _Server6(_Server):
    address_family = AF_INET6


def _server(address: Address) -> _Server:
    kind = _Server6 if ":" in address.host else _Server
    return kind((address.host, address.port), _Handler)


_lock = threading.Lock()
_open: dict[Address, Exposition] = {}


def _in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for exposition in _open.values():
        exposition.forget()
    _open.clear()


os.register_at_fork(after_in_child=_in_child)


def join(address: Address, ledger: Callable[[], Ledger]) -> Exposition:
    """
    Return the exposition at *address* for one more run; it has to `leave`.

    Raises:
        CannotServeError: Somebody else has the address, or it is none of this machine.
    """
    with _lock:
        exposition = _open.get(address)
        if exposition is None:
            exposition = Exposition(address, ledger())
            _open[exposition.address] = exposition
        exposition.users += 1
        return exposition
