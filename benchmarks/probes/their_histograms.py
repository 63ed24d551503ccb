"""ddsketch and hdrhistogram, measured."""

from __future__ import annotations

from importlib import import_module

from benchmarks.probes.histograms import Quantile, Record, durations, measure
from benchmarks.probes.timing import tell


def probe(records: int) -> dict[str, float]:
    """Measure both; HdrHistogram takes whole numbers, here nanoseconds."""
    values = durations(records)
    whole = [float(int(value * 1e9)) for value in values]
    measured = {f"ddsketch {what}": figure for what, figure in measure(values, ddsketch).items()}
    return measured | {f"hdrhistogram {what}": figure for what, figure in measure(whole, hdrhistogram).items()}


def ddsketch() -> tuple[Record, Quantile]:
    """Return how a new one is used, as it comes: 1 % relative accuracy."""
    sketch = import_module("ddsketch").DDSketch()
    return sketch.add, sketch.get_quantile_value


def hdrhistogram() -> tuple[Record, Quantile]:
    """Return how a new one is used: three digits, up to an hour."""
    histogram = import_module("hdrh.histogram").HdrHistogram(1, 3_600_000_000_000, 3)
    return histogram.record_value, lambda q: histogram.get_value_at_percentile(q * 100)


if __name__ == "__main__":
    tell(probe)
