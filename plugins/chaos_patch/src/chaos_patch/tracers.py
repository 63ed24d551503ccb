"""The straces of an opening: which there are, by where they write, and how they are ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from chaos_patch.children import command_line, wait_until
from chaos_patch.errors import UnsupportedError

DETACH_S = 5.0


def let_go(place: Path) -> None:
    """
    End every strace that writes to *place*; whatever is traced goes on.

    One that is about to become the program of a child, or to trace it, is waited for: it would begin after the end.

    Raises:
        UnsupportedError: One does not end.
    """
    told: set[int] = set()

    def gone() -> bool:
        found = straces(place)
        for pid in found & set(tracers()) - told:
            told.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        # twice: while the first look came to a strace that had just become a program, what traces it was too new to be
        # in its list; no new ones come, so the second sees that
        return not (found or straces(place))

    if not wait_until(gone, DETACH_S):
        pids = " ".join(map(str, sorted(straces(place))))
        raise UnsupportedError("strace", f"process {pids} does not let go of what it traces", f"kill -KILL {pids}")


def straces(place: Path) -> set[int]:
    """Return the pids of the straces that write to *place*, also of those that do not trace yet."""
    folder = os.fsencode(place) + b"/"

    def writes_there(command: list[bytes]) -> bool:
        return _is_strace(command) and any(word.startswith(folder) for word in command)

    return {pid for pid in _pids() if writes_there(command_line(pid))}


def tracers() -> Iterator[int]:
    """
    Yield the pids of what traces a program.

    Before it becomes that program, strace traces a fork of itself to see what it can do: that does not count.
    """
    for pid in _pids():
        command = command_line(pid)
        tracer = _tracer(pid) if command and not _is_strace(command) else 0
        if tracer:
            yield tracer


def _is_strace(command: list[bytes]) -> bool:
    return command[:1] == [b"strace"]


def _tracer(pid: int) -> int:
    """Return the pid of what traces a process; 0 where nothing does, or it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_bytes().splitlines():
            if line.startswith(b"TracerPid:"):
                return int(line.split()[1])
    return 0


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
