"""What it costs to keep durations."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.lab import Lab
from benchmarks.rows import PERCENT, US, AtMost, Reference, Row


def histogram(lab: Lab) -> Iterator[Row]:
    """One duration recorded: CPU time; and how far off quantiles from p1 to p99.9 are."""
    records = lab.pick(100_000, 30_000)
    took = lab.side_by_side(
        5, ours=lab.ours("our_histogram", records=records), theirs=lab.theirs("their_histograms", records=records)
    )
    for other in ("ddsketch", "hdrhistogram"):
        theirs = Reference(other, took["theirs"].least(f"{other} record"))
        yield Row(f"Histogram.record, beside {other}", took["ours"].least("record"), US, theirs, AtMost(0.3))
    for other in ("ddsketch", "hdrhistogram"):
        theirs = Reference(other, took["theirs"].least(f"{other} error"))
        yield Row(f"worst quantile, beside {other}", took["ours"].least("error"), PERCENT, theirs, AtMost(0.5))
