"""What `chaoscore doctor` tries on this machine for this plugin: each fault, on a child of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from chaos_process import system
from chaos_process.children import Children
from chaos_process.limiting import lowerings, undo_limit
from chaos_process.pausing import undo_pause
from chaos_process.process import Process, State
from chaos_process.waiting import wait_until
from chaoscore import show_bytes

TAG = f"{system.TAG}doctor"
SEEN_S = 5.0
HELD_BYTES = 8 << 20


def burn() -> str:
    """Let a child burn CPU time."""
    with _child("cpu", 1.0) as (children, child):
        before_s = system.cpu_s(child)
        children.go()
        _expect(lambda: system.cpu_s(child) > before_s, "a child burnt no CPU time")
        return (
            f"a child burnt {system.cpu_s(child) - before_s:.2f} s of CPU time on one of {system.usable_cores()} cores"
        )


def hold() -> str:
    """Let a child hold memory."""
    with _child("memory", HELD_BYTES) as (children, child):
        before_bytes = system.rss_bytes(child)
        children.go()
        children.expect(b"h", SEEN_S)
        held_bytes = system.rss_bytes(child) - before_bytes
        if held_bytes < 0.9 * HELD_BYTES:
            raise AssertionError(f"a child held {show_bytes(held_bytes)} only")
        return f"a child held {show_bytes(held_bytes)} of the available {show_bytes(system.available_bytes())}"


def pause() -> str:
    """Stop a child and continue it."""
    with _victim() as child:
        system.send(child, signal.SIGSTOP)
        _expect(lambda: system.state(child) is State.STOPPED, "a child was not seen to stand")
        undo_pause(child.as_args())
        _expect(lambda: system.state(child) is State.ALIVE, "a child did not go on")
    return "a child was seen to stand, and went on"


def kill() -> str:
    """Kill a child."""
    with _victim() as child:
        system.send(child, signal.SIGKILL)
        _expect(lambda: system.state(child).ended, "a child was not seen to end")
    return "a child was killed"


def limit() -> str:
    """Lower a limit of a child and restore it."""
    with _victim() as child:
        before = system.soft_and_hard(child, "open_files")
        [args] = lowerings(child, {"open_files": "+1"})
        system.set_limit(child, "open_files", args["lowered_to"], args["hard"])
        lowered = system.soft_and_hard(child, "open_files")[0]
        undo_limit(args)
        _expect(lambda: system.soft_and_hard(child, "open_files") == before, "a limit of a child did not come back")
    return f"the limit of a child on open files went from {before[0]} to {lowered} and back"


CHECKUPS: Mapping[str, Callable[[], str]] = {
    "process.cpu": burn,
    "process.kill": kill,
    "process.limit": limit,
    "process.memory": hold,
    "process.pause": pause,
}


@contextmanager
def _child(what: str, amount: float) -> Iterator[tuple[Children, Process]]:
    children = Children.start(1, [TAG, str(os.getpid()), what, str(amount)])
    try:
        yield children, children.known[0]
    finally:
        children.end()


@contextmanager
def _victim() -> Iterator[Process]:
    program = "import os; os.write(1, b'r'); os.read(0, 1)"
    command = [sys.executable, "-I", "-S", "-c", program, TAG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as popen:
        assert popen.stdout is not None
        popen.stdout.read(1)
        child = system.look_up(popen.pid)
        assert child is not None
        try:
            yield child
        finally:
            popen.kill()


def _expect(true: Callable[[], bool], otherwise: str) -> None:
    if not wait_until(true, SEEN_S):
        raise AssertionError(otherwise)
