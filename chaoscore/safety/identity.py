"""Which process, which boot: what guards an undo against numbers that the system has given to another."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import attrs

_PROC = Path("/proc")


@cache
def boot_id() -> str:
    """Return what changes with every boot; empty where the system does not tell."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int | None:
    """
    Return when *pid* started, in clock ticks since boot; None if there is no such process or it is a zombie.

    Source: proc(5), field 22 of ``/proc/PID/stat``; the name in field 2 may hold spaces and parentheses.
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


@attrs.frozen
class ProcessId:
    """
    A process, and not the next one with its number.

    Attributes:
        pid: Its number.
        started: When it started, in clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def own(cls) -> ProcessId:
        """Return this process."""
        return cls(os.getpid(), start_ticks(os.getpid()) or 0)

    def alive(self) -> bool:
        """Tell whether it runs; its number may belong to another by now."""
        return start_ticks(self.pid) == self.started
