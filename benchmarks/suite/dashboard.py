"""What it costs to look at a run: the live page and the HTML report."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import MS, PERCENT, AtMost, Row, Unit

KB, MB, S = Unit("kB", 1e3), Unit("MB", 1e6), Unit("s", 1)


def dashboard(lab: Lab) -> Iterator[Row]:
    """The live page of a run that has lasted 24 hours, with one viewer, and the HTML report of its log."""
    seconds = lab.pick(86_400, 3_600)
    took = lab.side_by_side(3, ours=lab.ours("dashboard", seconds=seconds, per_s=100))["ours"]
    yield Row("live page, one update pushed, CPU", took.least("update"), MS, goal=AtMost(0.5))
    yield Row("live page at 1 Hz and 100 iterations/s, of a core", took.least("second"), PERCENT, goal=AtMost(1))
    hours = f"{seconds // 3600} h"
    yield Row(f"HTML report of a log of {hours}, 1 iteration/s, CPU", took.least("cpu"), S, goal=AtMost(3))
    yield Row("the same on the wall, beside all else that this machine does", took.least("wall"), S)
    yield Row("its memory", took.median("memory"), MB, goal=AtMost(200))
    yield Row("its size", took.median("size"), KB, goal=AtMost(300))
    yield Row(f"HTML report of a log of {hours}, 10 iterations/s, CPU", took.least("log, ten a second"), S)
