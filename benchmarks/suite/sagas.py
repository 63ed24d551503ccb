"""How fast the saga engine is, and whether it stays so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.lab import Lab
from benchmarks.rows import MIB, MS, AtMost, AtMostTimes, Reference, Row

GOALS_PER_S: Final = {
    ("sqlite NORMAL", 1): (2 * 269, 2 * 180),
    ("sqlite NORMAL", 4): (2 * 269, 2 * 180),
    ("postgres", 1): (2 * 103, 2 * 65),
    ("postgres", 4): (2 * 172, 2 * 123),
}
"""Sagas per second, happy and rolled back: twice what an engine of this kind in Go does on such a machine."""

NAMES: Final = {
    "sqlite NORMAL": "SQLite, synchronous=NORMAL",
    "sqlite FULL": "SQLite, synchronous=FULL",
    "postgres": "PostgreSQL, fsync off",
    "postgres durable": "PostgreSQL, fsync on",
}


def sagas(lab: Lab) -> Iterator[Row]:
    """A saga of three steps, on the wall, from being put in to its end; and a step beside a bare claim loop."""
    for database, name in NAMES.items():
        waits = "FULL" in database or "durable" in database  # for the disk
        for workers in (1, 4, 8):
            count = lab.pick(200 if waits else 1000, 50 if waits else 200)
            took = lab.side_by_side(
                lab.pick(3, 1), ours=lab.ours("sagas", database=database, workers=workers, sagas=count)
            )["ours"]
            happy, sad = GOALS_PER_S.get((database, workers), (None, None))
            where = f"{name}, {workers} worker{'s' if workers > 1 else ''}"
            yield Row(f"{where}: saga", took.least("happy"), MS, goal=_per_s(happy))
            yield Row(f"{where}: rolled back", took.least("sad"), MS, goal=_per_s(sad))
            raw = Reference("a bare claim loop", took.least("raw step"))
            yield Row(f"{where}: step", took.least("happy step"), MS, raw, AtMostTimes(2))


def many_sagas(lab: Lab) -> Iterator[Row]:
    """Very many sagas: the last tenth beside the first, in time and memory."""
    count = lab.pick(20_000, 2_000)
    took = lab.side_by_side(1, ours=lab.ours("many_sagas", sagas=count))["ours"]
    for name, what in (("", ""), (", CPU time", " cpu")):
        first = Reference("the first tenth", took.least(f"first{what}"))
        last = took.least(f"last{what}")
        yield Row(f"a saga, in the last tenth of {count:,}{name}", last, MS, first, AtMostTimes(round(1 / 0.9, 2)))
    yield Row(f"memory from {count // 10:,} to {count:,} sagas", took.least("growth"), MIB, goal=AtMost(4))


def _per_s(goal: int | None) -> AtMost | None:
    return None if goal is None else AtMost(1000 / goal)
