"""One run at a time disturbs a target."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoscore.errors import StateError, TargetBusyError
from chaoscore.safety.journal import Journal
from chaoscore.safety.locks import Locks


@pytest.fixture
def locks(own_state: Path) -> Iterator[Locks]:
    """Give the locks of a run."""
    locks = Locks(own_state / "journals" / "run-1.jsonl")
    yield locks
    locks.close()


@pytest.fixture
def others(own_state: Path) -> Iterator[Locks]:
    """Give the locks of another run in this process."""
    locks = Locks(own_state / "journals" / "run-2.jsonl")
    yield locks
    locks.close()


def is_free(locks: Locks, target: str = "t") -> bool:
    try:
        with locks.holding(target):
            return True
    except TargetBusyError:
        return False


def test_a_target_is_held_as_long_as_any_block_of_its_run_lasts(locks: Locks, others: Locks) -> None:
    """In whatever order the blocks end; another run gets it after the last, and other targets at any time."""
    first, second = locks.holding("t"), locks.holding("t")
    first.__enter__()
    second.__enter__()
    assert (is_free(locks), is_free(others), is_free(others, "u")) == (True, False, True)
    first.__exit__(None, None, None)
    assert not is_free(others)
    second.__exit__(None, None, None)
    assert is_free(others)


def test_a_run_that_was_refused_holds_nothing(locks: Locks, others: Locks) -> None:
    """It may ask again, and gets the target when it is free."""
    with locks.holding("t"):
        assert not is_free(others)
    with others.holding("t"):
        assert not is_free(locks)


def test_a_target_stays_busy_until_the_fault_on_it_is_undone(locks: Locks) -> None:
    """The kernel lets go of what a dead run held at once, but its watchdog has yet to undo that."""
    journal = Journal.create("run-2", "dead")
    intent = journal.intend("i", "undo", {}, target="t", manual="m")
    with pytest.raises(TargetBusyError, match="run-2"), locks.holding("t"):
        pytest.fail("the block was entered")
    assert is_free(locks, "u")
    journal.path.unlink()
    assert is_free(locks)
    assert intent.target == "t"
    journal.close()


def test_a_dead_process_holds_nothing(locks: Locks) -> None:
    """Not even where it forked a child that lives on."""
    program = """
import os, sys, time
from pathlib import Path
from chaoscore.safety.locks import Locks
locks = Locks(Path("other"))
held = locks.holding("t")
held.__enter__()
print("held", flush=True)
sys.stdin.read()
os._exit(0)
"""
    path = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": path}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout.readline() == b"held\n"
        assert not is_free(locks)
        child.kill()
        child.wait()
        assert is_free(locks)


def test_locks_leave_one_small_file(locks: Locks, own_state: Path) -> None:
    """However many targets there were."""
    for number in range(100):
        with locks.holding(f"target {number}"):
            pass
    (file,) = (own_state / "journals").iterdir()
    assert file.stat().st_size == 0


def test_a_folder_that_cannot_be_written_is_told(own_state: Path) -> None:
    """The error names the place."""
    (own_state / "journals" / ".locks").mkdir(parents=True)
    with pytest.raises(StateError, match=r"\.locks"):
        Locks(own_state / "journals" / "run-1.jsonl")
