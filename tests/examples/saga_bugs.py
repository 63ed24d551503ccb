"""Engines that are wrong in one way each, for the stress test to find out which."""

from collections.abc import Callable, Iterable

import attrs

from chaos_sqlsaga.engine import Rules, SagaState, StepState
from chaos_sqlsaga.engine.definition import Fork, Step
from chaos_sqlsaga.engine.rows import Saga, StepRow
from chaos_sqlsaga.history import What

FAILPOINTS = "3%raise(ConnectionError, 'no answer')"
OFTEN = "50%raise(ConnectionError, 'no answer')"
"""For bugs that show only where a step fails for good: with the usual faults that takes a minute, and not seconds."""


@attrs.frozen
class Bug:
    """
    An engine that is wrong.

    Attributes:
        rules: What decides in it.
        says: What the finding says, as a regular expression.
        failpoints: Terms that show it soon.
        orders: How many orders show it.
    """

    rules: type[Rules]
    says: str
    failpoints: str
    orders: int


BUGS: dict[str, Bug] = {}


def says(text: str, failpoints: str = FAILPOINTS, orders: int = 60) -> Callable[[type[Rules]], type[Rules]]:
    def register(rules: type[Rules]) -> type[Rules]:
        BUGS[rules.__name__] = Bug(rules, text, failpoints, orders)
        return rules

    return register


@says("it was never compensated")
class CompensationSkipped(Rules):
    """One step is taken for one that has nothing to be taken back."""

    def has_compensation(self, saga: Saga, step: StepRow) -> bool:
        return step.name != "reserve" and super().has_compensation(saga, step)


@says("which was completed before it began")
class OrderSwapped(Rules):
    """The oldest step is compensated first."""

    def newest_first(self, rows: Iterable[StepRow]) -> list[StepRow]:
        return super().newest_first(rows)[::-1]


@says("but lies before the savepoint")
class SavepointPassed(Rules):
    """A rollback to a savepoint does not stop there."""

    def roll_back(self, saga: Saga, ending: SagaState, target: str | None) -> None:
        if target is not None:
            saga.put(saga.steps[target], seq=None)
        super().roll_back(saga, ending, target)


@says("while attempt 1 ran")
class LeaseIgnored(Rules):
    """Whoever comes may begin a step that another one works at."""

    def hold(self, saga: Saga, step: StepRow, until_s: float) -> StepRow:
        super().hold(saga, step, until_s)
        if step.state is StepState.RUNNING and step.token == 1:
            saga.put(step, due_s=0.0, rank=0.0)
        return step

    def take_over(self, saga: Saga, step: StepRow, until_s: float) -> StepRow | None:
        return self.start(saga, step, until_s)


@says("while attempt 1 ran")
class DoubleClaim(Rules):
    """A claim leaves the step where others find it."""

    def start(self, saga: Saga, step: StepRow, until_s: float) -> StepRow:
        taken = super().start(saga, step, until_s)
        if step.token == 1:
            saga.put(step, state=StepState.PENDING, due_s=0.0, rank=0.0)
        return taken


@says("after a rollback to .* had begun|and then went on: (started|done)", OFTEN, 100)
class SiblingNotStopped(Rules):
    """What runs beside a step that failed goes on."""

    def stop_siblings(self, saga: Saga) -> None:
        return

    def is_stopped(self, saga: Saga, name: str) -> bool:
        return super().is_stopped(saga, name) and saga.instance.ending is None


@says("never ended", orders=24)
class LostWakeUp(Rules):
    """The last branch that arrives wakes nobody."""

    def arrive(self, saga: Saga, fork: Fork, branch: str) -> None:
        if branch != "paper":
            super().arrive(saga, fork, branch)


@says("times, and 3 were promised")
class RetriesWithoutEnd(Rules):
    """A step is called once more than was promised."""

    def may_retry(self, saga: Saga, step: StepRow) -> bool:
        node = saga.node(step.name)
        return isinstance(node, Step) and node.idempotent and step.attempt <= node.retries


@says("it is not idempotent, and was called 2 times", OFTEN)
class CalledTwice(Rules):
    """A step that must be called once is called again when it fails."""

    def may_retry(self, saga: Saga, step: StepRow) -> bool:
        return step.attempt < 2 or super().may_retry(saga, step)


@says("ended completed")
class FailureForgotten(Rules):
    """A saga whose step failed for good says that it is completed."""

    def fail_branch(self, saga: Saga, step: StepRow) -> None:
        self.end(saga, SagaState.COMPLETED)


@says("it was never compensated", OFTEN)
class RollbackGivenUp(Rules):
    """A compensation that fails is taken for one that succeeded."""

    def compensation_failed(self, saga: Saga, step: StepRow, error: str) -> None:
        saga.tell(What.COMPENSATION_FAILED, step.name, step.attempt, error=error, last=False)
        saga.put(step, state=StepState.ROLLED_BACK, due_s=None)
        self.is_stopped(saga, step.name)


@says("it is compensated again")
class CompensatedTwice(Rules):
    """A step that was compensated is compensated once more."""

    def compensated(self, saga: Saga, step: StepRow) -> None:
        if step.name == "reserve" and step.token < 9:
            saga.tell(What.COMPENSATED, step.name, step.attempt)
            self.compensate(saga, step)
            saga.put(step, token=step.token + 10)
        else:
            super().compensated(saga, step)


@says("the database has it as")
class RowNotWritten(Rules):
    """What happened to a step is told, and does not stand in its row."""

    def complete(self, saga: Saga, step: StepRow, result: str | None) -> None:
        super().complete(saga, step, result)
        if step.name in ("notify", "file"):
            saga.put(step, state=StepState.FAILED)


@says("it was completed twice|and then went on: done", orders=200)
class TokenIgnored(Rules):
    """A worker that has lost its step may bring its result all the same."""

    def holds(self, saga: Saga, step: StepRow, token: int) -> bool:
        return True


@says("it is rolled back again: 2 rollbacks, at most 1 allowed")
class EndlessRollback(Rules):
    """A rollback that has come to its end begins again, and again."""

    def end(self, saga: Saga, state: SagaState) -> None:
        if state is SagaState.FAILED and saga.instance.depth < 20:
            saga.set(rolling=False, depth=saga.instance.depth + 1)
            self.settle(saga)
        else:
            super().end(saga, state)


@says("ended failed, and then went on")
class EndedTooEarly(Rules):
    """A saga says that it has ended before its rollback has."""

    def settle(self, saga: Saga) -> None:
        if not saga.instance.rolling and not any(row.state is StepState.RUNNING for row in saga.steps.values()):
            saga.tell(What.ENDED, state="failed", error=saga.instance.error)
        super().settle(saga)
