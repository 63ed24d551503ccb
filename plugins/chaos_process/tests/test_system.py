"""What the operating system says of processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_process import cgroup, system
from chaos_process.errors import DeniedError, GoneError, UnsupportedError
from chaos_process.process import Process, State

Spawn = Callable[..., Any]
Until = Callable[[Callable[[], bool]], bool]


def recycled(process: Process) -> Process:
    """Return one that had this pid before."""
    ticks = None if process.start_ticks is None else process.start_ticks - 1
    return Process(process.pid, process.create_time - 60, ticks)


def test_the_state_of_a_process_follows_its_life(spawn: Spawn, until: Until) -> None:
    """A process is alive, stopped, a zombie until it is reaped, and then gone."""
    child = spawn()
    assert system.state(child.process) is State.ALIVE
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: system.state(child.process) is State.STOPPED)
    child.kill()
    assert system.state(child.process) is State.ZOMBIE
    child.popen.wait()
    assert system.state(child.process) is State.GONE


def test_a_recycled_pid_is_not_the_process(spawn: Spawn) -> None:
    """A process whose pid another one has is gone: it has no state, no usage and gets no signal."""
    child = spawn()
    old = recycled(child.process)
    assert system.state(old) is State.GONE
    assert system.send(old, signal.SIGKILL) is False
    assert system.command_line(old) == ""
    with pytest.raises(GoneError):
        system.rss_bytes(old)
    assert system.state(child.process) is State.ALIVE


def test_nothing_is_sent_to_what_has_ended(spawn: Spawn) -> None:
    """A zombie and a reaped process get no signal, and that is no error."""
    child = spawn()
    child.kill()
    assert system.send(child.process, signal.SIGTERM) is False
    child.popen.wait()
    assert system.send(child.process, signal.SIGTERM) is False


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_there_is_no_process_of_that_pid(pid: int) -> None:
    """No pid below 1, and none that nobody has, names a process."""
    assert system.look_up(pid) is None


def test_a_thread_is_no_process() -> None:
    """The kernel's number of a thread names no process, although the kernel would take it for one."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        assert system.look_up(thread.native_id) is None
    finally:
        done.set()
        thread.join()


