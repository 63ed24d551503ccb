"""Connecting to an upstream: without blocking, one address after the other, and not for ever."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from chaos_toxiproxy.server import addresses

TIMEOUT_S = 10.0
"""How long an upstream may take to answer."""

_UNDER_WAY = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK}
_CONNECTED = {0, errno.EISCONN}


class Dialling:
    """
    An attempt to connect to *upstream*.

    It calls *done* once, with the wire or None, unless it is cancelled before; where the other side answers at once,
    which is what loopback does, before `start` returns.
    """

    __slots__ = ("_done", "_hosts", "_loop", "_port", "_task", "_timer", "_wire")

    def __init__(self, loop: asyncio.AbstractEventLoop, done: Callable[[socket.socket | None], None]) -> None:
        self._loop, self._done = loop, done
        self._wire: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, upstream: str) -> None:
        """Begin."""
        try:
            host, self._port = addresses.split(upstream)
        except ValueError:
            self._tell(None)
            return
        if addresses.numeric(host):
            self._try([host])
        else:
            self._task = self._loop.create_task(self._look_up(host))

    def cancel(self) -> None:
        """Give up, and tell nobody."""
        self._clear()
        if self._task is not None:
            self._task.cancel()

    async def _look_up(self, host: str) -> None:
        try:
            hosts = await addresses.candidates(host)
        except OSError:
            hosts = []
        self._task = None
        self._try(hosts)

    def _try(self, hosts: list[str]) -> None:
        """Connect to the first of *hosts* that answers."""
        self._hosts = hosts
        while self._hosts:
            host = self._hosts.pop(0)
            try:
                wire = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
                wire.setblocking(False)
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # no more sockets, or none of this family
                continue
            state = self._state(wire, host)
            if state in _CONNECTED:
                self._tell(wire)
                return
            if state in _UNDER_WAY:
                self._wait(wire)
                return
            wire.close()
        self._tell(None)

    def _state(self, wire: socket.socket, host: str) -> int:
        try:
            state = wire.connect_ex((host, self._port))
            # Loopback has answered by now, and asking again is cheaper than waiting to be told.
            return wire.connect_ex((host, self._port)) if state in _UNDER_WAY else state
        except OSError as error:
            return error.errno or errno.EINVAL

    def _wait(self, wire: socket.socket) -> None:
        self._wire = wire
        self._loop.add_writer(wire, self._answered)
        if self._timer is None:
            self._timer = self._loop.call_later(TIMEOUT_S, self._too_late)

    def _answered(self) -> None:
        wire = self._wire
        assert wire is not None
        self._wire = None
        self._loop.remove_writer(wire)
        if wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            wire.close()
            self._try(self._hosts)
        else:
            self._tell(wire)

    def _too_late(self) -> None:
        self._tell(None)

    def _tell(self, wire: socket.socket | None) -> None:
        self._clear()
        self._done(wire)

    def _clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wire is not None:
            self._loop.remove_writer(self._wire)
            self._wire.close()
            self._wire = None
