"""`chaoscore.Histogram`, measured."""

from __future__ import annotations

from benchmarks.probes.histograms import Quantile, Record, durations, measure
from benchmarks.probes.timing import tell
from chaoscore import Histogram


def probe(records: int) -> dict[str, float]:
    """Measure it."""
    return measure(durations(records), make)


def make() -> tuple[Record, Quantile]:
    """Return how a new one is used."""
    histogram = Histogram()
    return histogram.record, lambda q: histogram.quantile(q) or 0.0


if __name__ == "__main__":
    tell(probe)
