"""Pausing processes."""

import json
import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chaos_process import pause, system, undo_pause
from chaos_process.errors import DeniedError
from chaos_process.pausing import Continue
from chaos_process.process import Process, State
from chaoscore import Injector, Opens, Site, Undo

Spawn = Callable[..., Any]
Until = Callable[[Callable[[], bool]], bool]


def test_a_process_stands_while_the_fault_is_open(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """A paused process is stopped, the run is told once, and it goes on and works when the fault is lifted."""
    child = spawn()
    with pause(match=tag).open(site) as paused:
        assert system.state(child.process) is State.STOPPED
        evidence = paused.evidence()
    assert evidence.fired == 1
    assert evidence.detail == {"candidates": 1, "pids": [child.pid], "stopped_already": 0}
    [(kind, where, _)] = landed
    assert (kind, where) == ("process.pause", f"process {child.pid}")
    assert system.state(child.process) is State.ALIVE
    child.tell()


def test_all_are_continued_when_the_body_raises(site: Site, spawn: Spawn, tag: str) -> None:
    """An error while the fault is open leaves no process stopped."""
    children = [spawn() for _ in range(3)]
    with pytest.raises(ZeroDivisionError), pause(pick="all", match=tag).open(site):
        raise ZeroDivisionError
    assert [system.state(each.process) for each in children] == [State.ALIVE] * 3


def test_all_are_continued_when_one_cannot_be_paused(
    site: Site, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the second of two may not be stopped, the first is continued and the error is seen."""
    first, second = spawn(), spawn()
    real = system.send

    def refuse(process: Process, number: signal.Signals) -> bool:
        if process.pid == second.pid and number == signal.SIGSTOP:
            raise DeniedError(process.pid, "stop it")
        return real(process, number)

    monkeypatch.setattr(system, "send", refuse)
    with pytest.raises(DeniedError):
        pause(pick="all", match=tag).open(site).__enter__()
    assert system.state(first.process) is State.ALIVE


def test_one_that_is_stopped_already_is_left_alone(
    site: Site, landed: Any, spawn: Spawn, until: Until, tag: str
) -> None:
    """A process that somebody else stopped is no evidence, and stays stopped."""
    child = spawn()
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: system.state(child.process) is State.STOPPED)
    with pause(match=tag).open(site) as paused:
        evidence = paused.evidence()
    assert evidence.fired == 0
    assert evidence.detail["stopped_already"] == 1
    assert landed == []
    assert system.state(child.process) is State.STOPPED


def test_nothing_to_pause_is_no_evidence(site: Site, landed: Any) -> None:
    """Where no process matches, nothing fired, and the evidence says why."""
    with pause(match="no such process").open(site) as paused:
        evidence = paused.evidence()
    assert evidence.fired == 0
    assert "no descendant" in str(evidence.detail["why_none"])
    assert landed == []


def test_a_process_that_does_not_stand_is_no_evidence(
    site: Site, landed: Any, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that was sent proves nothing; only a process that is seen to stand does."""
    spawn()
    monkeypatch.setattr("chaos_process.pausing.SEEN_S", 0.0)
    monkeypatch.setattr(system, "state", lambda process: State.ALIVE)
    with pause(match=tag).open(site) as paused:
        evidence = paused.evidence()
    assert evidence.fired == 0
    assert landed == []


def test_a_process_killed_while_paused_is_no_trouble(site: Site, spawn: Spawn, tag: str) -> None:
    """Lifting passes over a process that has ended meanwhile, zombie or reaped."""
    zombie, reaped = spawn(), spawn()
    with pause(pick="all", match=tag).open(site) as paused:
        zombie.kill()
        reaped.kill()
        reaped.popen.wait()
        assert paused.evidence().fired == 2


def test_undo_is_a_function_of_json(spawn: Spawn, until: Until) -> None:
    """Whoever has the arguments as JSON can continue the process, as often as they like."""
    child = spawn()
    args = json.loads(json.dumps(child.process.as_args()))
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: system.state(child.process) is State.STOPPED)
    assert undo_pause(args) == f"process {child.pid} was continued"
    assert system.state(child.process) is State.ALIVE
    assert undo_pause(args) == f"process {child.pid} was continued"


def test_undo_takes_back_a_stop_that_has_not_happened(spawn: Spawn) -> None:
    """The arguments are written down before the signal is sent; undoing nothing does no harm."""
    child = spawn()
    undo_pause(child.process.as_args())
    child.tell()


def test_undo_spares_a_recycled_pid(spawn: Spawn, until: Until) -> None:
    """A process that has the pid of the one that was paused is not continued."""
    child = spawn()
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: system.state(child.process) is State.STOPPED)
    earlier = {"pid": child.pid, "create_time": child.process.create_time - 3600}
    assert undo_pause(earlier) == f"process {child.pid} has ended"
    assert system.state(child.process) is State.STOPPED


def test_undo_knows_a_process_after_the_clock_was_set(spawn: Spawn, until: Until) -> None:
    """Setting the clock moves every start time; the process is still continued."""
    child = spawn()
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: system.state(child.process) is State.STOPPED)
    if child.process.start_ticks is None:
        pytest.skip("cannot run here: this system only knows start times by the clock")
    undo_pause(child.process.as_args() | {"create_time": child.process.create_time - 3600})
    assert system.state(child.process) is State.ALIVE


def test_a_process_that_stays_stopped_is_an_error(
    site: Site, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that does not go on is named, with the command that continues it."""
    child = spawn()
    block = pause(match=tag).open(site)
    block.__enter__()
    with monkeypatch.context() as patch:
        patch.setattr("chaos_process.pausing.SEEN_S", 0.0)
        patch.setattr(system, "state", lambda process: State.STOPPED)
        told = rf"running of process {child.pid} started \d+ ticks after boot: kill -CONT {child.pid}"
        with pytest.raises(Exception, match=told):
            block.__exit__(None, None, None)


def test_the_undo_can_tell_whether_it_is_needed(site: Site, spawn: Spawn, tag: str) -> None:
    """A pause is in effect while the process stands, and not when it goes on or has ended."""
    child, action = spawn(), Continue()
    args = child.process.as_args()
    assert not action.in_effect(args)
    with pause(match=tag).open(site):
        assert action.in_effect(args)
        assert not action.in_effect(args | {"create_time": 1000.0, "start_ticks": 1})
    assert not action.in_effect(args)
    child.kill()
    assert not action.in_effect(args)


def test_the_target_says_which(site_of: Callable[..., Site], spawn: Spawn) -> None:
    """The process that the target's `pid` names is paused, and no other."""
    one, other = spawn(), spawn()
    with pause(of="target").open(site_of(target=SimpleNamespace(pid=one.pid))):
        assert system.state(one.process) is State.STOPPED
        assert system.state(other.process) is State.ALIVE


def test_it_is_an_injector_that_a_journal_undoes() -> None:
    """A stopped process stays stopped when the tool is killed, so its undo must be written down."""
    assert isinstance(pause(), Injector)
    assert isinstance(pause(), Opens)
    assert pause.undo is Undo.JOURNAL
