"""Where the proxies of a run live: a server of its own, embedded or found on this machine, or one that runs already."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from chaos_toxiproxy.addresses import api, is_loopback
from chaos_toxiproxy.client import TIMEOUT_S, Client
from chaos_toxiproxy.errors import IgnoredError, MissingServerError, StartError, ToxiproxyError, UnreachableError

EMBEDDED = "embedded"
PROGRAM = "toxiproxy-server"
VARIABLE = "TOXIPROXY_SERVER"
"""Names the program where it is not on PATH."""

TOKEN = "CHAOS_TOXIPROXY_TOKEN"
"""Holds what a server wants to see, if it wants that; it never stands in a file."""

START_S = 20.0
LOOK_S = 0.02
ATTEMPTS = 3
"""A port that was free may be taken a moment later."""


@attrs.frozen
class Server:
    """
    A server that runs.

    Attributes:
        client: Speaks to it.
        is_own: It was started for this run and ends with it, and with it everything in it.
    """

    client: Client
    is_own: bool

    @property
    def is_here(self) -> bool:
        """Tell whether it runs on this machine, as far as its address says."""
        return is_loopback(self.client.host)


def which(value: str) -> str:
    """
    Return *value* where it says which server: ``"embedded"``, ``"toxiproxy-server"`` or a URL.

    Raises:
        ValueError: It is something else.
        TypeError: It is no text.
    """
    if not isinstance(value, str):
        raise TypeError(f"server is {EMBEDDED!r}, {PROGRAM!r} or 'http://host:port', not {value!r}")
    if value not in (EMBEDDED, PROGRAM):
        try:
            api(value)
        except ValueError as error:
            raise ValueError(f"server is {EMBEDDED!r}, {PROGRAM!r} or 'http://host:port', not {value!r}") from error
    return value


def is_own(value: str) -> bool:
    """Tell whether the server it says is started for the run."""
    return value in (EMBEDDED, PROGRAM)


def check_taken(server: Server, of: str, sent: Mapping[str, Any], taken: Mapping[str, Any]) -> None:
    """
    See that a server took all that was sent: Toxiproxy passes over what it does not know.

    Raises:
        IgnoredError: It did not.
    """
    ignored = [name for name in sent if name not in taken]
    if ignored:
        raise IgnoredError(server.client.url, of, ignored)


@contextmanager
def running(said: str, *, seed: int | None = None) -> Iterator[Server]:
    """
    Yield the server that *said* names; one that is started here ends with the block, and with this process.

    Args:
        said: As by `which`.
        seed: What the embedded one decides by.

    Raises:
        MissingServerError: There is no such program.
        StartError: It did not start.
    """
    if said == EMBEDDED:
        with _embedded(seed) as url, connected(url) as client:
            yield Server(client, True)
    elif said == PROGRAM:
        with _found() as client:
            yield Server(client, True)
    else:
        with connected(said) as client:
            yield Server(client, False)


@contextmanager
def connected(url: str, timeout_s: float = TIMEOUT_S) -> Iterator[Client]:
    """Yield a client of the server at *url*; a token that it wants comes from the environment, never from a file."""
    client = Client(url, timeout_s=timeout_s, token=os.environ.get(TOKEN))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _embedded(seed: int | None) -> Iterator[str]:
    from chaos_toxiproxy.server.spawning import ServerError, start  # with it comes all of the server

    try:
        server = start(seed=seed)
    except ServerError as error:
        raise StartError("the embedded server", str(error)) from error
    with server:
        yield server.url


def program() -> Path:
    """
    Return Toxiproxy's own server on this machine.

    Raises:
        MissingServerError: There is none.
    """
    named = os.environ.get(VARIABLE)
    found = shutil.which(named or PROGRAM)
    if found is None:
        raise MissingServerError(named or PROGRAM)
    return Path(found)


@contextmanager
def _found() -> Iterator[Client]:
    """Start the program under a keeper, with metrics, at a port that is free."""
    path = program()
    for attempt in range(ATTEMPTS):
        with connected(f"127.0.0.1:{_free_port()}") as client, _kept(path, client) as keeper:
            try:
                _wait_for(client, keeper, path)
            except StartError:
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            yield client
            return


@contextmanager
def _kept(path: Path, client: Client) -> Iterator[subprocess.Popen[bytes]]:
    own = [sys.executable, "-P", str(Path(__file__).with_name("keeper.py")), str(os.getpid())]
    command = [*own, str(path), "-host", client.host, "-port", str(client.port), "-proxy-metrics"]
    keeper = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LOG_LEVEL": "error"},  # its default is to log every chunk
        start_new_session=True,  # Ctrl-C is for the run, which undoes first
    )
    assert keeper.stdin is not None
    try:
        yield keeper
    finally:
        with suppress(BrokenPipeError):
            keeper.stdin.close()
        keeper.wait()


def _wait_for(client: Client, keeper: subprocess.Popen[bytes], path: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            client.version()
        except ToxiproxyError as error:
            if keeper.poll() is not None:
                raise StartError(str(path), f"it ended with exit code {keeper.returncode}") from error
            if not isinstance(error, UnreachableError) or time.monotonic() > until:
                raise StartError(str(path), str(error)) from error
            time.sleep(LOOK_S)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
