"""Where runs are killed: a victim, a state directory, and the same random moments every time."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from benchmarks.environments import clean_environ
from benchmarks.trials import scenario
from benchmarks.trials.victim import Victim, victim

T = TypeVar("T")

PATIENCE_S = 20.0
"""What is not healed by then was left behind."""

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


@dataclass(frozen=True)
class Moment:
    """
    When a run is killed.

    Attributes:
        at_once: So long after its start; else after its first fault.
        after_s: How long, seconds.
    """

    at_once: bool
    after_s: float


@dataclass(frozen=True)
class Killed:
    """
    What became of a run that was killed.

    Attributes:
        in_effect: Faults that were in effect at that moment.
        left: Those that were still there when nobody would undo them any more.
        heal_s: Seconds until the journal said that all were undone.
    """

    in_effect: frozenset[str]
    left: frozenset[str]
    heal_s: float


@dataclass(frozen=True)
class Ended:
    """
    What became of a run that was told to end.

    Attributes:
        left: Faults that were still there when it had.
        code: Whether the exit code was that of the signal.
        report: Whether the report could be read, and said that the run was interrupted.
        last_fault_s: Seconds from the signal to the last fault that was applied after it; 0 where none was.
    """

    left: frozenset[str]
    code: bool
    report: bool
    last_fault_s: float


class Arena:
    """One victim, and one run after the other that strikes it."""

    def __init__(self, folder: Path, struck: Victim) -> None:
        self._folder, self._victim = folder, struck
        self._state = folder / "state"

    def kill(self, moment: Moment) -> Killed:
        """Kill a run with SIGKILL."""
        with self._started() as run:
            self._wait(run, moment)
            run.kill()
            began = time.perf_counter()
            in_effect = self._victim.struck
        self._until(lambda: not self._open())
        heal_s = time.perf_counter() - began
        return Killed(in_effect, self._left(), heal_s)

    def end(self, number: signal.Signals, moment: Moment) -> Ended:
        """Tell a run to end."""
        path = self._folder / "report.json"
        path.unlink(missing_ok=True)
        last_fault_s = 0.0
        with self._started("--report", f"json={path}") as run:
            self._wait(run, moment)
            before = self._victim.struck
            run.send_signal(number)
            began = time.perf_counter()
            while run.poll() is None and time.perf_counter() - began < PATIENCE_S:
                now = self._victim.struck
                if now - before:
                    last_fault_s = time.perf_counter() - began
                before = now
            run.kill()
        return Ended(self._left(), run.returncode == CODES[number], _tells(path, number), last_fault_s)

    def _started(self, *words: str) -> subprocess.Popen[bytes]:
        own = {"CHAOSCORE_STATE_DIR": str(self._state), scenario.VICTIM: self._victim.name}
        command = [sys.executable, "-m", "chaoscore", "run", scenario.__file__, "--quiet", *words]
        nowhere = subprocess.DEVNULL
        return subprocess.Popen(command, env=clean_environ() | own, stdin=nowhere, stdout=nowhere, stderr=nowhere)

    def _wait(self, run: subprocess.Popen[bytes], moment: Moment) -> None:
        if not moment.at_once:
            self._until(lambda: bool(self._victim.struck) or run.poll() is not None)
        time.sleep(moment.after_s)

    def _open(self) -> bool:
        """Tell whether a journal says that something is in effect."""
        for path in (self._state / "journals").glob("*.jsonl"):
            try:
                lines = path.read_bytes().partition(b"\0")[0].splitlines()
                said = [json.loads(line) for line in lines]
            except FileNotFoundError:
                continue
            intents = {each["id"] for each in said if each["record"] == "intent"}
            if intents - {each["id"] for each in said if each["record"] == "undone"}:
                return True
        return False

    def _left(self) -> frozenset[str]:
        """Return what nobody will undo any more, and undo it."""
        left = self._victim.struck
        if left or self._open():
            self._victim.mend()
            shutil.rmtree(self._state, ignore_errors=True)
        return left

    def _until(self, true: Callable[[], bool]) -> None:
        end = time.perf_counter() + PATIENCE_S
        while not true() and time.perf_counter() < end:
            time.sleep(0.0005)


def moments(count: int, seed: int) -> list[Moment]:
    """Return *count* moments, the same for the same seed: one in four in the beginnings of a run, the others later."""
    chance = random.Random(seed)
    return [Moment(number % 4 == 0, chance.uniform(0, 0.5 if number % 4 == 0 else 0.1)) for number in range(count)]


def tried(folder: Path, trials: Sequence[Callable[[Arena], T]], side_by_side: int = 2) -> list[T]:
    """Make all *trials*, several at the same time, each in an arena that it has for itself."""
    with ExitStack() as stack, ThreadPoolExecutor(side_by_side) as pool:
        arenas: SimpleQueue[Arena] = SimpleQueue()
        for number in range(side_by_side):
            own = folder / f"arena-{number}"
            own.mkdir(exist_ok=True)
            arenas.put(Arena(own, stack.enter_context(victim())))

        def try_one(trial: Callable[[Arena], T]) -> T:
            arena = arenas.get()
            try:
                return trial(arena)
            finally:
                arenas.put(arena)

        return list(pool.map(try_one, trials))


def _tells(path: Path, number: signal.Signals) -> bool:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(report["interrupted"] == number.name and report["exit_code"] == CODES[number])
