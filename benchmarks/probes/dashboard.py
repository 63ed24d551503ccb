"""What the live page and the HTML report cost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.days import day
from benchmarks.probes.timing import ATTEMPTS, cpu_time, tell
from chaos_dashboard import live
from chaoscore import Event, Fold, IterationEnded, Outcome, StepEnded
from chaoscore.reporters import events
from chaoscore.testing import FakeClock

UPDATES = 100
LOOKS = 20
"""How often a second a reporter is called."""

_VIEWER = """
import socket, sys
host, port, path = sys.argv[1:]
with socket.create_connection((host, int(port))) as viewer:
    viewer.sendall(f"GET {path}events HTTP/1.1\\r\\nHost: {host}:{port}\\r\\n\\r\\n".encode())
    print(viewer.recv(1), flush=True)
    while viewer.recv(65536):
        pass
"""


def probe(seconds: int, per_s: int) -> dict[str, float]:
    """
    Measure a run of so many seconds.

    Args:
        seconds: How long the run that is shown has lasted, and that of which the log is.
        per_s: Iterations a second, of one step, while the page is updated; and of two steps in the log.
    """
    return {**page(seconds, per_s), **report(seconds, per_s=1), "log, ten a second": report(seconds, 10)["cpu"]}


def page(seconds: int, per_s: int) -> dict[str, float]:
    """Measure a page with one viewer, which is a process of its own, when the run has lasted long."""
    clock, viewers = FakeClock(), 1
    reporter, told = live(clock=clock), list(day(seconds, ended=False))
    with redirect_stderr(io.StringIO()):
        reporter.follow(told)
    clock.advance(seconds)
    assert reporter.url is not None
    address = urlsplit(reporter.url)
    command = [sys.executable, "-c", _VIEWER, str(address.hostname), str(address.port), address.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as viewer:
        assert viewer.stdout is not None
        viewer.stdout.read(1)
        while reporter.viewers < viewers:
            time.sleep(0.01)

        def updates(iterations: int) -> None:
            for _ in range(UPDATES):
                clock.advance(1.0)
                reporter.follow(_second(clock.monotonic(), iterations))
                for _ in range(LOOKS - 1):
                    reporter.follow(())
                time.sleep(0.005)  # the thread that serves the viewer sends meanwhile

        updates(0)
        measured = {
            name: min(cpu_time(lambda rate=rate: updates(rate)) for _ in range(ATTEMPTS))  # type: ignore[misc]
            for name, rate in (("update", 0), ("second", per_s))
        }
        viewer.terminate()
    reporter.report(Fold().report())
    return {name: value / UPDATES for name, value in measured.items()}


def _second(at: float, iterations: int) -> Sequence[Event]:
    ended = (
        (StepEnded(at, 0, n, "pay", Outcome.OK, 0.01), IterationEnded(at, 0, n, Outcome.OK, 0.01))
        for n in range(iterations)
    )
    return [event for pair in ended for event in pair]


def report(seconds: int, per_s: int) -> dict[str, float]:
    """Measure `chaoscore report` of a log of so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        log, file = Path(folder) / "run.jsonl", Path(folder) / "report.html"
        writer, batch = events(log), list[Event]()
        for event in day(seconds, per_s):
            batch.append(event)
            if len(batch) == 1_000:
                writer.follow(batch)
                batch = []
        writer.follow(batch)
        command = [sys.executable, "-m", "chaoscore", "report", str(log), "--quiet", "--report", f"html={file}"]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 1
        wall = time.perf_counter() - began
        kib = 1024 if sys.platform == "linux" else 1
        return {
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss * kib,
            "size": file.stat().st_size,
        }


if __name__ == "__main__":
    tell(probe)
