"""Runs that pause and limit processes, killed at any moment: what becomes of those processes."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_process import system
from chaos_process.process import State

Until = Callable[[Callable[[], bool]], bool]

KILLS = 26

pytestmark = [
    pytest.mark.usefixtures("installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="cannot run here: only Linux limits other processes"),
]

RUN = """
import signal, sys, time
from chaoscore import Scenario, window
from chaos_process import limit, pause

signal.alarm(60)  # whatever becomes of the test
which = {"pid": int(sys.argv[1]), "started": float(sys.argv[2])}
often = window(every="20ms", for_="15ms") if sys.argv[3] == "windowed" else None
Scenario("killed").target(object()).step(
    "wait", lambda target: (print("step", flush=True), time.sleep(0.001))
).inject("files", limit(open_files=16, address_space="+64MiB", **which), window=often).inject(
    "frozen", pause(**which), window=often
).run_for("60s").run()
"""


class Struck:
    """A process, and runs that strike it."""

    def __init__(self, child: Any, state: Path) -> None:
        self.child, self._journals = child, state / "journals"
        self._limits = self.limits()

    def limits(self) -> list[tuple[int, int]]:
        return [system.soft_and_hard(self.child.process, name) for name in ("open_files", "address_space")]

    def start(self, how: str = "windowed") -> subprocess.Popen[bytes]:
        process = self.child.process
        command = [sys.executable, "-c", RUN, str(process.pid), str(process.create_time), how]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    @property
    def is_well(self) -> bool:
        """Whether it runs, within its own limits."""
        return system.state(self.child.process) is State.ALIVE and self.limits() == self._limits

    @property
    def journals(self) -> list[Path]:
        """Those in which something was ever intended; a run that dies before leaves one that says nothing."""
        return [path for path in self._journals.glob("*.jsonl") if b'"intent"' in said(path)]

    def leave_struck(self) -> Path:
        """Kill a run and its watchdog in the middle of their work, and return the journal."""
        with self.start("whole") as run:
            assert run.stdout is not None
            assert run.stdout.readline() == b"step\n"
            tool = system.look_up(run.pid)
            assert tool is not None
            for process in (*system.descendants(tool), tool):
                os.kill(process.pid, signal.SIGKILL)
        (journal,) = self.journals
        return journal


def said(path: Path) -> bytes:
    """Return what a journal says: nothing, when whoever undid the last of its faults has just removed it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.fixture
def struck(spawn: Callable[..., Any]) -> Iterator[Struck]:
    """Give a process to strike, and let it go on in any case."""
    child = spawn()
    yield Struck(child, Path(os.environ["CHAOSCORE_STATE_DIR"]))
    child.popen.send_signal(signal.SIGCONT)


def recover() -> str:
    """Return what `chaoscore recover` says."""
    command = [sys.executable, "-m", "chaoscore", "recover"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_kill_9_at_random_moments_leaves_no_fault(struck: Struck, until: Until) -> None:
    """
    Between the start and well into a run that pauses and limits all the time: the process is well after each kill.
    """
    chance = random.Random(3)
    for kill in range(KILLS):
        with struck.start() as run:
            assert run.stdout is not None
            if kill % 4:
                assert run.stdout.readline() == b"step\n"
            time.sleep(chance.random() * 0.04)
            run.kill()
        assert until(lambda: struck.is_well and not struck.journals), f"kill {kill}"
    struck.child.tell()


def test_what_a_killed_watchdog_leaves_is_recovered(struck: Struck) -> None:
    """
    The process is stopped and limited until somebody asks; then each of its faults is told, and a second time none.
    """
    struck.leave_struck()
    assert system.state(struck.child.process) is State.STOPPED
    told = recover()
    assert [line.split()[:2] for line in told.splitlines()[1:]] == [
        ["undone", "process.pause"],
        ["undone", "process.limit"],
        ["undone", "process.limit"],
    ]
    assert struck.is_well
    assert recover() == "Nothing was left behind.\n"
    struck.child.tell()


def test_a_recycled_pid_is_left_alone(struck: Struck) -> None:
    """A process that has the number of the one that was struck, but started at another time, is neither continued nor
    given other limits, and the note says that the one that was meant has ended."""
    journal = struck.leave_struck()
    forged = re.sub(rb'"start_ticks":\d+', b'"start_ticks":1', journal.read_bytes())
    journal.write_bytes(forged)
    told = recover()
    assert told.count(f"process {struck.child.pid} has ended") == 3
    assert system.state(struck.child.process) is State.STOPPED
    assert struck.limits()[0][0] == 16
    assert struck.journals == []
