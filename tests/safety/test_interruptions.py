"""Signals, closed terminals and full disks: whatever ends a run early, its faults are undone."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from chaoscore import Scenario, Site, Undo
from chaoscore.executor import Options, run
from chaoscore.executor.openings import Openings
from chaoscore.safety.journal import Journal
from chaoscore.safety.records import Intent
from tests.safety.toys import Toybox, ended, started, until

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def finished(child: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a run and return its exit code."""
    return child.wait(20)


@pytest.mark.parametrize(
    ("number", "scenario"),
    [
        (signal.SIGINT, "windowed"),
        (signal.SIGTERM, "windowed"),
        (signal.SIGTERM, "whole"),
        (signal.SIGHUP, "windowed"),
    ],
)
def test_a_signal_at_any_moment_undoes_and_reports(
    box: Toybox, tmp_path: Path, number: signal.Signals, scenario: str
) -> None:
    """The exit code is the signal's, the report can be read and says that it is partial, and no journal is left."""
    chance = random.Random(f"{number} {scenario}")
    path = tmp_path / "report.json"
    for _ in range(2):
        child = box.call(box.command("--report", f"json={path}", scenario=scenario))
        time.sleep(chance.random() * 0.05)
        child.send_signal(number)
        assert finished(child) == CODES[number]
        report = json.loads(path.read_text())
        assert (report["interrupted"], report["exit_code"]) == (number.name, CODES[number])
        assert report["troubles"] == [] or "told to end" in report["troubles"][0]["error"]["message"]
        assert box.healed()
        path.unlink()


def test_a_signal_stops_an_injector_between_two_faults(box: Toybox) -> None:
    """One that has two hundred to apply, and takes its time, applies no more when it is told to end."""
    command = box.command("--quiet", scenario="many")
    child = box.adopt(subprocess.Popen(command, env=box.environment, stdout=subprocess.PIPE))
    assert until(lambda: len(box.on()) > 3)
    child.send_signal(signal.SIGTERM)
    before = len(box.on())
    most = [before]
    while child.poll() is None:
        most.append(len(box.on()))
    assert max(most) <= before + 10
    assert child.returncode == 143
    assert box.healed()


def test_a_fault_whose_intent_took_its_time_is_not_applied(monkeypatch: pytest.MonkeyPatch, own_state: Path) -> None:
    """A run that is told to end while the disk records an intent goes no further than that, however slow it is."""
    silent = threading.Event()
    intend, silence = Journal.intend, Openings.silence

    def slowly(*args: Any, **kwargs: Any) -> Intent:
        intent = intend(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGINT)
        silent.wait(20)
        return intent

    def noted(openings: Openings) -> None:
        silence(openings)
        silent.set()

    monkeypatch.setattr(Journal, "intend", slowly)
    monkeypatch.setattr(Openings, "silence", noted)
    applied: list[str] = []

    class Slow:
        kind: ClassVar[str] = "slow"
        undo: ClassVar[Undo] = Undo.JOURNAL

        @contextmanager
        def open(self, site: Site) -> Iterator[None]:
            with site.undoing("doctor.marker", {"name": "slow"}, target="slow", manual="none"):
                applied.append("now")
                yield

    chaos = Scenario("slow").target(object()).step("none", lambda _: None).inject("slow", Slow())
    report = run(chaos, Options(handle_signals=True))
    assert (report.interrupted, applied) == ("SIGINT", [])
    assert list((own_state / "journals").glob("*.jsonl")) == []


def test_a_second_signal_drops_the_drain_and_nothing_else(box: Toybox) -> None:
    """Two, 10 ms apart, while undoing is slow and a step would take a minute: all is undone, torn down and reported."""
    child = started(box, bad="all slow", body="time.sleep(60)", limits={"drain": "60s", "hook": "5s"})
    for _ in range(2):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    assert ended(child)[0] == "end SIGTERM 143"
    assert box.healed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_third_signal_hands_over_to_the_watchdog(box: Toybox, number: signal.Signals) -> None:
    """The run ends at once, with the signal's exit code and without a report, and the watchdog undoes the rest."""
    child = started(box, bad="all slow")
    for _ in range(3):
        child.send_signal(number)
        time.sleep(0.01)
    assert ended(child) == []
    assert child.returncode == CODES[number]
    assert box.healed()


