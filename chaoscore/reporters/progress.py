"""How far a run has come, as text."""

from __future__ import annotations

from chaoscore.events import Outcome
from chaoscore.fold import Fold
from chaoscore.reporters.visible import count, percent, visible
from chaoscore.units import show_seconds


def share_done(fold: Fold, now_at: float) -> float | None:
    """Return the share of the workload that is done, by iterations or time, whichever is more; None: no end known."""
    run = fold.started
    if run is None or fold.phase != "workload":
        return None
    shares = []
    if run.iterations:
        shares.append(_ended(fold) / run.iterations)
    if run.run_for_s:
        shares.append((now_at - fold.phase_at) / run.run_for_s)
    return min(1.0, max(shares)) if shares else None


def left_s(fold: Fold, now_at: float) -> float | None:
    """Return the seconds that the workload will still take, if it goes on like this; None: nobody can tell yet."""
    share = share_done(fold, now_at)
    spent = now_at - fold.phase_at
    return spent / share - spent if share else None


def counts(fold: Fold) -> str:
    """Return what has happened so far: ``'1,204 of 5,000 iterations, 98.2% ok, 12 faults landed, 1 finding'``."""
    run, ended = fold.started, _ended(fold)
    of = f" of {run.iterations:,}" if run is not None and run.iterations else ""
    parts = [f"{ended:,}{of} iteration{'' if ended == 1 and not of else 's'}"]
    judged = fold.succeeded + fold.failed
    if judged:
        parts.append(f"{percent(fold.succeeded / judged)} ok")
    if run is not None and run.injections:
        parts.append(f"{count(fold.faults, 'fault')} landed")
    if fold.findings:
        parts.append(count(fold.findings, "finding"))
    return ", ".join(parts)


def phase(fold: Fold) -> str:
    """Return the phase that the run is in."""
    return visible(fold.phase) or "starting"


def status(fold: Fold, now_at: float) -> str:
    """Return one line that says where the run is: time, counts, time left."""
    parts = [f"{show_seconds(round(now_at))}:"]
    if fold.phase != "workload":
        parts.append(f"{phase(fold)},")
    parts.append(counts(fold))
    left = left_s(fold, now_at)
    if left is not None:
        parts.append(f"(about {show_seconds(round(left))} left)")
    return " ".join(parts)


def _ended(fold: Fold) -> int:
    tally = fold.iterations.counts
    return fold.succeeded + fold.failed + tally[Outcome.CANCELLED]
