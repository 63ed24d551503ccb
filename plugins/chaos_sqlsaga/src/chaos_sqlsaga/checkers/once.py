"""A step that is not idempotent is called once."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What


def _look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
    if event.what is not What.STARTED or event.step is None:
        return
    step = saga.step(event.step)
    if step.touched and not step.promises.get("idempotent", True):
        yield Complaint(f"it is not idempotent, and was called {step.touched + 1} times", step.name)


once = Rule("once", look=_look)
