"""What the embedded proxy costs, beside Toxiproxy's own server and no proxy at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.figures import Contender, Repeats, side_by_side
from benchmarks.lab import Lab
from benchmarks.rows import (
    BYTES,
    MB_PER_S,
    MS,
    PER_S,
    PERCENT,
    US,
    AtLeast,
    AtLeastTimes,
    AtMost,
    AtMostTimes,
    Reference,
    Row,
    Unit,
)

Taken = Mapping[str, Repeats]


def toxiproxy(lab: Lab) -> Iterator[Row]:
    """The embedded proxy without toxics and with, idle connections, and the API: time on the wall."""
    for part in (_throughput, _round_trips, _connections, _toxics, _api):
        yield from part(lab)


def _throughput(lab: Lab) -> Iterator[Row]:
    for connections, name in ((1, "1 connection, 64 KiB writes"), (50, "50 connections, 64 KiB writes")):
        took = _side_by_side(lab, 7, "ours toxiproxy direct", measure="throughput", connections=connections)
        ours = took["ours"].median("rate")
        yield Row(name, ours, MB_PER_S, Reference("Toxiproxy", took["toxiproxy"].median("rate")), AtLeastTimes(1))
        yield Row(name, ours, MB_PER_S, Reference("no proxy", took["direct"].median("rate")))
        yield _cpu(took, f"{name}, CPU of the server for 1 GB", MS)


def _round_trips(lab: Lab) -> Iterator[Row]:
    count = lab.pick(10_000, 2_000)
    took = _side_by_side(lab, 7, "ours toxiproxy direct", measure="round_trips", count=count)
    for figure, factor in (("p50", 1.1), ("p99", 1.5)):
        name, ours = f"1 byte there and back, {figure}", took["ours"].median(figure)
        yield Row(name, ours, US, Reference("Toxiproxy", took["toxiproxy"].median(figure)), AtMostTimes(factor))
        yield Row(name, ours, US, Reference("no proxy", took["direct"].median(figure)))
    yield _cpu(took, "1 byte there and back, CPU of the server", US)


def _connections(lab: Lab) -> Iterator[Row]:
    for threads in (1, 4):
        took = _side_by_side(lab, 7, "ours toxiproxy direct", measure="churn", threads=threads)
        name, ours = f"new connections, client threads: {threads}", took["ours"].median("rate")
        yield Row(name, ours, PER_S, Reference("Toxiproxy", took["toxiproxy"].median("rate")), AtLeastTimes(0.8))
        yield Row(name, ours, PER_S, Reference("no proxy", took["direct"].median("rate")))
        yield _cpu(took, f"{name}, CPU of the server for each", US)
    took = _side_by_side(lab, 3, measure="idle")
    theirs = Reference("Toxiproxy", took["toxiproxy"].median("bytes"))
    yield Row("memory of an idle connection", took["ours"].median("bytes"), BYTES, theirs, AtMost(10_000))


def _toxics(lab: Lab) -> Iterator[Row]:
    took = _side_by_side(lab, 5, measure="round_trips", count=40, latency=100)
    for figure, limit in (("p50", 100.8), ("p99", 102)):
        theirs = Reference("Toxiproxy", took["toxiproxy"].median(figure))
        yield Row(f"latency 100 ms, {figure}", took["ours"].median(figure), MS, theirs, AtMost(limit))
    took = _side_by_side(lab, 3, measure="throughput", latency=100)
    theirs = Reference("Toxiproxy", took["toxiproxy"].median("rate"))
    yield Row("1 connection, 64 KiB writes, latency 100 ms", took["ours"].median("rate"), MB_PER_S, theirs)
    took = _side_by_side(lab, 3, measure="bandwidth")
    for figure, name, limit in (("mean off", "mean off by", 1), ("window off", "100 ms off by", 20)):
        theirs = Reference("Toxiproxy", took["toxiproxy"].median(figure))
        yield Row(f"bandwidth 500 KB/s, {name}", took["ours"].median(figure), PERCENT, theirs, AtMost(limit))


def _api(lab: Lab) -> Iterator[Row]:
    took = _side_by_side(lab, 5, measure="calls")
    theirs = Reference("Toxiproxy", took["toxiproxy"].median("rate"))
    yield Row("toxics added and removed, calls", took["ours"].median("rate"), PER_S, theirs, AtLeast(4000))
    took = _side_by_side(lab, 3, measure="removal")
    theirs = Reference("Toxiproxy", took["toxiproxy"].median("slowest"))
    yield Row("a toxic removed under full traffic, slowest", took["ours"].median("slowest"), MS, theirs, AtMost(100))


def _cpu(took: Taken, name: str, unit: Unit) -> Row:
    return Row(name, took["ours"].median("cpu"), unit, Reference("Toxiproxy", took["toxiproxy"].median("cpu")))


def _side_by_side(lab: Lab, repeats: int, servers: str = "ours toxiproxy", **parameters: object) -> Taken:
    contenders: dict[str, Contender] = {
        server: lab.ours("proxying", server=server, **parameters) for server in servers.split()
    }
    return side_by_side(contenders, lab.pick(repeats, min(repeats, 2)))
