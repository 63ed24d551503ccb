"""CPU time of recording a duration, and how far off quantiles are."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from time import thread_time

Record = Callable[[float], object]
Quantile = Callable[[float], float]

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def durations(count: int) -> list[float]:
    """Return durations in seconds as real ones are: log-normal, 5 ms in the middle; the same each time."""
    generator = random.Random(1)
    return [generator.lognormvariate(-5.3, 1.0) for _ in range(count)]


def measure(values: Sequence[float], make: Callable[[], tuple[Record, Quantile]]) -> dict[str, float]:
    """
    Measure one kind of histogram, in a loop over *values*.

    Args:
        values: What is recorded.
        make: Returns, for a new one, the call that records a value and the call that returns a quantile.
    """
    least = float("inf")
    for _ in range(3):
        record, quantile = make()
        began = thread_time()
        for value in values:
            record(value)
        quantile(0.5)  # what a histogram has put off counts too
        least = min(least, thread_time() - began)
    exact = sorted(values)
    errors = (abs(quantile(q) / exact[int(q * (len(exact) - 1))] - 1) for q in QUANTILES)
    return {"record": least / len(values), "error": max(errors)}
