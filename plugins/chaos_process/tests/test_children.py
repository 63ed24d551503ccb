"""Children that make a fault and end with it, or with their owner."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from chaos_process import children, system
from chaos_process.children import Children, running, strangers_below
from chaos_process.errors import ChildError, LeftBehindError
from chaos_process.process import Process, State
from chaoscore import Site

Spawn = Callable[..., Any]
Until = Callable[[Callable[[], bool]], bool]

OWNER = """
import logging, os, sys, time
from chaoscore import Site, SystemClock
from chaos_process import cpu

clock = SystemClock()
site = Site(injection="hot", scenario="s", run_id="r", seed=1, target=None, clock=clock, log=logging.getLogger(),
            draw=lambda *_: 0.5, landed=lambda *_: None, elapsed_s=lambda: 0.0, share=1.0, resolve=None, undoing=None)
with cpu(load=0.2, processes=2).open(site) as burning:
    print(*(each.pid for each in burning.children), end=' ')
    {then}print(flush=True)
    time.sleep(60)
"""


@pytest.fixture
def owner() -> Any:
    """Start a process that has burners, and return it with them."""
    started: list[subprocess.Popen[bytes]] = []

    def start(then: str = "") -> tuple[subprocess.Popen[bytes], list[Process]]:
        popen = subprocess.Popen([sys.executable, "-c", OWNER.format(then=then)], stdout=subprocess.PIPE)
        started.append(popen)
        assert popen.stdout is not None
        found = [system.look_up(int(pid)) for pid in popen.stdout.readline().split()]
        return popen, [each for each in found if each is not None]

    yield start
    for popen in started:
        popen.kill()
        popen.wait()
        assert popen.stdout is not None
        popen.stdout.close()


def gone(processes: list[Process]) -> Callable[[], bool]:
    return lambda: all(system.state(each).ended for each in processes)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_children_end_with_their_owner(owner: Any, until: Until, number: signal.Signals) -> None:
    """However the owner is killed, no child is left."""
    popen, burners = owner()
    assert len(burners) == 2
    popen.send_signal(number)
    popen.wait()
    assert until(gone(burners))


def test_stopped_children_end_with_their_owner(owner: Any, until: Until) -> None:
    """A child that is stopped, and so sees no end of its input, still ends when its owner is killed."""
    popen, burners = owner()
    for each in burners:
        system.send(each, signal.SIGSTOP)
        assert until(lambda: system.state(each) is State.STOPPED)  # noqa: B023 - called at once
    popen.kill()
    popen.wait()
    assert until(gone(burners))


def test_a_fork_of_the_owner_keeps_no_child_alive(owner: Any, until: Until) -> None:
    """A process that the owner forks, and that lives on, does not hold the pipe in which children see its end."""
    popen, burners = owner("fork = os.fork()\n    if not fork: time.sleep(60)\n    print(fork, end=' ')\n    ")
    *burners, fork = burners
    try:
        popen.kill()
        popen.wait()
        assert until(gone(burners))
        assert not system.state(fork).ended
    finally:
        system.send(fork, signal.SIGKILL)
        assert until(gone([fork]))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_closes_the_pipe(site: Site) -> None:
    """A fork of this process has its end of the pipe closed, and this process does not."""
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        pid = os.fork()
        if not pid:
            os._exit(0 if burners._begin.closed and burners._life.closed else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert not burners._life.closed


def test_children_outlive_the_thread_that_opened_them(site: Site) -> None:
    """The thread that opens a fault may end before it is lifted; the kernel would kill the children of that thread."""
    manager = running(site, "process.cpu", "cpu", 0.01, 2)
    opened: list[Children] = []
    thread = threading.Thread(target=lambda: opened.append(manager.__enter__()))
    thread.start()
    thread.join()
    try:
        opened[0].go()
        assert [system.state(each) for each in opened[0].known] == [State.ALIVE] * 2
    finally:
        manager.__exit__(None, None, None)
    assert [system.state(each) for each in opened[0].known] == [State.GONE] * 2


def test_children_end_when_the_body_raises(site: Site) -> None:
    """An error while the fault is open ends and reaps its children, and is the one that is seen."""
    known: list[Process] = []

    def fail() -> None:
        with running(site, "process.cpu", "cpu", 0.01, 2) as burners:
            known.extend(burners.known)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [system.state(each) for each in known] == [State.GONE] * 2


def test_a_child_that_does_not_want_to_end_is_killed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that does not react to being asked, such as a stopped one, is killed after its grace, and reaped."""
    monkeypatch.setattr(children, "GRACE_S", 0.01)
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        [child] = burners.known
        system.send(child, signal.SIGSTOP)
    assert system.state(child) is State.GONE


