"""Nothing runs forward after a rollback began, nor after the end."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.ending import describe
from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What

_HARMLESS = (What.REJECTED, What.CANCEL_ASKED)


def _look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
    if saga.state:
        if event.what not in _HARMLESS:
            yield Complaint(f"it ended {saga.state}, and then went on: {describe(event)}", event.step)
        return
    if event.step is None or not _goes_forward(saga, event):
        return
    rollback = saga.rollback
    if rollback is not None and not (saga.rolled_back and rollback.to is not None):
        where = "the root" if rollback.to is None else f"the savepoint {rollback.to!r}"
        yield Complaint(f"it went forward ({event.what}) after a rollback to {where} had begun", event.step)
    elif saga.step(event.step).skipped:
        yield Complaint(f"it went forward ({event.what}) after it was skipped", event.step)


def _goes_forward(saga: Saga, event: SagaEvent) -> bool:
    """Tell whether *event* begins something; what runs already may still be completed, and is then compensated."""
    assert event.step is not None
    return event.what is What.STARTED or (event.what is What.DONE and not saga.step(event.step).running)


forward = Rule("forward", look=_look, late=True)
