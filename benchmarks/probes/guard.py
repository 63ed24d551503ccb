"""What the safety of faults costs, on the wall: the journal, a held fault, the watchdog, and a run that needs none."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest import mock

from benchmarks.probes.noop import Target, step
from benchmarks.probes.timing import tell
from chaoscore import Scenario
from chaoscore.executor import guard as guards
from chaoscore.executor.guard import Guard
from chaoscore.injectors import delay
from chaoscore.safety.journal import SPACE_BYTES, Journal
from chaoscore.safety.records import Undone, line

ARGS = {"pid": 12345, "create_time": 1763650000.25, "start_ticks": 123456}
HOW: dict[str, Any] = {"target": "running of process 12345", "manual": "kill -CONT 12345"}
ITERATIONS = 500
NOWHERE = Path("/nonexistent")


class Nothing:
    """Undoes nothing."""

    def undo(self, args: Mapping[str, Any]) -> str:
        """Do nothing."""
        return "process 12345 was continued"

    def in_effect(self, args: Mapping[str, Any]) -> bool:
        """Say that it is not."""
        return False


def probe(faults: int, runs: int, state: str) -> dict[str, float]:
    """Measure everything once, with so many *faults* and *runs*, in a state directory below *state*."""
    Path(state).mkdir(exist_ok=True)
    with TemporaryDirectory(dir=state) as own:
        os.environ["CHAOSCORE_STATE_DIR"] = own
        harmless, bare = harmless_and_bare(runs)
        return {
            "harmless run": harmless,
            "bare run": bare,
            "files": len(list(Path(own).iterdir())),
            "processes": processes(),
            "two writes": two_writes(faults, Path(own)),
            **journalled(faults),
            **guarded(faults),
        }


def journalled(faults: int) -> dict[str, float]:
    """Measure the journal alone."""
    journal = Journal.create("benchmark-journal", "benchmark")

    def one() -> None:
        intent = journal.intend("frozen", "process.pause", ARGS, **HOW)
        journal.append(Undone(intent.id, "run", "process 12345 was continued"))

    took = typical(one, faults)
    journal.close()
    return {"journal": took}


def guarded(faults: int) -> dict[str, float]:
    """Measure a guard: its watchdog, and the faults that it holds."""
    began = perf_counter()
    guard = Guard("benchmark-guard", "benchmark", {"nothing": Nothing()}, print)
    started_s = perf_counter() - began

    def one() -> None:
        with guard.undoing("frozen", "nothing", ARGS, **HOW):
            pass

    took = typical(one, faults)
    began = perf_counter()
    guard.close()
    return {"fault": took, "watchdog": started_s + perf_counter() - began}


def two_writes(faults: int, folder: Path) -> float:
    """Measure what cannot be saved: two records of that size, each on disk before the next."""
    file = os.open(folder / "two-writes", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(file, 0, SPACE_BYTES)
    text = line(Undone(1, "run", "process 12345 was continued"))

    def one() -> None:
        for _ in range(2):
            os.pwrite(file, text, 0)
            os.fdatasync(file)

    try:
        return typical(one, faults)
    finally:
        os.close(file)


def harmless_and_bare(runs: int) -> tuple[float, float]:
    """
    Measure runs with an injector that the kernel undoes, in turns with all that safety does and with nothing of it.
    """
    scenario = Scenario("no-op").target(Target()).step("step", step).inject("slow", delay(0, probability=0))
    scenario = scenario.repeat(ITERATIONS)
    harmless, bare = [], []
    for _ in range(runs):
        harmless.append(timed(lambda: scenario.run(seed=1)))
        with (
            mock.patch("chaoscore.executor.check_start", nothing),
            mock.patch("chaoscore.executor.openings.check_lever", nothing),
            mock.patch("chaoscore.executor.crew.lever", return_value=NOWHERE),
        ):
            bare.append(timed(lambda: scenario.run(seed=1)))
    return statistics.median(harmless), statistics.median(bare)


def processes() -> int:
    """Return how many watchdogs a harmless run would have started."""
    started: list[object] = []
    with mock.patch.object(guards, "_start", started.append):
        Scenario("no-op").target(Target()).step("step", step).inject("slow", delay(0)).run(seed=1)
    return len(started)


def nothing(*_: object) -> None:
    """Check nothing."""


def timed(work: Callable[[], object]) -> float:
    """Return how long *work* takes, seconds."""
    began = perf_counter()
    work()
    return perf_counter() - began


def typical(work: Callable[[], object], times: int) -> float:
    """Return the median of so many *times*, seconds."""
    return statistics.median(timed(work) for _ in range(times))


if __name__ == "__main__":
    tell(probe)
