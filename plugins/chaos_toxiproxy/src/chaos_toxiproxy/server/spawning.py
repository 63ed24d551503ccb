"""Starting the server as a process of its own, which ends with the process that started it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from chaos_toxiproxy.server.options import TOKEN
from chaos_toxiproxy.server.running import READY

START_S = 20.0
END_S = 5.0


class ServerError(RuntimeError):
    """The embedded server did not start; the text holds what it said."""


class Server:
    """
    An embedded server that runs.

    Attributes:
        url: Where its API is.
        pid: Its process.
        token: What requests must bring; None: nothing.
        seed: What its chance goes by.
    """

    def __init__(self, process: subprocess.Popen[bytes], ready: str, token: str | None) -> None:
        address, _, seed = ready.removeprefix(READY).split()
        self._process, self.url, self.token, self.seed = process, f"http://{address}", token, int(seed)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End it, and wait until it is gone."""
        _end(self._process)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(
    *, host: str = "127.0.0.1", port: int = 0, config: Path | None = None, seed: int | None = None,
    token: str | None = None, metrics: bool = True,
) -> Server:  # fmt: skip
    """
    Start a server, from any thread; it ends with this process, however that ends.

    Args:
        host: Where its API listens.
        port: TCP port; 0: any that is free.
        config: A file of proxies to begin with.
        seed: What chance goes by; None: a new one.
        token: What requests must bring.
        metrics: Offer ``GET /metrics``.

    Raises:
        ServerError: It did not start: a port is taken, a file is wrong.
    """
    command = [sys.executable, "-P", "-m", "chaos_toxiproxy.server", f"--host={host}", f"--port={port}"]
    command += [f"--owner={os.getpid()}"]
    command += [] if config is None else [f"--config={config}"]
    command += [] if seed is None else [f"--seed={seed}"]
    command += ["--runtime-metrics", "--proxy-metrics"] if metrics else []
    environment = {**os.environ, **({} if token is None else {TOKEN: token})}  # not in the arguments
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,  # but not stderr: nobody would read it, and then it is full one day
        env=environment,
        start_new_session=True,  # Ctrl-C is for the owner, which undoes first
    )
    try:
        return Server(process, _ready(process), token)
    except BaseException:
        _end(process)
        raise


def _ready(process: subprocess.Popen[bytes]) -> str:
    """Return what the server says when it is ready."""
    line = _line(process.stdout)
    if not line.startswith(READY):
        raise ServerError(f"the embedded server did not start: {line.strip() or 'it says nothing'}")
    return line


def _line(pipe: IO[bytes] | None) -> str:
    assert pipe is not None
    line, until = b"", time.monotonic() + START_S
    while not line.endswith(b"\n") and select.select([pipe], [], [], max(0, until - time.monotonic()))[0]:
        some = os.read(pipe.fileno(), 4096)
        if not some:
            break
        line += some
    return line.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
