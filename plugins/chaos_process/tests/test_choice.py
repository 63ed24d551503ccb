"""Which processes a fault strikes."""

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_process import choice, system
from chaos_process.choice import Chosen, check_allowed, how_many
from chaos_process.errors import ForbiddenProcessError, UnknownProcessError
from chaoscore import ChaosError, Site

Spawn = Callable[..., Any]


def pids(chosen: Chosen, site: Site) -> list[int]:
    return [each.pid for each in chosen.choose(site).processes]


def test_a_pattern_chooses_by_command_line(site: Site, spawn: Spawn) -> None:
    """Only processes whose command line holds the pattern are chosen, oldest first."""
    first, other, second = spawn(tag="web worker-1"), spawn(tag="db"), spawn(tag="web worker-2")
    assert pids(Chosen(pick="all", match=r"web worker-\d$"), site) == [first.pid, second.pid]
    assert other.pid not in pids(Chosen(pick="all", match="worker"), site)


def test_one_is_chosen_by_the_seed(site_of: Callable[..., Site], spawn: Spawn, tag: str) -> None:
    """The draw that is lowest decides, whatever the pids are."""
    children = [spawn() for _ in range(3)]
    for lowest in range(3):
        site = site_of(draw=lambda *identity, lowest=lowest: 0.1 if identity[-1] == lowest else 0.5)
        assert pids(Chosen(match=tag), site) == [children[lowest].pid]


def test_a_share_is_rounded_down_but_never_to_none(site: Site, spawn: Spawn, tag: str) -> None:
    """Half of three is one, all of three is three, and the least share is still one."""
    for _ in range(3):
        spawn()
    assert [len(pids(Chosen(pick=share, match=tag), site)) for share in ("50%", 1.0, "1%")] == [1, 3, 1]


@given(candidates=st.integers(1, 1000), share=st.floats(0.001, 1.0))
def test_a_share_is_never_exceeded(candidates: int, share: float) -> None:
    """No more are asked for than the share, unless that is none, and never more than there are."""
    wanted = how_many(share, candidates)
    assert 1 <= wanted <= candidates
    assert wanted == 1 or wanted <= share * candidates + 1e-6


def test_the_limit_of_the_scenario_holds(site_of: Callable[..., Site], spawn: Spawn, tag: str) -> None:
    """Asking for more than the share of processes that the scenario permits is an error, and strikes none."""
    for _ in range(2):
        spawn()
    site = site_of(share=0.5)
    assert len(pids(Chosen(match=tag), site)) == 1
    with pytest.raises(ChaosError, match="2 of 2"):
        Chosen(pick="all", match=tag).choose(site)


def test_what_the_target_names_is_chosen(site_of: Callable[..., Site], spawn: Spawn) -> None:
    """The target's `pid`, or what a function of the target returns, narrows the choice; it may have none just now."""
    one, two = spawn(), spawn()
    target = SimpleNamespace(pid=one.pid, workers=[one.pid, two.pid], idle=None)
    site = site_of(target=target)
    assert pids(Chosen(of="target"), site) == [one.pid]
    assert pids(Chosen(pick="all", of=lambda it: it.workers), site) == [one.pid, two.pid]
    assert pids(Chosen(pick="all", of=lambda it: it.idle), site) == []


@pytest.mark.parametrize(
    "target", [object(), SimpleNamespace(pid="12"), SimpleNamespace(pid=True), SimpleNamespace(pid=[1.5])]
)
def test_a_target_without_pids_is_an_error(site_of: Callable[..., Site], target: object) -> None:
    """A target that does not say which process is meant is an error with what to write."""
    with pytest.raises(UnknownProcessError, match="give the target a `pid`"):
        Chosen(of="target").choose(site_of(target=target))


