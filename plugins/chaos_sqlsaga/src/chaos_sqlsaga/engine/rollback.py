"""How a saga goes back: what stops, and what is compensated in which order."""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps

from chaos_sqlsaga.engine.checks import MOST_DELAY_S
from chaos_sqlsaga.engine.definition import Decision, Fork, Savepoint, Step, SubSaga, names, sequences
from chaos_sqlsaga.engine.errors import StateError
from chaos_sqlsaga.engine.forward import Forward, arrivals
from chaos_sqlsaga.engine.rows import Saga, StepRow
from chaos_sqlsaga.engine.states import ENDED, SagaState, StepState
from chaos_sqlsaga.history import What


class Rollback(Forward):
    """The half of the rules that goes back."""

    # -- a step has failed

    def fail(self, saga: Saga, step: StepRow, error: str, *, unknown: bool = False, again: bool = True) -> None:
        """
        Note that an attempt failed, and call the handler once more or roll back.

        Args:
            saga: The saga.
            step: Its step.
            error: What happened.
            unknown: The step may have had its effect.
            again: Whether another call could help.
        """
        stopped = saga.instance.ending is not None or self.decided_fork(saga, step.name) is not None
        again = again and not unknown and not stopped and self.may_retry(saga, step)
        saga.tell(What.FAILED, step.name, step.attempt, error=error, last=not again, unknown=unknown)
        if again:
            saga.put(step, error=error)
            self.pend(saga, step, self.delay_s(saga, step))
            return
        saga.put(step, state=StepState.FAILED, due_s=None, error=error, seq=saga.number() if unknown else None)
        if not self.is_stopped(saga, step.name):
            self.fail_branch(saga, step)

    def may_retry(self, saga: Saga, step: StepRow) -> bool:
        """Tell whether the handler of *step* may be called once more."""
        node = saga.node(step.name)
        return isinstance(node, Step) and step.attempt < node.retries

    def delay_s(self, saga: Saga, step: StepRow) -> float:
        """Return the seconds before the next call."""
        node = saga.node(step.name)
        return min(node.delay_s * 2 ** (step.attempt - 1), MOST_DELAY_S) if isinstance(node, Step) else 0.0

    def fail_branch(self, saga: Saga, step: StepRow) -> None:
        """Let the forks around *step* do without its branch; where one cannot, the saga fails."""
        for owner, branch in saga.definition.owners(step.name):
            if isinstance(owner, Fork) and self.does_without(saga, owner, branch):
                return
        saga.set(error=f"{step.name}: {step.error}")
        if saga.instance.pauses:
            self.pause(saga, step)
        else:
            self.roll_back(saga, SagaState.FAILED, self.savepoint(saga))

    def does_without(self, saga: Saga, fork: Fork, branch: str) -> bool:
        """Note that *branch* has failed; tell whether enough others can still arrive."""
        join = saga.steps[fork.join]
        came = arrivals(join)
        came["failed"].append(branch)
        saga.put(join, result=dumps(came))
        if len({*fork.wait_for} - {*came["failed"]}) < fork.need:
            return False
        self.stop(saga, saga.rows(names(dict(sequences(fork))[branch])))
        return True

    def savepoint(self, saga: Saga) -> str | None:
        """Return the savepoint at which a rollback stops; None: the root."""
        passed = [row for row in saga.steps.values() if row.state is StepState.COMPLETED and row.seq]
        there = [row for row in passed if row.name in saga.definition.places]
        points = [row for row in there if isinstance(saga.node(row.name), Savepoint)]
        return max(points, key=lambda row: row.seq or 0).name if points else None

    # -- stopping

    def stop(self, saga: Saga, rows: Iterable[StepRow]) -> None:
        """Let none of *rows* begin any more; those that run are waited for."""
        for step in rows:
            if step.state is StepState.PAUSED and step.undoing:
                self.compensate(saga, step)
            elif step.state is StepState.WAITING and self.is_sub_saga(saga, step):
                saga.tell(What.FAILED, step.name, step.attempt, error="stopped", last=True, unknown=True)
                saga.put(step, state=StepState.FAILED, due_s=None, error="stopped", seq=saga.number())
            elif step.state is StepState.PAUSED and step.seq is not None:
                saga.put(step, state=StepState.FAILED)
            elif step.state in (StepState.PENDING, StepState.WAITING, StepState.PAUSED):
                saga.put(step, state=StepState.SKIPPED, due_s=None)
                saga.tell(What.SKIPPED, step.name)

    def is_sub_saga(self, saga: Saga, step: StepRow) -> bool:
        """Tell whether *step* is another saga."""
        return step.name in saga.definition.places and isinstance(saga.node(step.name), SubSaga)

    # -- rolling back the whole

    def roll_back(self, saga: Saga, ending: SagaState, target: str | None) -> None:
        """Stop everything, and compensate down to *target*, to end as *ending*."""
        saga.set(ending=ending, target=target, state=SagaState.RUNNING, rolling=False)
        self.stop_siblings(saga)
        self.settle(saga)

    def stop_siblings(self, saga: Saga) -> None:
        """Stop what runs beside the step that failed."""
        self.stop(saga, list(saga.steps.values()))

    def settle(self, saga: Saga) -> None:
        """See what comes next in a saga that is to be rolled back: nothing before all that runs has come back."""
        if any(row.state is StepState.RUNNING for row in saga.steps.values()):
            return
        if not saga.instance.rolling:
            saga.set(rolling=True)
            saga.tell(What.ROLLBACK_BEGAN, to=saga.instance.target, reason=saga.instance.error)
        target = saga.instance.target
        floor = 0 if target is None else saga.steps[target].seq or 0
        if self.undo(saga, [row for row in saga.steps.values() if (row.seq or 0) > floor]):
            saga.tell(What.ROLLBACK_ENDED)
            assert saga.instance.ending is not None
            self.end(saga, saga.instance.ending)

    # -- rolling back branches that a fork goes on without

    def undo_losers(self, saga: Saga, fork: Fork) -> bool:
        """Undo what the branches did that *fork* goes on without; tell whether that is done."""
        losers, join = self.losers(saga, fork), saga.steps[fork.join]
        self.stop(saga, losers)
        if any(row.state is StepState.RUNNING for row in losers):
            return False
        came = arrivals(join)
        if not came.get("undoing") and any(self.is_done(row) for row in losers):
            saga.put(join, result=dumps({**came, "undoing": True}))
            saga.tell(What.ROLLBACK_BEGAN, fork.name, reason=f"{fork.join} goes on without", to=None)
        if not self.undo(saga, losers):
            return False
        if arrivals(join).get("undoing"):
            saga.tell(What.ROLLBACK_ENDED, fork.name)
        return True

    # -- compensations

    def is_done(self, step: StepRow) -> bool:
        """Tell whether *step* has, or may have, an effect that stands."""
        return step.state is StepState.COMPLETED or (step.state is StepState.FAILED and step.seq is not None)

    def newest_first(self, rows: Iterable[StepRow]) -> list[StepRow]:
        """Return *rows* in the order in which they are compensated."""
        return sorted(rows, key=lambda row: -(row.seq or 0))

    def undo(self, saga: Saga, rows: list[StepRow]) -> bool:
        """Let the next of *rows* be compensated; tell whether there is nothing left of them."""
        if any(row.undoing and row.state in (StepState.COMPENSATION, StepState.PAUSED) for row in rows):
            return False
        for step in self.newest_first(row for row in rows if self.is_done(row)):
            if self.has_compensation(saga, step):
                self.compensate(saga, step)
                saga.set(depth=saga.instance.depth + 1)
                return False
            saga.put(step, state=StepState.ROLLED_BACK)
        return True

    def has_compensation(self, saga: Saga, step: StepRow) -> bool:
        """Tell whether there is something to call to take *step* back."""
        place = saga.definition.places.get(step.name)
        node = None if place is None else place.node
        return isinstance(node, SubSaga) or (isinstance(node, Step) and node.on_failure is not None)

    def compensate(self, saga: Saga, step: StepRow) -> None:
        """Let a worker compensate *step*."""
        saga.put(
            step, state=StepState.COMPENSATION, undoing=True, attempt=0, takeovers=0, due_s=0.0,
            rank=self.rank(saga), worker=None,
        )  # fmt: skip
        saga.ready.append(step.name)

    def compensated(self, saga: Saga, step: StepRow) -> None:
        """Note that *step* is taken back, and see what comes next."""
        saga.put(step, state=StepState.ROLLED_BACK, due_s=None)
        saga.tell(What.COMPENSATED, step.name, step.attempt)
        self.is_stopped(saga, step.name)

    def compensation_failed(self, saga: Saga, step: StepRow, error: str) -> None:
        """Note that a compensation failed; after its last call the saga waits for somebody."""
        node = saga.node(step.name)
        last = not isinstance(node, Step) or step.attempt >= node.compensation_retries
        saga.tell(What.COMPENSATION_FAILED, step.name, step.attempt, error=error, last=last)
        if last:
            saga.set(error=f"compensation of {step.name}: {error}")
            self.pause(saga, step)
            saga.put(step, error=error)
            return
        delay_s = self.delay_s(saga, step)
        due_s = saga.now_s + delay_s if delay_s else 0.0
        saga.put(step, due_s=due_s, rank=self.rank(saga) + delay_s, worker=None, error=error)
        if not delay_s:
            saga.ready.append(step.name)

    # -- the dead letter queue

    def pause(self, saga: Saga, step: StepRow) -> None:
        """Put the saga into the dead letter queue, with everything that has not begun."""
        saga.put(step, state=StepState.PAUSED, due_s=None)
        for each in saga.steps.values():
            if each.state is StepState.PENDING:
                saga.put(each, state=StepState.PAUSED, due_s=None)
        saga.set(state=SagaState.DLQ)
        saga.tell(What.PAUSED, step.name, reason=saga.instance.error)

    def requeue(self, saga: Saga) -> None:
        """Take the saga out of the dead letter queue; the calls of its paused steps begin anew."""
        self._require(saga, {SagaState.DLQ}, "only sagas in the dead letter queue can be requeued")
        paused = [row for row in saga.steps.values() if row.state is StepState.PAUSED]
        for step in paused:
            self.check_repeatable(saga, step)
        saga.set(state=SagaState.RUNNING, error=None)
        saga.tell(What.REQUEUED)
        for step in paused:
            self.repeat(saga, step)

    def check_repeatable(self, saga: Saga, step: StepRow) -> None:
        """Refuse to requeue what must not be done twice, or cannot."""
        node = saga.node(step.name)
        once = isinstance(node, Step) and step.attempt > 0 and not node.idempotent
        if not step.undoing and (once or isinstance(node, SubSaga)):
            what = "called, and not idempotent" if once else "a sub-saga that was stopped"
            raise StateError(
                f"step {step.name!r} of {saga.instance.id}", what, "one that may be done again",
                "cancel the saga, or abort it",
            )  # fmt: skip

    def repeat(self, saga: Saga, step: StepRow) -> None:
        """Let a step that was paused begin anew."""
        node = saga.node(step.name)
        if step.undoing:
            self.compensate(saga, step)
            return
        saga.put(step, attempt=0, takeovers=0, seq=None)
        if isinstance(node, Decision):
            self.ask(saga, step, node)
        else:
            self.pend(saga, step)

    # -- what people ask for

    def cancel(self, saga: Saga, *, completed: bool = False) -> None:
        """Roll the saga back to its root; with *completed*, also one that has come to its end."""
        state = saga.instance.state
        if state in ENDED and not (completed and state in (SagaState.COMPLETED, SagaState.FAILED)):
            self._require(saga, set(SagaState) - ENDED, "what has ended stays as it is")
        if saga.instance.ending is SagaState.CANCELLED and state is not SagaState.DLQ:
            return
        saga.set(ended_s=None, error=saga.instance.error or "cancelled")
        saga.tell(What.CANCEL_ASKED)
        self.roll_back(saga, SagaState.CANCELLED, None)

    def abort(self, saga: Saga) -> None:
        """Leave everything as it is; results of what still runs are rejected."""
        self._require(saga, set(SagaState) - ENDED, "what has ended stays as it is")
        for step in saga.steps.values():
            if step.due_s is not None or step.state in (StepState.WAITING, StepState.PAUSED, StepState.COMPENSATION):
                saga.put(step, state=StepState.SKIPPED, due_s=None, worker=None, token=step.token + 1)
                saga.tell(What.SKIPPED, step.name)
        self.end(saga, SagaState.ABORTED)

    def _require(self, saga: Saga, states: set[SagaState], remedy: str) -> None:
        if saga.instance.state not in states:
            raise StateError(f"saga {saga.instance.id}", saga.instance.state, " or ".join(sorted(states)), remedy)