def test_a_child_that_is_left_behind_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is still there after all that is named in an error, with the command that ends it."""
    manager = running(site, "process.cpu", "cpu", 0.01)
    [child] = manager.__enter__().known
    monkeypatch.setattr(system, "state", lambda process: State.ALIVE)
    with pytest.raises(LeftBehindError) as caught:
        manager.__exit__(None, None, None)
    assert caught.value.command == f"kill -KILL {child.pid}"


def test_every_child_begins(site: Site) -> None:
    """Each of several children gets its word, though they share the pipe that it comes by."""
    with running(site, "process.memory", "memory", 65536, 8) as holders:
        holders.go()
        holders.expect(b"h" * 8, 20.0)


def test_a_child_that_ends_early_is_reaped(site: Site, until: Until) -> None:
    """A child that is killed while the fault is open, as for want of memory, does not stay as a zombie."""
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        [child] = burners.known
        system.send(child, signal.SIGKILL)
        assert until(lambda: system.state(child) is State.GONE)


def test_a_child_that_cannot_start_says_why() -> None:
    """A child that fails is an error with what it said."""
    with pytest.raises(ChildError, match=r"did not start within its time; it said: Traceback[\s\S]*missing 3 required"):
        Children.start(1, ["chaoscore:test"])


def test_a_child_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is not ready in time is an error, and is ended."""
    monkeypatch.setattr(children, "START_S", 0.0)
    with pytest.raises(ChildError, match="it said: nothing"):
        Children.start(2, ["chaoscore:test", str(os.getpid()), "cpu", "0.01"])


def test_an_owner_that_gives_up_waiting_leaves_no_child(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being interrupted while the children start ends them as soon as they have."""
    manager = running(site, "process.cpu", "cpu", 0.01)

    monkeypatch.setattr(Future, "result", interrupted_once(Future.result))
    with pytest.raises(KeyboardInterrupt):
        manager.__enter__()


def interrupted_once(real: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what raises at the first call, and is *real* from then on."""
    calls: list[object] = []

    def result(future: Any) -> Any:
        calls.append(future)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(future)

    return result


def test_no_child_stays_when_one_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second of two children cannot be started, the first one is ended."""
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def limited(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        if started:
            raise BlockingIOError(11, "no more processes")
        started.append(real(*args, **options))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", limited)
    with pytest.raises(BlockingIOError):
        Children.start(2, ["chaoscore:test", str(os.getpid()), "cpu", "0.01"])
    assert started[0].returncode is not None


def test_children_are_started_without_a_shell(site: Site) -> None:
    """A child is the interpreter with a script of this plugin, and says in `ps` whose it is."""
    with running(site, "process.cpu", "cpu", 0.25) as burners:
        line = system.command_line(burners.known[0])
    script = Path(children.__file__).with_name("child.py")
    command, _, arguments = line.partition(" chaoscore:")
    assert command.rpartition(" ")[0] == f"{sys.executable} -I -S {script}"
    assert arguments == f"process.cpu:run-1:stress {os.getpid()} cpu 0.25"


def test_children_get_a_session_of_their_own(site: Site) -> None:
    """Ctrl-C at the terminal does not reach the children."""
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        assert os.getsid(burners.known[0].pid) == burners.known[0].pid


def test_children_cost_two_descriptors_however_many_there_are(site: Site) -> None:
    """All children of a fault share their pipes, and none stays open."""
    before = system.open_files(system.this_process())
    with running(site, "process.cpu", "cpu", 0.01, 4) as burners:
        burners.go()
        assert system.open_files(system.this_process()) <= before + 2
    assert system.open_files(system.this_process()) == before


def test_strangers_are_all_but_our_own(site: Site, spawn: Spawn) -> None:
    """Descendants that the tool started, for a fault or not for one, are no strangers; those of the target are."""
    mine, tagged = spawn(), spawn(tag="chaoscore:watchdog:run-1")
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        pids = [each.pid for each in strangers_below(system.this_process())]
        everybody = [each.pid for each in system.descendants(system.this_process())]
    assert mine.pid in pids
    assert tagged.pid not in pids
    assert burners.known[0].pid in everybody
    assert burners.known[0].pid not in pids


def test_a_zombie_of_ours_is_no_stranger(site: Site, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of the tool that was killed and is not reaped yet has no command line any more, and is still known."""
    monkeypatch.setattr(Children, "look", lambda self: None)
    with running(site, "process.cpu", "cpu", 0.01) as burners:
        [child] = burners.known
        system.send(child, signal.SIGKILL)
        assert until(lambda: system.state(child) is State.ZOMBIE)
        assert child.pid not in [each.pid for each in strangers_below(system.this_process())]
