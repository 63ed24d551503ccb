"""What failpoints cost in production code: off, armed and not firing, firing."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import NS, US, AtMostTimes, Reference, Row


def failpoints(lab: Lab) -> Iterator[Row]:
    """One hit of a failpoint, ``if fp.armed: fp.hit()``, in all its states: CPU time."""
    took = lab.side_by_side(5, ours=lab.ours("failpoints", calls=lab.pick(200_000, 50_000)))["ours"]
    call = Reference("an empty call", took.least("empty call"))
    acall = Reference("an empty await", took.least("empty await"))
    yield Row("failpoint, off", took.least("off"), NS, call, AtMostTimes(0.5))
    yield Row("failpoint, off, awaited form", took.least("off, awaited"), NS, acall, AtMostTimes(0.5))
    yield Row("failpoint.hit(name), off", took.least("off, by name"), NS, call, AtMostTimes(3))
    for name in ("never", "seldom"):
        yield Row(f"armed, {name} firing", took.least(f"armed: {name}"), NS, call, AtMostTimes(8))
    yield Row("armed by a block, not firing", took.least("armed by a block"), NS, call, AtMostTimes(8))
    yield Row("armed by a block, awaited form", took.least("armed by a block, awaited"), NS, acall, AtMostTimes(8))
    yield Row("armed for another context", took.least("armed elsewhere"), NS, call, AtMostTimes(8))
    yield Row("armed in a run, not firing", took.least("armed in a run"), NS, call, AtMostTimes(8))
    yield Row("armed, 1 % of hits fire", took.least("armed: often"), NS, call)
    yield Row("armed, every hit fires", took.least("armed: always"), US, call)
    yield Row("reading four terms", took.least("parse"), US)
