"""
The small process that undoes what a run leaves when it dies, hangs or is stopped.

It holds the read end of a pipe. The run writes a byte into it now and then; end of file means that the run died, however it
died, and silence longer than the lease that it hangs or was stopped. Then the watchdog takes back what the journal lists, and
ends. It has a session of its own and ignores the signals that end a run, so it outlives a Ctrl-C and a closed terminal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

from chaoscore.safety.journal import Journal, Revoked
from chaoscore.safety.undo import Actions, heal

READY = b"r"
BEAT = b"."
DONE = b"d"


def main(path: Path, lease_s: float, actions: Actions) -> None:
    """Watch over the run whose journal is at *path*; standard input is the pipe, standard output says that it is ready."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    os.write(sys.stdout.fileno(), READY)
    reason = watch(sys.stdin.fileno(), lease_s)
    if reason is not None:
        take_over(path, reason, actions)


def watch(pipe: int, lease_s: float) -> str | None:
    """Return why the run has to be taken over, or None when it ended in good order."""
    while True:
        readable, _, _ = select.select([pipe], [], [], lease_s)
        if not readable:
            return f"the run gave no sign of life for {lease_s:g} s"
        beats = os.read(pipe, 4096)
        if not beats:
            return "the run died"
        if beats.endswith(DONE):
            return None


def take_over(path: Path, reason: str, actions: Actions) -> None:
    """Take back what is open. A run that wakes up again finds the pipe closed and injects nothing more."""
    os.close(sys.stdin.fileno())
    journal = Journal(path)
    journal.append(Revoked(reason))
    heal(journal.read(), actions, by="watchdog")  # what becomes of each is on disk; there is nobody else to tell
    journal.close()
