"""What functions cost that are patched for faults, or were."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import COUNT, NS, US, AtMost, AtMostTimes, Reference, Row


def patching(lab: Lab) -> Iterator[Row]:
    """One call of a function that is patched and not struck, or was patched before: CPU time."""
    took = lab.side_by_side(5, ours=lab.ours("patching", calls=lab.pick(200_000, 50_000)))["ours"]
    call = Reference("an empty call", took.least("empty call"))
    acall = Reference("an empty await", took.least("empty await"))
    yield Row("patched and disarmed: other code objects", took.median("other code objects"), COUNT, goal=AtMost(0))
    yield Row("patched and disarmed, a call", took.least("disarmed"), NS, call)
    yield Row("patched and disarmed, an await", took.least("disarmed await"), NS, acall)
    yield Row("armed, a call outside a run", took.least("armed"), NS, call, AtMostTimes(15))
    yield Row("armed, an await outside a run", took.least("armed await"), NS, acall, AtMostTimes(15))
    yield Row("armed, a call of a function in C", took.least("armed C call"), NS, call, AtMostTimes(15))
    mocked = Reference("unittest.mock.patch", took.least("mock"))
    yield Row("armed, a call in a run, nothing strikes", took.least("in a run"), US, mocked)
    yield Row("armed, an await in a run, nothing strikes", took.least("in a run await"), US, acall)
