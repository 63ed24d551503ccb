"""Rollbacks are bounded: how many steps one compensates, and how many one saga has."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What


def depth(steps: int | None = None, rollbacks: int | None = None) -> Rule:
    """
    Return the rule that rollbacks are bounded.

    Args:
        steps: Most steps that one rollback compensates; None: any number.
        rollbacks: Most rollbacks of one saga; None: any number.
    """

    def look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
        if event.what is What.COMPENSATING and event.step is not None and steps is not None:
            rollback = saga.compensating()
            if rollback is not None and event.step not in rollback.undone and rollback.depth == steps:
                yield Complaint(f"its rollback is deeper than {steps} steps", event.step)
        if event.what is What.ROLLBACK_BEGAN and event.step is None and saga.rollbacks == rollbacks:
            yield Complaint(f"it is rolled back again: {saga.rollbacks + 1} rollbacks, at most {rollbacks} allowed")

    return Rule("depth", look=look)
