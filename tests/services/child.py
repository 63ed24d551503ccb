"""Server processes of tests: direct children with few rights, waited for, ended and reaped."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
START_S = 30.0
"""Seconds that a server gets to start; most take less than one."""
END_S = 10.0


class NotStartedError(RuntimeError):
    """A server did not become ready; the text holds what it wrote."""


def unprivileged() -> int | None:
    """The user that servers run as where the tests run as root, which servers refuse; None for the tests' own user."""
    return NOBODY if os.geteuid() == 0 else None


def reachable(path: Path) -> bool:
    """Tell whether the user that servers run as may read *path*, or look into it where it is a folder."""
    if unprivileged() is None:
        return True
    return all(each.stat().st_mode & 0o001 for each in path.resolve().parents) and bool(path.stat().st_mode & 0o004)


def free_port() -> int:
    """A port of 127.0.0.1 that is free now; somebody else may take it before it is used."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def command(arguments: Sequence[str | Path], folder: Path) -> None:
    """Run a command to its end as the user that servers run as, in *folder*."""
    uid = unprivileged()
    done = subprocess.run(
        arguments, cwd=folder, env=_environment(), user=uid, group=uid, extra_groups=_groups(uid),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NotStartedError(f"{arguments[0]} ended with {done.returncode}:\n{done.stdout}")


@contextmanager
def server(
    arguments: Sequence[str | Path], folder: Path, ready: Callable[[], bool], end: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a server as a direct child for the length of the block.

    Args:
        arguments: Its command line.
        folder: Where it runs; what it writes goes to ``log.txt`` there.
        ready: Tells whether it answers.
        end: The signal that ends it at once.
    """
    uid = unprivileged()
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            arguments, cwd=folder, env=_environment(), user=uid, group=uid, extra_groups=_groups(uid),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            preexec_fn=_ends_with_us(end),  # noqa: PLW1509 - one system call, which takes no lock
        )  # fmt: skip
    try:
        _await(process, ready, folder / "log.txt")
        yield process
    finally:
        _end(process, end)


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text(errors="replace")[-4000:]
            raise NotStartedError(f"{process.args!r} is not ready (exit code {process.poll()}):\n{said}")
        time.sleep(0.01)


def _end(process: subprocess.Popen[bytes], end: signal.Signals) -> None:
    process.send_signal(end)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ends_with_us(end: signal.Signals) -> Callable[[], None] | None:
    """Let the kernel end the child when the thread that starts it ends, however that happens."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, where little may be done
    return lambda: prctl(1, int(end))  # PR_SET_PDEATHSIG


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _groups(uid: int | None) -> list[int] | None:
    return None if uid is None else []
