"""Who may do a step: leases, fencing tokens, and what becomes of steps whose worker was lost."""

from __future__ import annotations

from chaos_sqlsaga.engine.definition import Decision, Step, SubSaga
from chaos_sqlsaga.engine.errors import StateError
from chaos_sqlsaga.engine.rollback import Rollback
from chaos_sqlsaga.engine.rows import Saga, StepRow
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.history import What

MOST_TAKEOVERS = 10
"""An attempt that has lost so many workers is what kills them."""


class Rules(Rollback):
    """
    All that the engine decides.

    A worker that takes a step gets a lease on it and a token. While it works it renews the lease; when the lease ends,
    another may take the step, with a higher token; and only the holder of the highest token may bring a result.
    """

    def take(self, saga: Saga, name: str, until_s: float) -> StepRow | None:
        """
        Let the worker *saga.by* take a step that is due.

        Args:
            saga: The saga.
            name: Which step.
            until_s: The end of its lease.

        Returns:
            The step, if there is something to do; what a due time alone decides is decided at once.
        """
        step = saga.steps[name]
        if saga.instance.state is SagaState.PENDING:
            saga.set(state=SagaState.RUNNING)
        if step.state is StepState.PENDING:
            return self.start(saga, step, until_s)
        if step.state is StepState.RUNNING:
            return self.take_over(saga, step, until_s)
        if step.state is StepState.COMPENSATION:
            return self.start_compensation(saga, step, until_s)
        if isinstance(saga.node(name), Decision):
            self.fail(saga, step, "nobody decided in time", again=False)
            return None
        return self.hold(saga, step, until_s)  # a sub-saga that has ended

    def hold(self, saga: Saga, step: StepRow, until_s: float) -> StepRow:
        """Give the lease and a new token to the worker that acts."""
        saga.put(step, worker=saga.by, token=step.token + 1, due_s=until_s, rank=until_s)
        return step

    def start(self, saga: Saga, step: StepRow, until_s: float) -> StepRow:
        """Begin the next attempt."""
        saga.put(step, state=StepState.RUNNING, attempt=step.attempt + 1, takeovers=0)
        saga.tell(What.STARTED, step.name, step.attempt)
        return self.hold(saga, step, until_s)

    def take_over(self, saga: Saga, step: StepRow, until_s: float) -> StepRow | None:
        """Repeat an attempt whose worker was lost, or give it up where it must not be repeated."""
        node = saga.node(step.name)
        once = isinstance(node, Step) and not node.idempotent
        stopped = saga.instance.ending is not None or self.decided_fork(saga, step.name) is not None
        if once or stopped or step.takeovers >= MOST_TAKEOVERS:
            self.fail(saga, step, f"its worker {step.worker} was lost", unknown=True)
            return None
        saga.put(step, takeovers=step.takeovers + 1)
        saga.tell(What.STARTED, step.name, step.attempt, takeover=True, lost=step.worker)
        return self.hold(saga, step, until_s)

    def start_compensation(self, saga: Saga, step: StepRow, until_s: float) -> StepRow:
        """Begin to compensate, or repeat it where the worker was lost."""
        if isinstance(saga.node(step.name), SubSaga) and step.attempt:
            return self.hold(saga, step, until_s)  # still waiting for the sub-saga to be undone
        lost = step.worker
        if lost is None:
            saga.put(step, attempt=step.attempt + 1, takeovers=0)
            saga.tell(What.COMPENSATING, step.name, step.attempt)
        else:
            saga.put(step, takeovers=step.takeovers + 1)
            saga.tell(What.COMPENSATING, step.name, step.attempt, takeover=True, lost=lost)
        return self.hold(saga, step, until_s)

    # -- results

    def holds(self, saga: Saga, step: StepRow, token: int) -> bool:
        """Tell whether *step* belongs to the worker that acts, and this is not about an earlier time that it had it."""
        return step.token == token and step.worker == saga.by and step.due_s is not None

    def reject(self, saga: Saga, step: StepRow) -> None:
        """Note that somebody came with a result who had lost the step."""
        saga.tell(What.REJECTED, step.name, step.attempt)

    def decide(self, saga: Saga, name: str, accepted: bool, value: str | None) -> None:
        """Let a step that waits for a decision go on with *value*, or fail."""
        step = saga.steps.get(name)
        if step is None or name not in saga.definition.places or not isinstance(saga.node(name), Decision):
            raise StateError(
                f"step {name!r} of {saga.instance.id}", "no decision to be taken now", "waiting", "see Engine.look"
            )
        if step.state is not StepState.WAITING:
            raise StateError(f"decision {name!r} of {saga.instance.id}", step.state, "waiting", "it can be taken once")
        if accepted:
            self.complete(saga, step, value)
        else:
            self.fail(saga, step, f"refused: {value}", again=False)

    def wakes(self, saga: Saga) -> bool:
        """Tell whether the saga that *saga* is a part of is to be told that it has ended."""
        return True
