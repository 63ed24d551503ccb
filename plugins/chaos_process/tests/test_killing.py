"""Killing processes."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from chaos_process import kill, system
from chaos_process.process import State
from chaoscore import Injector, Opens, Site, Undo

Spawn = Callable[..., Any]
Until = Callable[[Callable[[], bool]], bool]


def test_a_process_is_killed_once(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """The chosen process ends by the signal, its own parent reaps it, and the run is told once."""
    child = spawn()
    with kill(match=tag).open(site) as killed:
        evidence = killed.evidence()
    assert evidence.fired == 1
    assert evidence.detail == {"candidates": 1, "pids": [child.pid], "signalled": 1}
    assert landed == [("process.kill", f"process {child.pid}", "SIGKILL")]
    assert child.popen.wait() == -signal.SIGKILL


def test_the_exit_status_stays_for_the_parent(site: Site, spawn: Spawn, tag: str) -> None:
    """The killed process is a zombie until the system under test waits for it: nobody else has."""
    child = spawn()
    with kill(match=tag).open(site):
        assert system.state(child.process) is State.ZOMBIE


def test_a_process_may_be_asked_to_end(site: Site, landed: Any, spawn: Spawn, tag: str) -> None:
    """TERM lets the process end in its own way."""
    child = spawn("signal.signal(signal.SIGTERM, lambda *_: os._exit(5))")
    with kill(signal="TERM", match=tag).open(site) as killed:
        assert killed.evidence().fired == 1
    assert child.popen.wait() == 5
    assert landed[0][2] == "SIGTERM"


def test_a_process_that_refuses_is_no_evidence(
    site: Site, landed: Any, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ignores TERM has not been killed, whatever was sent."""
    child = spawn("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    monkeypatch.setattr("chaos_process.killing.SEEN_S", 0.0)
    with kill(signal="TERM", match=tag).open(site) as killed:
        evidence = killed.evidence()
    assert evidence.fired == 0
    assert evidence.detail["signalled"] == 1
    assert landed == []
    child.tell()


def test_one_that_ends_later_counts(site: Site, spawn: Spawn, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that takes its time to end is evidence as soon as it has."""
    child = spawn("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    monkeypatch.setattr("chaos_process.killing.SEEN_S", 0.0)
    with kill(signal="TERM", match=tag).open(site) as killed:
        assert killed.evidence().fired == 0
        child.kill()
        assert killed.evidence().fired == 1


def test_nothing_to_kill_is_no_evidence(site: Site, landed: Any, caplog: Any) -> None:
    """Where no process matches, nothing fired, and both log and evidence say why."""
    with kill(match="no such process").open(site) as killed:
        evidence = killed.evidence()
    assert evidence.fired == 0
    assert evidence.detail["signalled"] == 0
    assert "no descendant" in str(evidence.detail["why_none"])
    assert "no descendant" in caplog.text
    assert landed == []


def test_a_share_is_killed(site: Site, spawn: Spawn, until: Until, tag: str) -> None:
    """Half of four processes are killed, the others work on."""
    children = [spawn() for _ in range(4)]
    with kill(pick="50%", match=tag).open(site) as killed:
        assert killed.evidence().fired == 2
    alive = [each for each in children if not system.state(each.process).ended]
    assert len(alive) == 2
    for each in alive:
        each.tell()


@pytest.mark.parametrize("number", ["HUP", "SIGKILL", 9, None])
def test_only_two_signals_kill(number: Any) -> None:
    """A signal is KILL or TERM."""
    with pytest.raises(ValueError, match="signal is 'KILL' or 'TERM'"):
        kill(signal=number)


def test_it_is_an_injector_that_nothing_undoes() -> None:
    """Nobody but its supervisor brings a killed process back."""
    assert isinstance(kill(), Injector)
    assert isinstance(kill(), Opens)
    assert kill.undo is Undo.MANUAL