def test_without_a_watchdog_any_number_of_signals_waits_for_the_undo(tmp_path: Path) -> None:
    """Nobody else would lift what is open; see also the tests of the executor."""
    from tests.executor.test_interrupts import interrupt

    lines = interrupt(tmp_path, "time.sleep(0.001)", [signal.SIGTERM] * 5, lift_s="0.2")
    assert lines[:3] == ["lift", "lifted", "teardown"]


@pytest.mark.parametrize("body", ["time.sleep(0.001)", "while True: pass"], ids=["quick", "for ever"])
def test_a_step_that_blocks_the_loop_does_not_hold_up_the_undo(box: Toybox, body: str) -> None:
    """An `async def` that never suspends is ended when the run is told to end, however long it may otherwise drain."""
    child = started(box, body=body, is_async=True, limits={"drain": "60s", "step": "60s", "hook": "5s"})
    child.send_signal(signal.SIGTERM)
    assert ended(child)[0] == "end SIGTERM 143"
    assert box.healed()


def test_the_limit_of_a_run_holds_where_a_step_blocks_the_loop(box: Toybox) -> None:
    """Nothing that steps do makes a run longer than it may be."""
    child = started(box, body="while True: pass", is_async=True, limits={"run": "5s", "drain": "60s", "step": "60s"})
    assert ended(child)[0] == "end the limit of 5 s for a run 3"
    assert box.healed()


def test_a_closed_terminal_undoes(box: Toybox) -> None:
    """The run gets SIGHUP, and finds that it can write nowhere any more: exit code 129, and nothing is left on."""
    ours, theirs = pty.openpty()
    program = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [box.command()[0], "-c", program, *box.command()]
    child = box.call(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    assert box.on()
    os.close(ours)
    assert finished(child) == 129
    assert box.healed()


def test_a_run_that_nohup_has_started_goes_on(box: Toybox) -> None:
    """A signal that it was told to ignore, because its terminal will be closed, does not end it; others do."""
    child = box.call(["nohup", *box.command("--quiet")])
    child.send_signal(signal.SIGHUP)
    child.send_signal(signal.SIGTERM)
    assert finished(child) == 143
    assert box.healed()


def test_a_closed_standard_output_undoes(box: Toybox, tmp_path: Path) -> None:
    """Nobody reads what the run prints: it goes on, and ends as it would."""
    child = box.call(
        box.command("--report", f"json={tmp_path / 'r.json'}"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    child.stderr.close()
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert finished(child) == 143
    assert json.loads((tmp_path / "r.json").read_text())["interrupted"] == "SIGTERM"
    assert box.healed()


# -- full disks


@pytest.fixture
def small(box: Toybox) -> Iterator[Path]:
    """Put the state directory on a file system of its own, of 512 KiB."""
    box.state.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0700", "tmpfs", str(box.state)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("cannot run here: there is no mount(8)")
    if mounted.returncode:
        pytest.skip(f"cannot run here: no file system can be mounted ({mounted.stderr.strip()})")
    yield box.state
    box.end()
    assert until(lambda: not box.watchdogs())
    subprocess.run(["umount", str(box.state)], check=True)


def fill(folder: Path) -> None:
    """Leave not one byte."""
    with (folder / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_disk_that_is_full_before_the_run_injects_nothing(box: Toybox, small: Path) -> None:
    """A fault whose intent has no room is not applied, and the error says where there is none."""
    fill(small)
    said = ended(box.start())
    assert said[0] == "end None 3"
    assert "No space left on device" in said[1]
    assert str(small) in said[1]
    assert box.on() == []


@pytest.mark.parametrize("windowed", [False, True])
def test_a_disk_that_is_full_by_then_does_not_keep_a_run_from_undoing(box: Toybox, small: Path, windowed: bool) -> None:
    """The room for that was taken before; the exit code is the signal's, and no journal is left."""
    child = started(box, windowed=windowed)
    fill(small)
    child.send_signal(signal.SIGTERM)
    assert ended(child)[0] == "end SIGTERM 143"
    assert box.healed()


def test_a_disk_that_is_full_by_then_does_not_keep_the_watchdog_from_undoing(box: Toybox, small: Path) -> None:
    """Nor from removing the journal."""
    child = started(box)
    fill(small)
    child.kill()
    ended(child)
    assert box.healed()
