"""What it costs to show a run to Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import MS, PERCENT, US, AtMost, Reference, Row


def prometheus(lab: Lab) -> Iterator[Row]:
    """The exporter: CPU time that it adds to an iteration of one step, and a scrape of 1,000 series."""
    took = lab.side_by_side(
        5, ours=lab.ours("exporter", iterations=lab.pick(20_000, 5_000), scrapes=lab.pick(100, 20))
    )["ours"]
    hand = Reference("prometheus-client, called by hand", took.least("by hand"))
    yield Row("exporter, added to an iteration", took.median("iteration"), US, hand)
    yield Row(
        "exporter, of the time of 5,000 iterations/s, with a scrape a second",
        took.median("share"),
        PERCENT,
        None,
        AtMost(2),
    )
    theirs = Reference("prometheus-client's own 1,000 series", took.least("their scrape"))
    yield Row("a scrape of 1,000 series", took.least("scrape"), MS, theirs, AtMost(10))
