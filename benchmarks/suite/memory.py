"""What stays in memory of what is over."""

from __future__ import annotations

import os
from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import BYTES, MIB, AtMost, Reference, Row


def memory(lab: Lab) -> Iterator[Row]:
    """A run of many iterations: how much larger the process gets after its first thousand."""
    iterations = lab.pick(1_000_000, 100_000)
    took = lab.side_by_side(
        1,
        silent=lab.ours("memory", iterations=iterations),
        logged=lab.ours("memory", iterations=iterations, log=os.devnull),
        chaoslib=lab.theirs("chaoslib_memory", actions=20_000),
    )
    per_action = Reference("chaoslib, 20,000 actions", took["chaoslib"].median("per action"))
    for form, name in (("silent", ""), ("logged", ", event log")):
        growth, per_iteration = took[form].median("growth"), took[form].median("per iteration")
        yield Row(f"memory, 1,000 to {iterations:,} iterations{name}", growth, MIB, goal=AtMost(2))
        yield Row(f"memory per iteration{name}", per_iteration, BYTES, per_action)