def test_a_named_process_needs_its_start_time(site: Site, spawn: Spawn) -> None:
    """Pid and start time name a process; with another start time they name none."""
    process = spawn().process
    assert pids(Chosen(pid=process.pid, started=process.create_time), site) == [process.pid]
    found = Chosen(pid=process.pid, started=process.create_time - 60).choose(site)
    assert found.processes == ()
    assert f"no process {process.pid} that started" in found.why_none


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"pid": 5}, "pid and started go together"),
        ({"started": 5.0}, "pid and started go together"),
        ({"pid": 5, "started": 5.0, "match": "x"}, "drop match and of"),
        ({"match": "("}, "not a regular expression"),
        ({"of": "self"}, "of is 'children', 'target'"),
        ({"of": 5}, "of is 'children', 'target'"),
        ({"pick": "two"}, "pick is 'one', 'all' or a share"),
        ({"pick": 1}, "might be a count or a share"),
        ({"pick": 0.0}, "pick is 'one', 'all' or a share"),
        ({"pid": 0, "started": 5.0}, "1 or more"),
        ({"pid": 5, "started": "now"}, "seconds since 1970"),
        ({"pid": 5, "started": -1}, "seconds since 1970"),
    ],
)
def test_wrong_values_cannot_be_built(parts: dict[str, Any], problem: str) -> None:
    """What does not name processes is refused, with what to write instead."""
    with pytest.raises((TypeError, ValueError), match=problem):
        Chosen(**parts)


@pytest.mark.parametrize("pid", [0, -1, 1, os.getpid(), os.getppid()])
def test_some_processes_are_never_struck(pid: int) -> None:
    """No process group, not the first process, not this one and none above it, whoever asks."""
    with pytest.raises(ForbiddenProcessError, match=f"process {pid} is not touched"):
        check_allowed(pid)


def test_ancestors_stay_safe_when_named(site_of: Callable[..., Site]) -> None:
    """The parent of this process is refused by pid and start time, and when the target names it."""
    parent = system.look_up(os.getppid())
    assert parent is not None
    with pytest.raises(ForbiddenProcessError):
        Chosen(pid=parent.pid, started=parent.create_time).choose(site_of())
    with pytest.raises(ForbiddenProcessError):
        Chosen(of="target").choose(site_of(target=SimpleNamespace(pid=parent.pid)))


def test_a_stranger_must_be_named_with_its_start_time(
    site_of: Callable[..., Site], spawn: Spawn, monkeypatch: Any
) -> None:
    """A pid from the target that is no descendant of this process is refused: it may be another process by now."""
    stranger = spawn()
    monkeypatch.setattr(choice, "strangers_below", lambda process: [])
    with pytest.raises(ForbiddenProcessError, match="name it by pid= and started="):
        Chosen(of="target").choose(site_of(target=SimpleNamespace(pid=stranger.pid)))


def test_helpers_are_never_struck(site: Site, spawn: Spawn) -> None:
    """Processes that the tool started are not among the candidates, and are refused when they are named."""
    helper = spawn(tag="chaoscore:watchdog:run-1")
    assert pids(Chosen(pick="all", match="chaoscore:watchdog:run-1"), site) == []
    with pytest.raises(ForbiddenProcessError, match="a helper"):
        Chosen(pid=helper.pid, started=helper.process.create_time).choose(site)


def test_what_has_ended_is_not_chosen(site: Site, spawn: Spawn, tag: str) -> None:
    """Zombies are no candidates; one that is alive is chosen in their place."""
    dead, alive = spawn(), spawn()
    dead.kill()
    assert pids(Chosen(pick="all", match=tag), site) == [alive.pid]
    found = Chosen(pid=dead.pid, started=dead.process.create_time).choose(site)
    assert found.processes == ()
    assert "has ended" in found.why_none


def test_choosing_nothing_says_what_there_is(site: Site, spawn: Spawn, tag: str) -> None:
    """Where nothing matches, the choice says so with the command lines that there are."""
    spawn()
    found = Chosen(match="no such thing").choose(site)
    assert found.processes == ()
    assert "no descendant of process" in found.why_none
    assert "matches 'no such thing'" in found.why_none
    assert found.detail()["why_none"] == found.why_none


def test_stopped_processes_can_be_chosen(site: Site, spawn: Spawn, until: Any, tag: str) -> None:
    """A process that is stopped can still be killed or limited."""
    child = spawn()
    os.kill(child.pid, signal.SIGSTOP)
    assert pids(Chosen(match=tag), site) == [child.pid]


def test_a_plan_names_the_process_that_is_there(spawn: Spawn) -> None:
    """One that is named by pid and start is found before the run, others are not there yet."""
    child = spawn()
    (found,) = Chosen(pid=child.pid, started=child.process.create_time).finds()
    assert found.startswith(f"process {child.pid} (")
    assert Chosen(pid=child.pid, started=child.process.create_time - 100).finds() == []
    assert Chosen().finds() == []
    with pytest.raises(ForbiddenProcessError):
        Chosen(pid=1, started=1).finds()
