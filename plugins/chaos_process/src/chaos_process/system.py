"""What the operating system says of processes and is told to do to them: the only module that imports psutil."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from chaos_process import cgroup
from chaos_process.errors import DeniedError, GoneError, UnsupportedError
from chaos_process.process import Process, State
from chaos_process.waiting import wait_until

TAG = "chaoscore:"
"""An argument that starts so marks a process as the tool's own: it is neither struck nor counted as the target's."""
EXEC_S = 0.1
"""Seconds to wait for a command line: a process that has just begun its program has none yet."""
_RESOURCE_TRACKER = "from multiprocessing.resource_tracker import"

# -- which processes there are ---------------------------------------------------------------------------------------


def look_up(pid: int) -> Process | None:
    """Return the process that has *pid* now, be it a zombie, or None."""
    if pid <= 0 or not psutil.pid_exists(pid):  # the kernel would take a thread's number, too; pid_exists does not
        return None
    try:
        return Process(pid, psutil.Process(pid).create_time(), _start_ticks(pid))
    except psutil.NoSuchProcess:
        return None


def state(process: Process) -> State:
    """Return what *process* is doing; a recycled pid means that it is gone."""
    now = look_up(process.pid)
    if now is None or not now.is_same(process):
        return State.GONE
    try:
        return _STATES.get(psutil.Process(process.pid).status(), State.ALIVE)
    except psutil.NoSuchProcess:
        return State.GONE


_STATES = {
    psutil.STATUS_STOPPED: State.STOPPED,
    psutil.STATUS_TRACING_STOP: State.STOPPED,
    psutil.STATUS_ZOMBIE: State.ZOMBIE,
    psutil.STATUS_DEAD: State.GONE,
}


def descendants(process: Process) -> list[Process]:
    """Return the children of *process*, their children and so on, oldest first; zombies among them."""
    with _known(process, "list its children") as handle:
        found = [look_up(child.pid) for child in handle.children(recursive=True)]
    return sorted((each for each in found if each is not None), key=_by_age)


def ancestors() -> frozenset[int]:
    """Return the pids of this process's parent, its parent and so on."""
    return frozenset(parent.pid for parent in psutil.Process().parents())


def this_process() -> Process:
    """Return the process that runs this code."""
    process = look_up(os.getpid())
    assert process is not None
    return process


def command_line(process: Process) -> str:
    """Return its command line; empty when it has ended, or where it may not be read."""
    return " ".join(_arguments(process))


def _arguments(process: Process) -> list[str]:
    try:
        with _known(process, "read its command line") as handle:
            return handle.cmdline()
    except (GoneError, DeniedError):
        return []


def title(process: Process) -> str:
    """Return what a finding calls it: its pid, and the beginning of its command line."""
    shown = "".join(each if each.isprintable() else " " for each in command_line(process)[:80])
    return f"{process} ({shown or 'ended'})"


def is_helper(process: Process) -> bool:
    """Tell whether it only serves the tool, to make or undo a fault, or the standard library, as long as that lives."""
    found: list[str] = []

    def read() -> bool:
        found[:] = _arguments(process)
        return bool(found) or state(process).ended

    wait_until(read, EXEC_S)
    return any(argument.startswith((TAG, _RESOURCE_TRACKER)) for argument in found)


# -- what they use ---------------------------------------------------------------------------------------------------


def rss_bytes(process: Process) -> int:
    """Return the memory that it really has, bytes; raises `GoneError`."""
    with _known(process, "read its memory") as handle:
        return int(handle.memory_info().rss)


def mapped_bytes(process: Process) -> int:
    """Return its address space, bytes; raises `GoneError`."""
    with _known(process, "read its memory") as handle:
        return int(handle.memory_info().vms)


def open_files(process: Process) -> int:
    """Return how many file descriptors it has open; raises `GoneError`."""
    with _known(process, "count its open files") as handle:
        return int(handle.num_fds())


def cpu_s(process: Process) -> float:
    """Return the CPU time that it has burnt, seconds; raises `GoneError`."""
    with _known(process, "read its CPU time") as handle:
        times = handle.cpu_times()
        return float(times.user + times.system)


def available_bytes() -> int:
    """Return how much memory can be had without swapping, bytes: of the machine, or of this process's cgroup."""
    return min([int(psutil.virtual_memory().available), *cgroup.rooms_bytes()])


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


# -- what is done to them --------------------------------------------------------------------------------------------


def send(process: Process, number: signal.Signals) -> bool:
    """
    Send a signal to *process*, unless it has ended or its pid belongs to another one now.

    Returns:
        Whether it was sent.

    Raises:
        DeniedError: It belongs to somebody else.
    """
    try:
        with _held(process) as deliver:
            if state(process).ended:
                return False
            deliver(number)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise DeniedError(process.pid, f"send it {number.name}") from error
    return True


def soft_and_hard(process: Process, resource: str) -> tuple[int, int]:
    """Return both limits of *resource*, one of `RESOURCES`; -1 is none; raises `GoneError`, `UnsupportedError`."""
    if sys.platform != "linux":
        raise UnsupportedError("a limit of another process", "prlimit, which only Linux has")
    with _known(process, "read its limits") as handle:
        return handle.rlimit(RESOURCES[resource])


def set_limit(process: Process, resource: str, soft: int, hard: int) -> None:
    """Set both limits of *resource*; raises `GoneError`, `DeniedError`, `UnsupportedError`."""
    if sys.platform != "linux":
        raise UnsupportedError("a limit of another process", "prlimit, which only Linux has")
    with _known(process, "set its limits") as handle:
        handle.rlimit(RESOURCES[resource], (soft, hard))


RESOURCES: dict[str, int] = {
    name: getattr(psutil, constant)
    for name, constant in (
        ("open_files", "RLIMIT_NOFILE"),
        ("file_size", "RLIMIT_FSIZE"),
        ("address_space", "RLIMIT_AS"),
    )
    if hasattr(psutil, constant)
}
"""The limits that can be set, by their names here; none where the system has no prlimit."""


@contextmanager
def _known(process: Process, what: str) -> Iterator[psutil.Process]:
    """Give psutil's handle of *process*, and translate psutil's errors."""
    now = look_up(process.pid)
    if now is None or not now.is_same(process):
        raise GoneError(process.pid)
    try:
        yield psutil.Process(process.pid)
    except psutil.NoSuchProcess as error:
        raise GoneError(process.pid) from error
    except (psutil.AccessDenied, PermissionError) as error:
        raise DeniedError(process.pid, what) from error


@contextmanager
def _held(process: Process) -> Iterator[Any]:
    """
    Give the function that signals *process*.

    Between looking at a pid and signalling it, the process may end and another may get its pid. A pid file descriptor
    closes that gap: it stands for whichever process had the pid when it was opened, and that one is looked at then.
    """
    descriptor = _pid_descriptor(process.pid)
    if descriptor is None or sys.platform != "linux":
        yield lambda number: os.kill(process.pid, number)
        return
    try:
        yield lambda number: signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _pid_descriptor(pid: int) -> int | None:
    """Return a pid file descriptor; None where the system has none, or a container's rules refuse it."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None


def _by_age(process: Process) -> tuple[float, int]:
    return (process.create_time if process.start_ticks is None else float(process.start_ticks), process.pid)


def _start_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return int(fields[19])  # the 22nd of proc(5), of which the first two end at the bracket
