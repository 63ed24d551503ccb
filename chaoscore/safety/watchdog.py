"""
The small process that undoes what a run leaves when it dies, hangs or is stopped.

It holds the journal, and the read end of a pipe. The run writes a byte into that now and then; end of file means that
the run died, however it died, and silence longer than the lease that it hangs or was stopped. Then the watchdog takes
back what the journal lists, and ends. It has a session of its own and ignores the signals that end a run, so it
outlives a Ctrl-C and a closed terminal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

from chaoscore.safety.journal import Journal
from chaoscore.safety.records import Revoked
from chaoscore.safety.undo import Actions, heal_in

READY = b"r"
BEAT = b"."
DONE = b"d"
LEFT = b"l"


def main(path: Path, lease_s: float, limit_s: float, actions: Actions) -> None:
    """
    Watch over a run; standard input is the pipe, standard output says that it is ready.

    Args:
        path: Its journal.
        lease_s: How long it may be silent, seconds.
        limit_s: How long it may last, seconds; infinity: any time.
        actions: What takes its faults back, by name.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    journal = Journal(path)  # held from now on: somebody may clear the state directory while the run goes on
    os.write(sys.stdout.fileno(), READY)
    reason = watch(sys.stdin.fileno(), lease_s, limit_s)
    if reason is not None:
        take_over(journal, reason, actions)
    os._exit(0)  # whatever plugins would still like to do: an undo may hang in a thread, and the run may be waiting


def watch(pipe: int, lease_s: float, limit_s: float) -> str | None:
    """Return why the run has to be taken over, or None when it ended in good order."""
    end = time.monotonic() + limit_s
    while True:
        left_s = end - time.monotonic()
        readable, _, _ = select.select([pipe], [], [], max(0.0, min(lease_s, left_s)))
        said = os.read(pipe, 4096) if readable else BEAT
        if not said:
            return "the run died"
        if said.endswith(LEFT):
            return "the run could not undo everything"
        if said.endswith(DONE):
            return None
        if left_s <= 0:
            return "the run exceeded its limit"
        if not readable and left_s > lease_s:
            return f"the run gave no sign of life for {lease_s:g} s"


def take_over(journal: Journal, reason: str, actions: Actions) -> None:
    """Take back what is open. A run that wakes up again finds the pipe closed and injects nothing more."""
    os.close(sys.stdin.fileno())
    journal.append(Revoked(reason))
    heal_in(journal, journal.last(), actions, by="watchdog")  # what becomes of each is on disk; nobody else is told
