"""Instances and steps as they stand in the database, and one saga inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from chaos_sqlsaga.engine.definition import Definition, Node
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.history import SagaEvent, What


@attrs.define
class Instance:
    """
    A row of the instances.

    Attributes:
        id: Names it.
        definition: What it is an instance of, as name.
        version: And as version.
        state: Where it stands.
        payload: What it was started with, as JSON.
        priority: Larger is sooner.
        pauses: Whether a failure puts it into the dead letter queue instead of rolling it back.
        created_s: When it was put in, seconds since 1970-01-01 UTC.
        ended_s: When it ended.
        error: Why it failed.
        ending: Where its rollback leads; None: it goes forward.
        target: The savepoint at which that rollback stops; None: the root.
        rolling: Whether the rollback has begun; before, running steps are waited for.
        depth: How many compensations the rollback has called for.
        revision: Counts the transactions that changed the saga or its steps.
        parent: The instance of which it is a sub-saga.
        parent_step: And the step there.
    """

    id: str
    definition: str
    version: int
    state: SagaState
    payload: str
    priority: int
    pauses: bool
    created_s: float
    ended_s: float | None = None
    error: str | None = None
    ending: SagaState | None = None
    target: str | None = None
    rolling: bool = False
    depth: int = 0
    revision: int = 0
    parent: str | None = None
    parent_step: str | None = None


@attrs.define
class StepRow:
    """
    A row of the steps.

    Attributes:
        name: Which step.
        state: Where it stands.
        attempt: Calls so far, of the handler or, in a rollback, of the compensation.
        takeovers: How often a lost attempt was repeated.
        token: Counts those who took it; only the last may bring a result.
        worker: Who has it.
        due_s: When somebody may take it, seconds since 1970-01-01 UTC: 0 for at once, the end of the lease while
            somebody has it, None for never.
        rank: Those who are due go in this order.
        result: What its handler returned, as JSON; a join keeps here who has arrived.
        error: Why it failed.
        seq: When it completed, counted in its saga; also of a failed step that may have had its effect.
        undoing: Whether it is, or was, compensated.
    """

    name: str
    state: StepState
    attempt: int = 0
    takeovers: int = 0
    token: int = 0
    worker: str | None = None
    due_s: float | None = None
    rank: float = 0.0
    result: str | None = None
    error: str | None = None
    seq: int | None = None
    undoing: bool = False


class Saga:
    """
    One saga inside one transaction: what was read, what shall be written, and what shall be told.

    Attributes:
        now_s: The time of the transaction, seconds since 1970-01-01 UTC.
        by: The worker that acts, or an empty text.
        instance: Its row.
        definition: What it is an instance of.
        steps: Maps names to rows.
        events: What happened.
        ready: Names of steps that became claimable in this transaction.
        children: Sub-sagas to put in.
        is_new: Whether the instance is to be inserted.
        remembered: Whether it was not read in this transaction, but kept since an earlier one.
    """

    def __init__(
        self,
        instance: Instance,
        definition: Definition,
        steps: dict[str, StepRow],
        *,
        now_s: float,
        by: str = "",
        is_new: bool = False,
    ) -> None:
        self.instance, self.definition, self.steps = instance, definition, steps
        self.now_s, self.by, self.is_new, self.remembered = now_s, by, is_new, False
        self._forget_changes()

    def _forget_changes(self) -> None:
        self.events: list[SagaEvent] = []
        self.ready: list[str] = []
        self.children: list[Saga] = []
        self.added: dict[str, StepRow] = {}
        self.changed: dict[str, StepRow] = {}
        self.instance_changed = False

    def resume(self, now_s: float) -> None:
        """Begin a later transaction, with what is known from the one before."""
        self.now_s, self.is_new, self.remembered = now_s, False, True
        self._forget_changes()

    # -- reading

    def node(self, name: str) -> Node:
        """Return what the definition says of a step."""
        return self.definition.places[name].node

    def rows(self, names: Iterator[str]) -> list[StepRow]:
        """Return the rows of those of *names* that have one."""
        return [self.steps[name] for name in names if name in self.steps]

    # -- writing

    def set(self, **values: Any) -> None:
        """Change the instance."""
        for name, value in values.items():
            setattr(self.instance, name, value)
        self.instance_changed = True

    def put(self, step: StepRow, **values: Any) -> None:
        """Change a step."""
        for name, value in values.items():
            setattr(step, name, value)
        if step.name not in self.added:
            self.changed[step.name] = step

    def add(self, step: StepRow) -> StepRow:
        """Add a step."""
        self.steps[step.name] = self.added[step.name] = step
        return step

    def number(self) -> int:
        """Return the next number of completion."""
        return 1 + max((each.seq or 0 for each in self.steps.values()), default=0)

    def tell(self, what: What, step: str | None = None, attempt: int = 0, **detail: Any) -> None:
        """Note what happened."""
        self.events.append(
            SagaEvent(
                self.instance.id,
                what,
                step,
                attempt=attempt,
                definition=self.instance.definition,
                at_s=self.now_s,
                worker=self.by,
                detail=detail,
            )
        )