def test_signals_arrive_where_there_are_no_pid_descriptors(
    spawn: Spawn, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an older kernel, or where a container refuses them, signals are sent by pid after the same look."""

    def refuse(pid: int) -> int:
        raise PermissionError(1, "seccomp")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    child = spawn()
    assert system.send(recycled(child.process), signal.SIGKILL) is False
    assert system.send(child.process, signal.SIGKILL) is True
    assert until(lambda: system.state(child.process).ended)


def test_a_signal_that_is_not_allowed_says_so(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signalling somebody else's process is an error that names the process and the signal."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "not yours")

    monkeypatch.setattr(os, "pidfd_open", lambda pid: (_ for _ in ()).throw(OSError()), raising=False)
    monkeypatch.setattr(os, "kill", refuse)
    child = spawn()
    with pytest.raises(DeniedError, match=f"process {child.pid}: not allowed to send it SIGSTOP"):
        system.send(child.process, signal.SIGSTOP)
    monkeypatch.undo()


def test_what_psutil_may_not_read_is_an_error_of_ours(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being refused a number is an error that names the process and what was asked."""

    def refuse(self: psutil.Process) -> int:
        raise psutil.AccessDenied(self.pid)

    child = spawn()
    monkeypatch.setattr(psutil.Process, "num_fds", refuse)
    with pytest.raises(DeniedError, match="count its open files"):
        system.open_files(child.process)


def test_descendants_come_oldest_first(spawn: Spawn) -> None:
    """Children and grandchildren are listed, in the order in which they started."""
    parent = spawn("pid = os.fork()\nif pid == 0: signal.pause()")
    younger = spawn()
    found = [each.pid for each in system.descendants(system.this_process())]
    [grandchild] = [each.pid for each in system.descendants(parent.process)]
    assert [pid for pid in found if pid in {parent.pid, grandchild, younger.pid}] == [
        parent.pid,
        grandchild,
        younger.pid,
    ]


def test_this_process_has_ancestors() -> None:
    """The parent of this process is above it, and it is not above itself."""
    assert os.getppid() in system.ancestors()
    assert os.getpid() not in system.ancestors()


def test_usage_is_measured(spawn: Spawn) -> None:
    """Memory, open files and CPU time of another process grow when it uses more of them."""
    child = spawn("held = []", "held.append((bytearray(b'x' * (4 << 20)), open('/dev/null'), sum(range(3_000_000))))")
    readings = (system.rss_bytes, system.open_files, system.cpu_s, system.mapped_bytes)
    before = [read(child.process) for read in readings]
    child.tell()
    after = [read(child.process) for read in readings]
    assert after[0] - before[0] > 3 << 20
    assert after[1] - before[1] == 1
    assert after[2] > before[2]
    assert after[3] > before[3]


def test_the_command_line_is_what_was_run(spawn: Spawn, tag: str) -> None:
    """A command line holds every argument, and a process that has ended has none."""
    child = spawn()
    assert system.command_line(child.process).endswith(tag)
    child.kill()
    assert system.command_line(child.process) == ""
    assert system.title(child.process) == f"process {child.pid} (ended)"


def test_a_title_is_one_short_line(spawn: Spawn) -> None:
    """Whatever a process has for arguments, it is called by a short line without control characters."""
    title = system.title(spawn(r"text = 'ESC[31m'".replace("ESC", chr(27))).process)
    assert title.isprintable()
    assert len(title) < 110


@pytest.mark.parametrize(
    "argument", ["chaoscore:process.cpu:run-1:hot", "from multiprocessing.resource_tracker import main"]
)
def test_helpers_are_known_by_an_argument(spawn: Spawn, argument: str) -> None:
    """Children of the tool and the standard library's resource tracker are helpers; the target's children are not."""
    assert system.is_helper(spawn(tag=argument).process)
    assert not system.is_helper(spawn(tag=f"serve {argument}").process)


def test_a_helper_is_known_while_it_begins(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the start of a program and its command line there is none; nobody takes a helper for a stranger then."""
    helper, real, calls = spawn(tag="chaoscore:watchdog"), psutil.Process.cmdline, list[int]()

    def late(self: psutil.Process) -> list[str]:
        calls.append(self.pid)
        return [] if len(calls) == 1 else real(self)

    monkeypatch.setattr(psutil.Process, "cmdline", late)
    assert system.is_helper(helper.process)
    assert len(calls) == 2


def test_available_memory_is_the_least_of_machine_and_cgroup(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the limit of its cgroup counts, however much memory the machine has."""
    monkeypatch.setattr(cgroup, "rooms_bytes", lambda: iter([5, 7]))
    assert system.available_bytes() == 5
    monkeypatch.setattr(cgroup, "rooms_bytes", lambda: iter([]))
    assert system.available_bytes() > 1 << 20


def test_there_is_a_core_to_run_on() -> None:
    """At least one core and no more than the machine has can be used."""
    assert 1 <= system.usable_cores() <= (os.cpu_count() or 1)


def test_limits_of_another_process_need_linux(spawn: Spawn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, limits of another process are refused with what they need."""
    child = spawn()
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UnsupportedError, match="only Linux"):
        system.soft_and_hard(child.process, "open_files")
    with pytest.raises(UnsupportedError, match="only Linux"):
        system.set_limit(child.process, "open_files", 10, 10)


def test_only_one_module_knows_psutil() -> None:
    """No module but `system` imports psutil, and looking at what the plugin offers does not load it."""
    modules = Path(system.__file__).parent.glob("*.py")
    assert [path.name for path in modules if "import psutil" in path.read_text()] == ["system.py"]
    script = "import sys, chaos_process, chaos_process.plugin; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
