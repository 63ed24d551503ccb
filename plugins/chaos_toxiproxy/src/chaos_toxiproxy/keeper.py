"""
A process between this one and a foreign server: it ends that server when its owner is gone, however that went.

A Go program does not look after its parent, and `PR_SET_PDEATHSIG` strikes when the *thread* ends that started a child.
So the server's parent is this small process, which has one thread; it waits for the end of its standard input, which
the kernel brings about when the owner dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

END_S = 5.0
"""How long the server may take to end before it is killed."""

LOOK_S = 0.5
"""How often to look whether server or owner have ended: a forked child may hold the owner's end of the pipe."""

_PR_SET_PDEATHSIG = 1


def main(owner: int, command: list[str]) -> int:
    """Run *command* until it ends or the process *owner* is gone; return its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the owner undoes first, and then closes the pipe
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads
    while child.poll() is None and os.getppid() == owner and not _closed():
        pass
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_S)
    if child.poll() is None:
        child.kill()
    return child.wait()


def _closed() -> bool:
    """Wait a little for the end of the standard input; tell whether it came."""
    readable, _, _ = select.select([0], [], [], LOOK_S)
    return bool(readable) and not os.read(0, 4096)


def _die_with_parent() -> None:
    """Let the kernel end the server where this process is killed (Linux)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
