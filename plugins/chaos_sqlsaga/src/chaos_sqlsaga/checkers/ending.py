"""Every saga ends, and ends completed or fully compensated."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What

UNDONE = ("failed", "cancelled")
"""States in which nothing may be left that was completed since the savepoint that was rolled back to."""


def _look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
    if event.what is not What.ENDED:
        return
    state = str(event.detail.get("state", ""))
    if state == "completed":
        yield from _completed(saga)
    elif state in UNDONE:
        yield from _undone(saga, state)
    elif state != "aborted":  # somebody has decided to leave it as it is
        yield Complaint(f"it ended {state!r}, which is neither of completed, failed, cancelled, aborted")


def _completed(saga: Saga) -> Iterator[Complaint]:
    if saga.rollback is not None:
        yield Complaint("it ended completed, although it was rolled back")
    yield from _at_work(saga, "completed")
    if any(step.done >= 0 and not step.touched for step in saga.steps.values()):
        return  # it has forks, of which one branch may be enough
    for step in saga.steps.values():
        if step.failed and not step.undone and step.done < 0:
            yield Complaint("it failed for good, and the saga ended completed", step.name)


def _undone(saga: Saga, state: str) -> Iterator[Complaint]:
    yield from _at_work(saga, state)
    for step in saga.standing():
        what = "was completed" if step.done >= 0 else "may have had its effect (its worker was lost)"
        why = "its compensation failed for good" if step.undo_failed else "it was never compensated"
        yield Complaint(f"it {what}, the saga ended {state}, and {why}", step.name)


def _at_work(saga: Saga, state: str) -> Iterator[Complaint]:
    for step in saga.steps.values():
        if step.running or step.undoing:
            yield Complaint(f"the saga ended {state} while its {'handler' if step.running else 'compensation'} runs",
                            step.name)  # fmt: skip


def _end(saga: Saga, now_s: float) -> Iterator[Complaint]:
    last = saga.last
    if last is None:
        return
    where = "it waits in the dead letter queue" if saga.paused else f"its last event is {describe(last)}"
    yield Complaint(f"it never ended: {where}, {now_s - last.at_s:.1f} s ago", last.step)


def describe(event: SagaEvent) -> str:
    """Return *event* in a few words."""
    attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return f"{event.what}{'' if event.step is None else f' of {event.step!r}'}{attempt}"


ends = Rule("ends", look=_look, end=_end)
