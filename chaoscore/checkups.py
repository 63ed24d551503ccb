"""
What `chaoscore doctor` looks at on any machine.

Each check-up runs in a child process of its own and proves its line by doing the thing, not by asking whether it is
there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chaoscore.errors import StuckStepError
from chaoscore.safety.identity import ProcessId
from chaoscore.safety.journal import Journal
from chaoscore.safety.state import private, state_dir
from chaoscore.units import show_seconds

MARKER_UNDO = "doctor.marker"


class Marker:
    """The undo action that the doctor tries the watchdog with: it removes a marker file from the state directory."""

    def undo(self, args: Mapping[str, Any]) -> str:
        """Remove the marker."""
        self._path(args).unlink(missing_ok=True)
        return "removed"

    def in_effect(self, args: Mapping[str, Any]) -> bool:
        """Tell whether the marker is there."""
        return self._path(args).exists()

    def _path(self, args: Mapping[str, Any]) -> Path:
        """Return the marker's path; whatever the journal says, it lies in the state directory."""
        return state_dir() / Path(str(args["name"])).name


def journal() -> str:
    """Put a record on disk and say how long that takes."""
    book = Journal.create(f"doctor-{os.getpid()}", "doctor")
    try:
        began = time.perf_counter()
        book.intend("doctor", MARKER_UNDO, {"name": "none"}, target="nothing", manual="nothing")
        took_s = time.perf_counter() - began
    finally:
        book.path.unlink()
        book.close()
    return f"a record is on disk in {show_seconds(took_s)}, in {state_dir()}"


def watchdog() -> str:
    """Kill a process that holds a fault, and see the watchdog take it back."""
    name = f"doctor-marker-{os.getpid()}"
    program = (
        "import os, signal, sys;"
        "from chaoscore.executor.guard import Guard; from chaoscore.plugins import catalogue;"
        f"guard = Guard('doctor-dog-{os.getpid()}', 'doctor', catalogue().undos.by_name(), print);"
        f"hold = guard.undoing('doctor', {MARKER_UNDO!r}, {{'name': {name!r}}}, target={name!r}, manual='remove it');"
        f"hold.__enter__(); open({str(state_dir() / name)!r}, 'w').close();"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, env=_environment())
    began = time.perf_counter()
    while (state_dir() / name).exists():
        if time.perf_counter() - began > 5:
            (state_dir() / name).unlink()
            raise AssertionError("a fault whose owner was killed was still there after 5 s")
        time.sleep(0.001)
    return f"a fault whose owner was killed was undone within {show_seconds(time.perf_counter() - began)}"


def stop_and_continue() -> str:
    """Stop a child and let it go on."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        child.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, child.pid, os.WCONTINUED)
    finally:
        child.kill()
        child.wait()
    return "a child was stopped and went on"


def interrupt_steps() -> str:
    """End a step that loops for ever in Python code."""
    ended = threading.Event()

    def loop() -> None:
        try:
            while True:
                pass
        except StuckStepError:
            ended.set()

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(StuckStepError))
    if not ended.wait(5):
        raise AssertionError("a thread that loops could not be interrupted")
    return "a thread that loops for ever was interrupted"


def open_files() -> str:
    """Run out of file descriptors under a limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
    held: list[int] = []
    try:
        while len(held) < 64:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        if error.errno == errno.EMFILE:
            return f"opening files failed with EMFILE after {len(held)}, under a limit of 32"
        raise
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    raise AssertionError("the limit on open files has no effect")


def file_size() -> str:
    """Write past a limit on the size of files."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    with tempfile.TemporaryFile(buffering=0) as file:
        written = file.write(b"x" * 10_000)
        try:
            file.write(b"x")
        except OSError as error:
            if error.errno == errno.EFBIG:
                return f"a write was cut short at {written} bytes, the next failed with EFBIG"
            raise
    raise AssertionError("the limit on the size of files has no effect")


def memory() -> str:
    """Ask for memory past a limit on the address space."""
    limit = 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        bytearray(2 * limit)
    except MemoryError:
        return "an allocation past the limit on address space failed with MemoryError"
    raise AssertionError("the limit on address space has no effect")


def loopback() -> str:
    """Connect to a port of this process on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            accepted, _ = server.accept()
            with accepted:
                client.sendall(b"x")
                if accepted.recv(1) != b"x":
                    raise AssertionError("a byte sent over loopback did not arrive")
        return f"a byte went over 127.0.0.1:{server.getsockname()[1]}"


def clock() -> str:
    """Sleep, and compare the clocks."""
    began, wall = time.perf_counter(), time.time()
    time.sleep(0.05)
    slept_s, passed_s = time.perf_counter() - began, time.time() - wall
    if slept_s < 0.05 or abs(slept_s - passed_s) > 0.5:
        raise AssertionError(
            f"a sleep of 50 ms took {slept_s * 1e3:.1f} ms by one clock, {passed_s * 1e3:.1f} by another"
        )
    return f"a sleep of 50 ms took {show_seconds(slept_s)}; the clocks agree to {show_seconds(abs(slept_s - passed_s))}"


def identity() -> str:
    """Tell this process from another with its number."""
    own = ProcessId.own()
    if not own.started:
        raise AssertionError(
            "the system does not tell when a process started; undoing cannot guard against reused pids"
        )
    return "processes are told apart by their start times"


def _environment() -> dict[str, str]:
    private(state_dir())
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


CHECKUPS: Mapping[str, Callable[[], str]] = {
    "journal": journal,
    "watchdog": watchdog,
    "process identity": identity,
    "stop and continue": stop_and_continue,
    "interrupting steps": interrupt_steps,
    "limit on open files": open_files,
    "limit on file size": file_size,
    "limit on memory": memory,
    "loopback ports": loopback,
    "clock": clock,
}
"""What the core itself looks at, by name."""
