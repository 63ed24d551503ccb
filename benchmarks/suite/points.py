"""What points in production code cost, and what a decision costs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import NS, US, AtMost, AtMostTimes, Reference, Row


def point(lab: Lab) -> Iterator[Row]:
    """One call of a point, outside a run and inside one: CPU time."""
    took = lab.side_by_side(5, ours=lab.ours("points", calls=lab.pick(100_000, 20_000)))["ours"]
    call = Reference("an empty call", took.least("empty call"))
    acall = Reference("an empty await", took.least("empty await"))
    yield Row("maybe_delay(), no run", took.least("maybe_delay outside"), NS, call, AtMostTimes(2.5))
    yield Row("await amaybe_delay(), no run", took.least("amaybe_delay outside"), NS, acall, AtMostTimes(2.5))
    yield Row("maybe_delay(), probability 0", took.least("maybe_delay inside"), US, call, AtMost(1))
    yield Row("await amaybe_delay(), probability 0", took.least("amaybe_delay inside"), US, acall, AtMost(1))


def decision(lab: Lab) -> Iterator[Row]:
    """One decision that only depends on its identity, so that the same seed strikes at the same places: CPU time."""
    took = lab.side_by_side(5, ours=lab.ours("points", calls=lab.pick(100_000, 20_000)))["ours"]
    shared = Reference("a shared generator with a lock", took.least("random with lock"))
    yield Row("Ask.chance(0.5)", took.least("chance"), NS, shared)
