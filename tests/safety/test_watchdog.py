"""Runs that die, hang or are stopped, and what becomes of their faults."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from chaoscore.safety import watchdog
from tests.safety.toys import Toybox, ended, started, until


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


def test_a_journal_that_was_removed_is_healed_all_the_same(box: Toybox) -> None:
    """Somebody cleared the state directory, and then the run was killed: the watchdog holds what it needs."""
    child = started(box)
    shutil.rmtree(box.state)
    child.kill()
    ended(child)
    assert until(lambda: box.on() == [])
    assert until(lambda: not box.watchdogs())


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


@pytest.mark.parametrize(
    "body",
    [
        "os._exit(9)",
        "os.abort()",
        "ctypes.string_at(0)",
        "os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)",  # another thread may get it, a little later
        # shells start programs in the background with SIGQUIT ignored, and only a main thread may undo that in Python
        "ctypes.CDLL(None).signal(signal.SIGQUIT, None); os.kill(os.getpid(), signal.SIGQUIT); time.sleep(60)",
        "os.execv(sys.executable, [sys.executable, '-c', ''])",
    ],
    ids=["exit", "abort", "segmentation fault", "kill", "quit", "exec"],
)
def test_however_the_run_dies_its_faults_are_undone(box: Toybox, body: str) -> None:
    """In ways that leave it no time for any clean-up of its own, from inside a step."""
    child = started(box, body=body)
    assert ended(child) == []
    assert box.healed()


def test_a_forked_child_that_lives_on_delays_nothing(box: Toybox) -> None:
    """It has closed what it inherited: the faults are undone and their targets free while it is still there."""
    fork = """
if not hasattr(work, "child"):
    work.child = os.fork()
    if not work.child:
        os.close(1)
        time.sleep(30)
        os._exit(0)
    print(work.child, flush=True)
"""
    child = started(box, body=fork)
    assert child.stdout is not None
    forked = int(child.stdout.readline())
    try:
        child.kill()
        ended(child)
        assert box.healed()
        again = started(box)
        again.send_signal(signal.SIGTERM)
        assert ended(again)[0] == "end SIGTERM 143"
        os.kill(forked, 0)  # it was there all the time
    finally:
        os.kill(forked, signal.SIGKILL)


def test_a_run_whose_threads_cannot_run_loses_its_lease(box: Toybox) -> None:
    """A call that holds the interpreter's lock hangs the thread that gives signs of life as well."""
    child = started(box, lease_s=0.3, body="ctypes.PyDLL(None).usleep(900_000)")
    assert until(lambda: box.on() == [])
    assert child.poll() is None
    assert ended(child)[0].startswith("end the watchdog has taken over")
    assert box.healed()


def test_a_run_that_was_stopped_while_it_injects_goes_no_further(box: Toybox) -> None:
    """Woken up after its lease, it may finish the fault it was at, sees that it is late, and takes that back itself."""
    child = box.start(lease_s=0.3, trip="stop intent", count=5)
    assert until(lambda: bool(box.watchdogs()))
    assert until(lambda: not box.watchdogs())
    assert box.on() == []
    os.kill(child.pid, signal.SIGCONT)
    said = ended(child)
    assert any("has taken over" in line for line in said)
    assert box.healed()


@pytest.mark.parametrize(
    ("words", "lease_s", "limit_s", "reason"),
    [
        ((b"..", b""), 10, 10, "the run died"),
        ((b".", b"..d"), 10, 10, None),
        ((b".l",), 10, 10, "the run could not undo everything"),
        ((b".",), 0.02, 10, "the run gave no sign of life for 0.02 s"),
        ((b".",), 10, 0.02, "the run exceeded its limit"),
        ((b"..d",), 10, 0, None),
    ],
)
def test_the_watchdog_knows_why(words: tuple[bytes, ...], lease_s: float, limit_s: float, reason: str | None) -> None:
    """End of file, silence, a run that is too long, one that needs help, and one that ended in good order."""
    theirs, ours = os.pipe()
    for word in words:
        os.write(ours, word)
    if b"" in words:
        os.close(ours)
    try:
        assert watchdog.watch(theirs, lease_s, limit_s) == reason
    finally:
        os.close(theirs)
        if b"" not in words:
            os.close(ours)


def test_an_undo_that_fails_at_first_is_tried_again(box: Toybox) -> None:
    """What was unreachable for a moment is no fault left behind: the run ends with the signal's exit code."""
    child = started(box, bad="fails twice")
    child.send_signal(signal.SIGTERM)
    assert ended(child) == ["end SIGTERM 143"]
    assert box.tries.read_text() == "xx"
    assert box.healed()


def test_the_watchdog_tries_again_as_well(box: Toybox) -> None:
    """Later, when all others had their turn."""
    child = started(box, bad="fails twice")
    child.kill()
    ended(child)
    assert box.healed()
    assert box.tries.read_text() == "xx"


def test_each_fault_that_stays_is_told_with_what_a_person_can_do(box: Toybox) -> None:
    """The run, then its watchdog have tried; the report lists every fault, and the next run refuses to start."""
    child = started(box, bad="all raises", count=2)
    child.send_signal(signal.SIGTERM)
    said = ended(child)
    assert said[0] == "end SIGTERM 6"
    for number in (0, 1):
        (line,) = [each for each in said if each.startswith(f"injector 'toys', {box.toys}/toy-{number}:")]
        assert f"stuck switch; by hand: rm {box.toys}/toy-{number}; then run `chaoscore recover`" in line
    failed = [each["by"] for each in box.records() if each["record"] == "failed"]
    assert {"run", "watchdog"} <= set(failed)
    refused = box.output(box.command())
    assert (refused.returncode, "faults were left behind by" in refused.stderr) == (6, True)


def test_two_runs_do_not_disturb_one_target(box: Toybox) -> None:
    """The second is refused, by name of the first, and takes nothing back that is not its own."""
    first = started(box)
    said = ended(box.start())
    assert "is disturbed by run" in "".join(said)
    assert box.on() == ["toy-0", "toy-1", "toy-2"]
    first.send_signal(signal.SIGINT)
    assert ended(first)[0] == "end SIGINT 130"
    assert box.on() == []


def test_what_is_not_the_runs_own_is_left_alone(box: Toybox, tmp_path: Path) -> None:
    """
    A toy that somebody else switched on, and those of another run at the same time, outlive a kill and its healing.
    """
    others = tmp_path / "others"
    others.mkdir()
    second = started(box, folder=str(others))
    foreign = box.toys / "toy-7"
    foreign.touch()
    first = started(box)
    first.kill()
    ended(first)
    assert until(lambda: box.on() == ["toy-7"])
    assert len(list(others.iterdir())) == 3
    second.send_signal(signal.SIGTERM)
    assert ended(second)[0] == "end SIGTERM 143"
    assert list(others.iterdir()) == []
    foreign.unlink()
