"""What runs leave behind when they are killed or told to end, and what it costs to leave nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Unavailable
from benchmarks.lab import Lab
from benchmarks.rows import COUNT, MS, US, AtMost, AtMostTimes, Reference, Row

if TYPE_CHECKING:
    from benchmarks.trials.arena import Arena, Moment


def kill(lab: Lab) -> Iterator[Row]:
    """Runs that are killed (SIGKILL) at random moments: what they leave behind, and for how long."""
    count = lab.pick(200, 20)
    kinds = _journal_kinds()
    if isinstance(kinds, Unavailable):
        yield Row(f"faults left by {count} SIGKILLs", kinds, COUNT, goal=AtMost(0))
        return
    from benchmarks.trials import arena, scenario

    for kind in kinds - set(scenario.INJECTORS):
        yield Row(f"{kind}: faults left", Unavailable("benchmarks.trials has no trial of it"), COUNT, goal=AtMost(0))
    trials = [partial(arena.Arena.kill, moment=each) for each in arena.moments(count, seed=1)]
    found = arena.tried(lab.scratch, trials)
    for kind in sorted(kinds & set(scenario.INJECTORS)):
        in_effect, left = (
            sum(kind in each for each in group) for group in zip(*((t.in_effect, t.left) for t in found), strict=True)
        )
        yield Row(f"{kind}: in effect at {count} SIGKILLs", _count(in_effect, count), COUNT)
        yield Row(f"{kind}: left behind", _count(left, count), COUNT, goal=AtMost(0))
    heal_s = [each.heal_s for each in found if each.in_effect]
    for name, share, goal in (("p50", 0.5, None), ("p99", 0.99, AtMost(1000)), ("max", 1.0, None)):
        yield Row(f"SIGKILL to healed, {name}", _quantile(heal_s, share, name), MS, goal=goal)


def interrupt(lab: Lab) -> Iterator[Row]:
    """Runs that are told to end (SIGINT, SIGTERM) at random moments: what they leave behind, and what they report."""
    count = lab.pick(50, 5)
    kinds = _journal_kinds()
    for number in (signal.SIGINT, signal.SIGTERM):
        if isinstance(kinds, Unavailable):
            yield Row(f"faults left by {count} {number.name}s", kinds, COUNT, goal=AtMost(0))
            continue
        from benchmarks.trials import arena

        def trial(where: Arena, moment: Moment, number: signal.Signals = number) -> arena.Ended:
            return where.end(number, arena.Moment(False, moment.after_s))

        trials = [partial(trial, moment=each) for each in arena.moments(count, seed=int(number))]
        found = arena.tried(lab.scratch, trials)
        for what, wrong in (
            ("faults left", [len(each.left) for each in found]),
            ("reports that do not tell", [not each.report for each in found]),
            ("wrong exit codes", [not each.code for each in found]),
        ):
            yield Row(f"{number.name}: {what}, of {count}", _count(sum(wrong), count), COUNT, goal=AtMost(0))
        last_s = [each.last_fault_s for each in found]
        yield Row(f"{number.name} to the last new fault, max", _quantile(last_s, 1, "max"), MS, goal=AtMost(100))


def guard(lab: Lab) -> Iterator[Row]:
    """What the safety of faults costs, on the wall: per fault, per run, and for a run that needs none of it."""
    state = lab.scratch / "state"
    took = lab.side_by_side(3, ours=lab.ours("guard", faults=lab.pick(300, 100), runs=lab.pick(30, 10), state=state))[
        "ours"
    ]
    raw = Reference("its two writes, with fsync", took.median("two writes"))
    yield Row("journal, one fault, intended and undone", took.median("journal"), US, raw)
    yield Row("the same with its lock and its undo", took.median("fault"), US, raw)
    yield Row("watchdog, started and ended", took.median("watchdog"), MS)
    without = Reference("without permission and limits", took.median("bare run"))
    yield Row("a run whose faults the kernel undoes", took.median("harmless run"), MS, without, AtMostTimes(1.05))
    yield Row("its processes", took.median("processes"), COUNT, goal=AtMost(0))
    yield Row("its files", took.median("files"), COUNT, goal=AtMost(0))


def _journal_kinds() -> frozenset[str] | Unavailable:
    """Return the kinds of every installed injector whose faults a journal undoes."""
    try:
        import chaos_process  # noqa: F401 - what is struck is a process
    except ImportError as missing:
        return Unavailable(str(missing))
    from chaoscore import Undo
    from chaoscore.plugins import catalogue

    offered = catalogue().injectors.by_name()
    found = frozenset(name for name, kind in offered.items() if getattr(kind, "undo", None) is Undo.JOURNAL)
    return found or Unavailable("chaos-process is not installed")


def _count(value: int, of: int) -> Figure:
    return Figure(value, value, value, f"of {of}")


def _quantile(values: Sequence[float], share: float, name: str) -> Figure | Unavailable:
    if not values:
        return Unavailable("no fault was in effect at any of the moments")
    ranked = sorted(values)
    value = ranked[min(len(ranked) - 1, int(share * len(ranked)))]
    return Figure(value, ranked[0], ranked[-1], f"{name} of {len(ranked)}")
