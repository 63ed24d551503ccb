"""How steps get to workers, and what comes of them back into the database."""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from typing import Any

import attrs

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine.core import Core
from chaos_sqlsaga.engine.database import Transaction
from chaos_sqlsaga.engine.definition import Call, Condition, Handler, Step
from chaos_sqlsaga.engine.errors import ConflictError
from chaos_sqlsaga.engine.forward import child_id
from chaos_sqlsaga.engine.rows import Saga, StepRow
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.engine.values import encode, readable, results
from chaos_sqlsaga.history import SagaEvent


class Memory:
    """
    What a worker knows of a saga after it took a step.

    As long as nobody else has changed the saga, it need not be read again to store the result. It serves once: after a
    transaction that failed, nobody knows what of it is so.
    """

    def __init__(self, saga: Saga) -> None:
        self._saga: Saga | None = saga

    def recall(self, now_s: float) -> Saga | None:
        """Return the saga, the first time."""
        saga, self._saga = self._saga, None
        if saga is not None:
            saga.resume(now_s)
        return saga


@attrs.frozen(kw_only=True)
class Task:
    """
    A step that a worker has taken.

    Attributes:
        worker: Who has it.
        token: Its fencing token.
        compensating: Whether its compensation is to be called.
        truth: Whether it is a condition, of whose result only the truth counts.
        handler: What is to be called; None: the step is a sub-saga, to be looked at or undone.
        call: With what.
        definition: What the saga is an instance of.
        memory: What is known of the saga.
    """

    worker: str
    token: int
    compensating: bool
    truth: bool
    handler: Handler | None
    call: Call
    definition: str
    memory: Memory = attrs.field(eq=False, repr=False)


