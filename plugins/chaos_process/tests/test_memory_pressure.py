"""Memory pressure."""

import logging
import signal
from collections.abc import Callable
from typing import Any

import pytest

from chaos_process import memory, system
from chaos_process.errors import ChildError
from chaos_process.memory_pressure import NoMemoryError
from chaos_process.process import State
from chaoscore import Injector, Opens, Site, Undo

Until = Callable[[Callable[[], bool]], bool]
MIB = 1 << 20


def test_the_child_really_holds_the_memory(site: Site, landed: Any) -> None:
    """The child has the pages, the run is told once, and the evidence says how much is held."""
    with memory("64MiB").open(site) as holding:
        evidence = holding.evidence()
        assert system.rss_bytes(holding.child) >= 64 * MIB
        assert holding.evidence().fired == 1
    assert evidence.fired == 1
    assert 64 * MIB <= int(str(evidence.detail["held_bytes"])) < 72 * MIB
    assert evidence.detail["clipped"] is False
    [(kind, where, detail)] = landed
    assert (kind, where) == ("process.memory", f"process {holding.child.pid}")
    assert detail.startswith("holds 6")


def test_it_takes_no_more_than_its_share(site: Site, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """Asked for more than its share of what is available, it holds that share, and says so."""
    monkeypatch.setattr(system, "available_bytes", lambda: 40 * MIB)
    with caplog.at_level(logging.WARNING), memory("1GiB", max_share="50%").open(site) as holding:
        evidence = holding.evidence()
    assert evidence.fired == 1
    assert evidence.detail["asked_bytes"] == 1 << 30
    assert evidence.detail["goal_bytes"] == 20 * MIB
    assert evidence.detail["clipped"] is True
    assert int(str(evidence.detail["held_bytes"])) < 25 * MIB
    assert "holds 20.0 MiB instead of 1.0 GiB: 40.0 MiB are available, of which it may take 50 %" in caplog.text


def test_it_refuses_where_there_is_no_memory(site: Site, landed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its share is too little to show anything, nothing is started and the error says what to do."""
    monkeypatch.setattr(system, "available_bytes", lambda: MIB)
    with pytest.raises(NoMemoryError, match=r"50% of the available 1.0 MiB: 512.0 KiB would show nothing; free some"):
        memory("64MiB").open(site).__enter__()
    assert landed == []


def test_memory_that_is_not_held_is_no_evidence(site: Site, landed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that has less than nine tenths of what it should hold counts for nothing; the evidence says how much."""
    real = system.rss_bytes
    monkeypatch.setattr(system, "rss_bytes", lambda process: min(real(process), 30 * MIB))
    with memory("64MiB").open(site) as holding:
        evidence = holding.evidence()
    assert evidence.fired == 0
    assert 0 < int(str(evidence.detail["held_bytes"])) < 30 * MIB
    assert landed == []


def test_a_child_that_was_killed_holds_nothing(site: Site, until: Until) -> None:
    """The evidence of a child that the kernel killed says that it holds nothing any more, and that it once did."""
    with memory("8MiB").open(site) as holding:
        system.send(holding.child, signal.SIGKILL)
        assert until(lambda: system.state(holding.child).ended)
        evidence = holding.evidence()
    assert evidence.fired == 1
    assert evidence.detail["held_bytes"] == 0


def test_a_slow_child_does_not_hold_up_the_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is not done in time is looked at as it is."""
    monkeypatch.setattr("chaos_process.memory_pressure.FILL_S", 0.0)
    with memory("256MiB").open(site) as holding:
        assert holding.evidence().detail["goal_bytes"] == 256 * MIB


def test_no_child_is_left(site: Site) -> None:
    """Lifting ends and reaps the child."""
    with memory("8MiB").open(site) as holding:
        child = holding.child
    assert system.state(child) is State.GONE


def test_no_child_is_left_when_it_does_not_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that does not start in time is an error."""
    monkeypatch.setattr("chaos_process.children.START_S", 0.0)
    with pytest.raises(ChildError):
        memory("8MiB").open(site).__enter__()


@pytest.mark.parametrize(
    ("size", "share", "error"),
    [
        ("64", 0.5, ValueError),
        ("1kB", 0.5, ValueError),
        (1.5, 0.5, TypeError),
        ("64MiB", 0, ValueError),
        ("64MiB", 2, ValueError),
    ],
)
def test_wrong_values_cannot_be_built(size: Any, share: float, error: type[Exception]) -> None:
    """A size has a unit and is worth the while; a share is above 0 and at most 1."""
    with pytest.raises(error):
        memory(size, share)


def test_it_is_an_injector_that_the_kernel_undoes() -> None:
    """Memory pressure is opened and lifted, and dies with the run's process."""
    assert isinstance(memory("1MiB"), Injector)
    assert isinstance(memory("1MiB"), Opens)
    assert memory.undo is Undo.KERNEL
