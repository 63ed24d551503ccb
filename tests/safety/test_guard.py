"""What a run holds its faults with."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chaoscore.errors import StateError, TargetBusyError, UndoError, UndoUnknownError, WatchdogError
from chaoscore.executor import guard as guards
from chaoscore.executor.guard import Guard, Terms
from chaoscore.plugins import catalogue
from chaoscore.safety import undo
from tests.safety.toys import Toybox, until


@pytest.fixture(autouse=True)
def _plugin(box: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process have the plugin, and lose no time between attempts to undo."""
    monkeypatch.syspath_prepend(str(box.site))
    monkeypatch.setattr(undo, "PAUSES_S", (0, 0, 0))


class Held:
    """A guard, and toys that are on as long as it holds them."""

    def __init__(self, box: Toybox, terms: Terms | None = None) -> None:
        self.box, self.lost = box, list[str]()
        self.hung = threading.Event()
        actions = catalogue().undos.by_name()
        self.guard = Guard(f"run-{id(self)}", "toys", actions, self.lost.append, terms, self.hung.is_set)
        self.faults = ExitStack()

    def switch_on(self, name: str, bad: str = "", target: str | None = None) -> Path:
        path = self.box.toys / name
        self.faults.enter_context(
            self.guard.undoing(
                "toys", "toy.switch", {"path": str(path), "bad": bad}, target=target or name, manual=f"rm {path}"
            )
        )
        path.touch()
        return path


@pytest.fixture
def held(box: Toybox) -> Iterator[Held]:
    """Give a guard, and close it."""
    held = Held(box)
    yield held
    held.guard.close()


def test_the_last_fault_is_taken_back_first(held: Held) -> None:
    """As it is with everything that was put on top of something else."""
    held.switch_on("a")
    held.switch_on("b")
    undone = []
    append = held.guard.journal.append
    held.guard.journal.append = lambda record: (undone.append(record.id), append(record))  # type: ignore[assignment, func-returns-value, union-attr]
    held.faults.close()
    assert undone == [1, 0]
    assert held.box.on() == []
    assert held.guard.close() == ()


def test_a_run_may_disturb_one_target_several_times(held: Held, box: Toybox) -> None:
    """Two limits of one process, say; it is free when the last of them is lifted, and until then for no other run."""
    other = Held(box)
    first = ExitStack()
    held.faults, rest = first, held.faults
    held.switch_on("a", target="shared")
    held.faults = rest
    held.switch_on("b", target="shared")
    first.close()
    with pytest.raises(TargetBusyError, match=held.guard.journal.read().header.run_id):
        other.switch_on("c", target="shared")
    held.faults.close()
    other.switch_on("c", target="shared")
    other.faults.close()
    other.guard.close()


def test_an_undo_sees_what_is_on_disk(held: Held) -> None:
    """Arguments that JSON would change are changed for the run as well, so that its own undo proves the others'."""
    held.faults.enter_context(
        held.guard.undoing("toys", "toy.switch", {"path": "/nowhere", "n": (1, 2)}, target="a", manual="m")
    )
    (intent,) = held.guard.journal.read().open
    assert intent.args == {"path": "/nowhere", "n": [1, 2]}
    held.faults.close()


def test_what_cannot_be_on_disk_is_refused_before_the_block(held: Held) -> None:
    """An argument that is no JSON value could not be read back by whoever undoes."""
    with pytest.raises(TypeError), held.guard.undoing("toys", "toy.switch", {"path": object()}, target="t", manual="m"):
        pytest.fail("the block was entered")
    assert held.guard.journal.read().open == ()


def test_an_unknown_undo_is_refused_before_the_block(held: Held) -> None:
    """Nothing is applied that nobody could take back."""
    with pytest.raises(UndoUnknownError), held.guard.undoing("toys", "toy.swich", {}, target="t", manual="m"):
        pytest.fail("the block was entered")
    assert held.guard.journal.read().open == ()


