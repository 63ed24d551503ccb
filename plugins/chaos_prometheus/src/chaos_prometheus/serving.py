"""The address at which runs of this process can be seen: opened by the first of them, closed by the last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socket import AF_INET, AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from chaos_prometheus.address import Address
from chaos_prometheus.client import application
from chaos_prometheus.errors import PortTakenError
from chaos_prometheus.ledger import Ledger

SILENT_S = 5.0
"""A connection on which nothing comes for so long is closed."""

ENDING_S = 2.0
"""How long a scrape that is under way may take when the address is closed."""

_POLL_S = 0.05


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
        self._under_way = self._scrapes = 0
        self._show = application(ledger)
        try:
            self._server = _server(address)
        except (OSError, OverflowError, UnicodeError) as error:
            raise PortTakenError(str(address), getattr(error, "strerror", None) or str(error)) from error
        self.address = Address(address.host, self._server.server_port)
        self._server.set_app(self._answer)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(_POLL_S,), name="chaoscore-prometheus", daemon=True)
        self._thread.start()

    @property
    def scrapes(self) -> int:
        """Return how often somebody has got all of it."""
        return self._scrapes

    def await_scrape(self, seconds: float) -> bool:
        """Wait until somebody who has not asked yet has got all of it; tell whether that was so within *seconds*."""
        with self._changed:
            wanted = self._scrapes + self._under_way + 1
            return self._changed.wait_for(lambda: self._scrapes >= wanted, seconds)

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

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._changed:
            self._under_way += 1
        try:
            return _Body(self._show(environ, start), self._done)
        except BaseException:
            self._done()
            raise

    def _done(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._scrapes += 1
            self._changed.notify_all()


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
    family = AF_INET6 if ":" in address.host else AF_INET
    return (_Server6 if family == AF_INET6 else _Server)((address.host, address.port), _Handler)


_lock = threading.Lock()
_open: dict[Address, Exposition] = {}


def join(address: Address, ledger: Callable[[], Ledger]) -> Exposition:
    """
    Return the exposition at *address* for one more run; it has to `leave`.

    Raises:
        PortTakenError: Somebody else has the address, or it is none of this machine.
    """
    with _lock:
        exposition = _open.get(address)
        if exposition is None:
            exposition = Exposition(address, ledger())
            _open[exposition.address] = exposition
        exposition.users += 1
        return exposition
