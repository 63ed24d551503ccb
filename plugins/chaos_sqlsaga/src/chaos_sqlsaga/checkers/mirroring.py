"""Compensations mirror what was completed: just that, and in reverse."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Rollback, Saga, Step
from chaos_sqlsaga.history import SagaEvent, What


def _look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
    if event.what is not What.COMPENSATING or event.step is None:
        return
    step = saga.step(event.step)
    rollback = saga.compensating()
    if rollback is None:
        yield Complaint("it is compensated although nothing is being rolled back", step.name)
    if not step.has_effect:
        yield Complaint(f"it is compensated {'again' if step.undone else 'although it was not completed'}", step.name)
    elif rollback is not None and step.name not in rollback.undone and len(saga.partial) < 2:
        yield from _out_of_order(saga, rollback, step)


def _out_of_order(saga: Saga, rollback: Rollback, step: Step) -> Iterator[Complaint]:
    # Steps that ran at the same time may be compensated in any order: nobody can tell which came first.
    before = [name for name, took in rollback.undone.items() if 0 <= took < step.began]
    if before:
        yield Complaint(f"it is compensated after {before[0]!r}, which was completed before it began", step.name)
    later = [each.name for each in saga.steps.values() if each.undoing and step.took < each.began]
    if later:
        yield Complaint(f"it is compensated while the compensation of {later[0]!r}, which came later, runs", step.name)
    if step.took < saga.floor():
        yield Complaint(f"it is compensated, but lies before the savepoint {rollback.to!r}", step.name)


mirrors = Rule("mirrors", look=_look)
