"""CPU stress."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from chaos_process import cpu, system
from chaos_process.cpu_stress import Burning
from chaos_process.process import State
from chaoscore import Injector, Opens, Site, Undo

Until = Callable[[Callable[[], bool]], bool]


def test_every_child_burns_a_core(site: Site, landed: Any) -> None:
    """Each child takes CPU time, the run is told of each once, and the evidence says how much they took."""
    with cpu(processes=2).open(site) as burning:
        evidence = burning.evidence()
        pids = [each.pid for each in burning.children]
        assert burning.evidence().fired == 2
    assert evidence.fired == 2
    assert evidence.detail["processes"] == 2
    assert float(str(evidence.detail["cpu_s"])) > 0
    assert sorted(landed.places) == sorted(f"process {pid}" for pid in pids)
    assert {kind for kind, _, _ in landed} == {"process.cpu"}


def test_there_is_one_for_each_core(site: Site) -> None:
    """Without a number there are as many children as cores that this process may use."""
    with cpu(0.05).open(site) as burning:
        assert len(burning.children) == system.usable_cores()


def test_the_load_is_a_share_of_a_core(site: Site, until: Until) -> None:
    """A child with a tenth of the load takes less CPU time than one with all of it while that one takes 0.3 s."""
    with cpu(1.0, 1).open(site) as full, cpu(0.1, 1).open(site) as tenth:
        assert until(lambda: taken(full) > 0.3)
        assert taken(tenth) < taken(full)


def taken(burning: Burning) -> float:
    return float(str(burning.evidence().detail["cpu_s"]))


def test_no_child_is_left(site: Site) -> None:
    """Lifting ends and reaps every child."""
    with cpu(0.5, 3).open(site) as burning:
        known = list(burning.children)
    assert [system.state(each) for each in known] == [State.GONE] * 3


def test_children_that_burn_nothing_are_no_evidence(site: Site, landed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Children that run but take no CPU time, as on a machine that starves them, count for nothing."""
    monkeypatch.setattr(system, "cpu_s", lambda process: 0.02)  # what starting took, and not more
    monkeypatch.setattr("chaos_process.cpu_stress.PROOF_S", 0.0)
    with cpu(0.5, 2).open(site) as burning:
        evidence = burning.evidence()
    assert evidence.fired == 0
    assert evidence.detail["cpu_s"] == 0
    assert landed == []


def test_a_child_that_was_killed_is_evidence_of_what_it_had_burnt(site: Site, until: Until) -> None:
    """What a child burnt before it ended early counts; it does not fail the evidence."""
    with cpu(1.0, 1).open(site) as burning:
        before = taken(burning)
        system.send(burning.children[0], signal.SIGKILL)
        assert until(lambda: system.state(burning.children[0]).ended)
        assert burning.evidence().fired == 1
        assert taken(burning) >= before > 0


@pytest.mark.parametrize("load", [0, -0.1, 1.5, "0%", "120%", "much"])
def test_a_load_is_a_share(load: float | str) -> None:
    """A load is above 0 and at most 1."""
    with pytest.raises(ValueError, match="0"):
        cpu(load)


@pytest.mark.parametrize(
    ("processes", "error"), [(0, ValueError), (257, ValueError), (True, TypeError), (2.0, TypeError)]
)
def test_processes_are_counted(processes: Any, error: type[Exception]) -> None:
    """The number of processes is whole, and from 1 to 256."""
    with pytest.raises(error):
        cpu(processes=processes)


def test_it_is_an_injector_that_the_kernel_undoes() -> None:
    """CPU stress is opened and lifted, and dies with the run's process."""
    assert isinstance(cpu(), Injector)
    assert isinstance(cpu(), Opens)
    assert cpu.undo is Undo.KERNEL
    assert cpu("50%") == cpu(0.5)