def test_what_stays_is_given_back_and_left_to_recover(box: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog has tried as well; the journal says that the run is over, although its process goes on."""
    held = Held(box)
    held.switch_on("a", "raises")
    held.switch_on("b")
    with pytest.raises(UndoError, match="stuck switch"):
        held.faults.close()
    ((intent, why),) = held.guard.close()
    assert (intent.target, why) == ("a", "OSError: stuck switch")
    assert [each["record"] for each in box.records()][-1] == "closed"
    assert {each["by"] for each in box.records() if each["record"] == "failed"} == {"run", "watchdog"}
    with pytest.raises(StateError, match="closed"):
        held.switch_on("c")


def test_what_was_never_lifted_is_undone_by_the_watchdog(box: Toybox) -> None:
    """A lift that hangs, or never comes, leaves nothing behind."""
    held = Held(box)
    held.switch_on("a")
    assert held.guard.close() == ()
    assert box.healed()
    with pytest.raises(StateError, match="closed"):
        held.faults.close()


def test_a_run_beyond_its_limit_is_taken_over(box: Toybox) -> None:
    """Although it gives signs of life: it is another process that looks at the clock."""
    held = Held(box, Terms(lease_s=0.4, limit_s=0.4))
    held.switch_on("a")
    assert until(lambda: held.lost != [])
    assert held.lost[0].startswith("the watchdog has taken over")
    assert until(lambda: box.on() == [])
    held.faults.close()
    held.guard.close()


def test_a_run_that_hangs_gives_no_sign_of_life(box: Toybox) -> None:
    """Its threads go on, but it says itself that it cannot."""
    held = Held(box, Terms(lease_s=0.2))
    held.switch_on("a")
    held.hung.set()
    assert until(lambda: box.on() == [])
    assert held.lost == []
    held.hung.clear()
    assert until(lambda: held.lost != [])
    held.faults.close()
    held.guard.close()


def test_a_guard_whose_watchdog_is_gone_covers_nothing(held: Held, box: Toybox) -> None:
    """Then nobody would undo what is open if this process ended; where nothing is, it may."""
    held.switch_on("a")
    assert held.guard.covers
    (dog,) = box.watchdogs()
    os.kill(dog, signal.SIGKILL)
    assert until(lambda: not held.guard.covers)
    assert until(lambda: held.lost == ["the watchdog is gone"])
    held.faults.close()
    assert held.guard.covers


def test_a_process_that_ends_now_leaves_no_empty_journal(held: Held, box: Toybox) -> None:
    """The watchdog would remove it; where that is gone and nothing is open, the process does."""
    held.guard.leave()
    assert len(box.journals()) == 1
    (dog,) = box.watchdogs()
    os.kill(dog, signal.SIGKILL)
    assert until(lambda: held.lost == ["the watchdog is gone"])
    held.guard.leave()
    assert box.journals() == []


def test_a_watchdog_that_does_not_start_leaves_nothing(box: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    """No journal, no process, no open file; and nothing was injected."""
    monkeypatch.setattr(guards, "_PROGRAM", "raise SystemExit('a broken plugin')")
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    with pytest.raises(WatchdogError, match="doctor"):
        Held(box)
    assert box.journals() == []
    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before


def test_a_watchdog_that_cannot_be_started_leaves_nothing(box: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that has no process left to give."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    with pytest.raises(BlockingIOError):
        Held(box)
    assert box.journals() == []
    assert sorted(path.name for path in Path("/proc/self/fd").iterdir()) == before


def test_a_relative_state_directory_works(box: Toybox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog runs in another folder, and finds the journal and its plugins all the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAOSCORE_STATE_DIR", "state")
    held = Held(box)
    held.switch_on("a")
    monkeypatch.chdir("/")
    assert held.guard.close() == ()
    assert box.on() == []
    with pytest.raises(StateError, match="closed"):
        held.faults.close()
