"""What the client of Toxiproxy's API costs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import US, AtMostTimes, Reference, Row


def toxiproxy_client(lab: Lab) -> Iterator[Row]:
    """A toxic added and removed over HTTP, on the embedded server: wall time of both calls."""
    contender = lab.ours("toxiproxy_client", calls=lab.pick(6_000, 600), server="embedded")
    took = lab.side_by_side(5, ours=contender)["ours"]
    bare = Reference("a bare keep-alive client", took.least("bare"))
    yield Row("a toxic, added and removed", took.least("ours"), US, bare, AtMostTimes(1.2))
