"""Runs that die, hang or are stopped, and what becomes of their faults."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.safety.toys import Toybox, until


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Toybox]:
    """Give a toybox, and see that no watchdog outlives the test."""
    box = Toybox(tmp_path)
    yield box
    assert until(lambda: not box.watchdogs())


def started(box: Toybox, **how: object) -> subprocess.Popen[str]:
    """Start a run and wait for its first step."""
    child = box.start(**how)  # type: ignore[arg-type]
    assert child.stdout is not None
    assert child.stdout.readline() == "step\n"
    return child


def ended(child: subprocess.Popen[str]) -> list[str]:
    """Wait for the end of a run and return what it said last."""
    assert child.stdout is not None
    with child.stdout:
        lines = [line.strip() for line in child.stdout if line != "step\n"]
    child.wait(20)
    return [line for line in lines if line]


def test_a_run_that_ends_well_leaves_nothing(box: Toybox) -> None:
    """Interrupted by a signal: toys off, no journal, no watchdog, the signal's exit code."""
    child = started(box)
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    child.send_signal(signal.SIGTERM)
    assert ended(child)[0] == "end SIGTERM 143"
    assert box.on() == []
    assert box.journals() == []


def test_kill_9_is_healed_by_the_watchdog(box: Toybox) -> None:
    """Nobody ran the tool's own clean-up, and the toys are off all the same, last first."""
    child = started(box)
    child.kill()
    ended(child)
    assert until(lambda: box.on() == [])
    assert until(lambda: not box.watchdogs())
    assert box.journals() == []


def test_kill_9_at_random_moments_leaves_no_fault(box: Toybox) -> None:
    """Thirty kills between the start and well into a run that switches on and off all the time: none survives."""
    chance = random.Random(1)
    for trial in range(30):
        child = box.start(windowed=True)
        assert child.stdout is not None
        if trial % 3:
            child.stdout.readline()
        time.sleep(chance.random() * 0.03)
        child.kill()
        ended(child)
        assert until(lambda: box.on() == [] and not box.watchdogs()), f"trial {trial}: {box.on()}"
        assert not [each for each in box.records() if each["record"] == "failed"]


def test_a_run_that_is_stopped_loses_its_lease(box: Toybox) -> None:
    """SIGSTOP for longer than the lease: healed; when it goes on it injects nothing more and says why."""
    child = started(box, lease_s=0.3, windowed=True)
    os.kill(child.pid, signal.SIGSTOP)
    assert until(lambda: not box.watchdogs())
    assert box.on() == []
    os.kill(child.pid, signal.SIGCONT)
    said = ended(child)
    assert said[0].startswith("end the watchdog has taken over")
    assert box.on() == []


def test_when_tool_and_watchdog_are_killed_the_journal_tells(box: Toybox) -> None:
    """Nothing is automatic then; the journal lists what is in effect, oldest first, with what a person can do."""
    child = started(box)
    for pid in box.watchdogs():
        os.kill(pid, signal.SIGKILL)
    child.kill()
    ended(child)
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    intents = [each for each in box.records() if each["record"] == "intent"]
    assert [Path(each["args"]["path"]).name for each in intents] == ["toy-0", "toy-1", "toy-2"]
    assert intents[0]["manual"] == f"rm {box.toys / 'toy-0'}"


def test_a_killed_watchdog_stops_the_run(box: Toybox) -> None:
    """Without it faults could outlive the run, so the run lifts them and ends."""
    child = started(box, lease_s=0.4)
    for pid in box.watchdogs():
        os.kill(pid, signal.SIGKILL)
    assert ended(child)[0].startswith("end the watchdog")
    assert box.on() == []


@pytest.mark.parametrize("bad", ["raises", "lies"])
def test_an_undo_that_fails_is_exit_6_and_holds_up_no_other(box: Toybox, bad: str) -> None:
    """The others are off; the journal keeps this one, with the error and the command that recovers."""
    child = started(box, bad=bad)
    child.send_signal(signal.SIGINT)
    said = ended(child)
    assert said[0] == "end SIGINT 6"
    assert "chaoscore recover" in said[1]
    assert box.on() == ["toy-1"]
    assert [each["record"] for each in box.records()].count("failed") >= 1


def test_the_watchdog_does_not_wait_for_an_undo_that_hangs(box: Toybox) -> None:
    """It is left open in the journal, and the others are off."""
    child = started(box, bad="hangs")
    child.kill()
    ended(child)
    assert until(lambda: box.on() == ["toy-1"])
    for pid in box.watchdogs():
        os.kill(pid, signal.SIGKILL)


def test_two_runs_do_not_disturb_one_target(box: Toybox) -> None:
    """The second is refused, by name of the first, and takes nothing back that is not its own."""
    first = started(box)
    second = box.start()
    said = ended(second)
    assert "is disturbed by run" in "".join(said)
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    first.send_signal(signal.SIGINT)
    assert ended(first)[0] == "end SIGINT 130"
    assert box.on() == []