class Carrying(Core):
    """The part of `Engine` that workers use."""

    def take(self, worker: str, *, again: bool = False) -> Task | None:
        """
        Take the next step that is due, if there is one.

        Args:
            worker: Who takes it.
            again: The worker tried before and heard nothing: what it may have got then comes first.
        """

        def work(transaction: Transaction) -> tuple[Task | None, bool, list[SagaEvent]]:
            now_s = self.now_s()
            points.claim(worker)
            if again and (mine := self.store.held(transaction, worker)) is not None:
                return self._mine(self.store.load(transaction, mine, now_s, worker)), True, []
            found = self.store.due(transaction, self.kinds, now_s)
            if found is None:
                return None, False, []
            saga = self.store.load(transaction, found[0], now_s, worker)
            step = self.rules.take(saga, found[1], now_s + self.lease_s)
            task = self._task(saga, step) if step is not None else self._next(saga)
            return task, True, self.save(transaction, saga)

        while True:
            task, there_was, told = self.run(work)
            self.tell(told)
            if task is not None or not there_was:
                return task

    def finish(self, task: Task, result: Any) -> Task | None:
        """Store what the handler returned, and take the next step of the same saga, in one transaction."""
        if task.compensating:
            return self._transit(task, self.rules.compensated)
        try:
            result = bool(result) if task.truth else result
            text = encode(result, f"what {task.definition}.{task.call.step} returned", self.value_bytes)
        except (TypeError, ValueError) as error:
            return self.fail(task, error, again=False)
        return self._transit(task, lambda saga, step: self.rules.complete(saga, step, text))

    def fail(self, task: Task, error: BaseException, *, again: bool = True) -> Task | None:
        """Store that the handler raised, and take the next step of the same saga, in one transaction."""
        text = readable(f"{type(error).__qualname__}: {error}")
        if task.compensating:
            return self._transit(task, lambda saga, step: self.rules.compensation_failed(saga, step, text))
        return self._transit(task, lambda saga, step: self.rules.fail(saga, step, text, again=again))

    def renew(self, task: Task) -> bool:
        """Renew the lease of *task*; tell whether it is still the worker's."""
        until_s = self.now_s() + self.lease_s
        call = task.call
        return self.run(lambda transaction: self.store.renew(transaction, call.saga, call.step, task.token, until_s))

    def _transit(self, task: Task, change: Callable[[Saga, StepRow], None]) -> Task | None:
        def work(transaction: Transaction) -> tuple[Task | None, list[SagaEvent], int]:
            now_s = self.now_s()
            saga = task.memory.recall(now_s) or self.store.load(transaction, task.call.saga, now_s, task.worker)
            step = saga.steps[task.call.step]
            if not self.rules.holds(saga, step, task.token):
                mine = self._mine(saga)
                if mine is not None or step.token == task.token:
                    return mine, [], 0  # it was committed, and only the reply was lost
                self.rules.reject(saga, step)
                return None, self.save(transaction, saga), 0
            change(saga, step)
            following = self._next(saga)
            return following, self.save(transaction, saga), len(saga.ready)

        try:
            following, told, others = self.run(work)
        except ConflictError:  # somebody else has changed the saga, and it is read this time
            following, told, others = self.run(work)
        self.tell(told)
        if others:
            self.wake()
        return following

    def _next(self, saga: Saga) -> Task | None:
        """Take a step that has just become ready, so that a saga needs no claim between its steps."""
        while saga.ready:
            name = saga.ready.pop(0)
            step = saga.steps[name]
            if step.due_s == 0.0 and step.state in (StepState.PENDING, StepState.COMPENSATION):
                taken = self.rules.take(saga, name, saga.now_s + self.lease_s)
                if taken is not None:
                    return self._task(saga, taken)
        return None

    def _mine(self, saga: Saga) -> Task | None:
        """Return the step that this worker took together with a result whose reply was lost."""
        for step in saga.steps.values():
            if step.worker == saga.by and step.due_s is not None and step.state is not StepState.PENDING:
                return self._task(saga, step)
        return None

    def _task(self, saga: Saga, step: StepRow) -> Task:
        node, instance = saga.node(step.name), saga.instance
        compensating = step.state is StepState.COMPENSATION
        handler: Handler | None = None  # of a sub-saga
        if isinstance(node, Step):
            handler = node.on_failure if compensating else node.handler
        elif isinstance(node, Condition):
            handler = node.predicate
        call = Call(
            saga=instance.id, step=step.name, attempt=step.attempt, payload=loads(instance.payload),
            results=results(saga.steps.values()), result=loads(step.result or "null"),
        )  # fmt: skip
        return Task(
            worker=saga.by, token=step.token, compensating=compensating, truth=isinstance(node, Condition),
            handler=handler, call=call, definition=instance.definition, memory=Memory(saga),
        )  # fmt: skip

    # -- sub-sagas

    def visit(self, task: Task) -> Task | None:
        """Take over the result of a sub-saga that has ended, or undo it."""
        child = child_id(task.call.saga, task.call.step)
        if task.compensating:
            return self._undo_child(task, child)
        found = self.run(lambda transaction: self.store.load(transaction, child, 0.0, lock=False))
        state = found.instance.state
        if state is SagaState.COMPLETED:
            return self.finish(task, dict(results(found.steps.values())))
        error = f"sub-saga {child} {state}: {found.instance.error}"
        unknown = found.instance.target is not None  # what it did before its savepoint stands
        return self._transit(task, lambda saga, step: self.rules.fail(saga, step, error, unknown=unknown, again=False))

    def _undo_child(self, task: Task, child: str) -> Task | None:
        undone = False

        def undo(saga: Saga) -> None:
            nonlocal undone
            if saga.instance.state not in _UNDONE:
                self.rules.cancel(saga, completed=True)
            undone = saga.instance.state in _UNDONE

        self.change(child, undo)
        return self.finish(task, None) if undone else self._transit(task, self._look_again)

    def _look_again(self, saga: Saga, step: StepRow) -> None:
        saga.put(step, worker=None, due_s=saga.now_s + 0.1, rank=saga.now_s)


_UNDONE = frozenset({SagaState.CANCELLED, SagaState.ABORTED})
