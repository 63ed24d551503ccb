"""How a saga goes forward: what a completed step sets going."""

from __future__ import annotations

from json import dumps, loads
from typing import Any

from chaos_sqlsaga.engine.definition import Condition, Decision, Fork, Node, Savepoint, Step, SubSaga, names, sequences
from chaos_sqlsaga.engine.rows import Instance, Saga, StepRow
from chaos_sqlsaga.engine.states import SagaState, StepState
from chaos_sqlsaga.history import What

AGEING_S = 60.0
"""One point of priority is worth so many seconds of waiting, so nothing waits for ever."""


class Forward:
    """
    Decides, and touches nothing but the `Saga` it is given.

    Every method may be overridden, for example by tests that need an engine which does it wrong.
    """

    def begin(self, saga: Saga) -> None:
        """Put a new saga in."""
        part: dict[str, Any] = {} if saga.instance.parent is None else {"part_of": saga.instance.parent}
        saga.tell(What.BEGAN, version=saga.definition.version, steps=saga.definition.promises, **part)
        self.activate_first(saga, saga.definition.nodes)

    def activate_first(self, saga: Saga, nodes: tuple[Node, ...]) -> bool:
        """Set the first of *nodes* going; tell whether there is one."""
        if nodes:
            self.activate(saga, nodes[0])
        return bool(nodes)

    def activate(self, saga: Saga, node: Node) -> None:
        """Set *node* going."""
        if isinstance(node, Step | Condition):
            self.pend(saga, saga.add(StepRow(node.name, StepState.PENDING)))
        elif isinstance(node, Savepoint):
            self.complete(saga, saga.add(StepRow(node.name, StepState.RUNNING)), None)
        elif isinstance(node, Fork):
            self.fork(saga, node)
        elif isinstance(node, Decision):
            self.ask(saga, saga.add(StepRow(node.name, StepState.WAITING)), node)
        else:
            self.wait(saga, saga.add(StepRow(node.name, StepState.WAITING)))
            self.begin_child(saga, node)

    def pend(self, saga: Saga, step: StepRow, delay_s: float = 0.0) -> None:
        """Let workers take *step*, in *delay_s* seconds; at once does not depend on any clock."""
        if saga.instance.state is SagaState.DLQ:
            saga.put(step, state=StepState.PAUSED, due_s=None)
            return
        saga.put(
            step,
            state=StepState.PENDING,
            due_s=saga.now_s + delay_s if delay_s else 0.0,
            rank=self.rank(saga) + delay_s,
            worker=None,
        )
        if not delay_s:
            saga.ready.append(step.name)

    def rank(self, saga: Saga) -> float:
        """Return what orders those who are due: those with a higher priority as if they had waited longer."""
        return saga.now_s - saga.instance.priority * AGEING_S

    def wait(self, saga: Saga, step: StepRow) -> None:
        """Let *step* wait for something that is no worker."""
        saga.put(step, state=StepState.WAITING, rank=self.rank(saga))
        saga.tell(What.WAITING, step.name)

    def ask(self, saga: Saga, step: StepRow, decision: Decision) -> None:
        """Let *step* wait for a decision, as long as that may take."""
        saga.put(step, due_s=None if decision.timeout_s is None else saga.now_s + decision.timeout_s)
        self.wait(saga, step)

    def begin_child(self, saga: Saga, node: SubSaga) -> None:
        """Put the sub-saga *node* in, in the same transaction."""
        parent = saga.instance
        instance = Instance(
            child_id(parent.id, node.name), node.definition.name, node.definition.version, SagaState.PENDING,
            parent.payload, parent.priority, parent.pauses, saga.now_s, parent=parent.id, parent_step=node.name,
        )  # fmt: skip
        child = Saga(instance, node.definition, {}, now_s=saga.now_s, by=saga.by, is_new=True)
        self.begin(child)
        saga.children.append(child)

    def fork(self, saga: Saga, fork: Fork) -> None:
        """Set all branches of *fork* going; its join waits from now on."""
        step = saga.add(StepRow(fork.name, StepState.COMPLETED, seq=saga.number()))
        saga.tell(What.DONE, step.name)
        self.wait(saga, saga.add(StepRow(fork.join, StepState.WAITING)))
        for each in fork.branches:
            self.activate_first(saga, each.nodes)

    # -- a step is completed

    def complete(self, saga: Saga, step: StepRow, result: str | None) -> None:
        """Note that *step* is completed, and set going what follows."""
        saga.put(step, state=StepState.COMPLETED, due_s=None, result=result, error=None, seq=saga.number())
        saga.tell(What.DONE, step.name, step.attempt)
        if not self.is_stopped(saga, step.name):
            self.advance(saga, step)

    def advance(self, saga: Saga, step: StepRow) -> None:
        """Set going what follows *step*."""
        node = saga.node(step.name)
        if isinstance(node, Condition):
            chosen = node.then if loads(step.result or "null") else node.otherwise
            self.skip_untaken(saga, node.otherwise if chosen is node.then else node.then)
            if self.activate_first(saga, chosen):
                return
        self.follow(saga, step.name)

    def skip_untaken(self, saga: Saga, nodes: tuple[Node, ...]) -> None:
        """Note that the branch which a condition did not take will never run."""
        for name in names(nodes):
            saga.add(StepRow(name, StepState.SKIPPED))
            saga.tell(What.SKIPPED, name)

    def follow(self, saga: Saga, name: str) -> None:
        """Set going what stands behind the node *name*, or end the sequence it was the last of."""
        place = saga.definition.places[name]
        if place.following is not None:
            self.activate(saga, place.following)
        elif isinstance(place.owner, Fork):
            self.arrive(saga, place.owner, place.branch)
        elif place.owner is not None:
            self.follow(saga, place.owner.name)
        else:
            self.end(saga, SagaState.COMPLETED)

    def arrive(self, saga: Saga, fork: Fork, branch: str) -> None:
        """Note that *branch* has come to its end."""
        join = saga.steps[fork.join]
        came = arrivals(join)
        came["arrived"].append(branch)
        saga.put(join, result=dumps(came))
        self.pass_join(saga, fork)

    def is_decided(self, saga: Saga, fork: Fork) -> bool:
        """Tell whether enough branches of *fork* have arrived."""
        join = saga.steps.get(fork.join)
        return join is not None and len({*arrivals(join)["arrived"]} & {*fork.wait_for}) >= fork.need

    def pass_join(self, saga: Saga, fork: Fork) -> None:
        """Go on behind *fork* if enough have arrived and what the others did is undone."""
        if not self.is_decided(saga, fork) or not self.undo_losers(saga, fork):
            return
        join = saga.steps[fork.join]
        saga.put(join, state=StepState.COMPLETED, seq=saga.number())
        saga.tell(What.DONE, join.name)
        self.follow(saga, fork.name)

    def losers(self, saga: Saga, fork: Fork) -> list[StepRow]:
        """Return the rows of the branches of *fork* that have not arrived."""
        arrived = arrivals(saga.steps[fork.join])["arrived"]
        return [row for name, nodes in sequences(fork) if name not in arrived for row in saga.rows(names(nodes))]

    def decided_fork(self, saga: Saga, name: str) -> Fork | None:
        """Return the outermost fork that has gone on, or will, without the branch in which the node *name* is."""
        found = None
        for owner, branch in saga.definition.owners(name):
            if isinstance(owner, Fork) and self.is_lost(saga, owner, branch):
                found = owner
        return found

    def is_lost(self, saga: Saga, fork: Fork, branch: str) -> bool:
        """Tell whether *branch* is one that *fork* does without."""
        came = arrivals(saga.steps[fork.join])
        return branch in came["failed"] or (self.is_decided(saga, fork) and branch not in came["arrived"])

    def is_stopped(self, saga: Saga, name: str) -> bool:
        """Tell whether nothing may follow the node *name* any more; if so, see what its end makes possible."""
        if saga.instance.ending is not None:
            self.settle(saga)
            return True
        fork = self.decided_fork(saga, name)
        if fork is not None:
            self.pass_join(saga, fork)
        return fork is not None

    # -- the end

    def end(self, saga: Saga, state: SagaState) -> None:
        """Note that it is over, and wake the saga of which it is a part."""
        saga.set(state=state, ended_s=saga.now_s)
        saga.tell(What.ENDED, state=str(state), error=saga.instance.error)

    # -- the other half

    def settle(self, saga: Saga) -> None:
        """See what comes next in a saga that is to be rolled back."""
        raise NotImplementedError

    def undo_losers(self, saga: Saga, fork: Fork) -> bool:
        """Undo what the branches did that *fork* goes on without; tell whether that is done."""
        raise NotImplementedError


def arrivals(join: StepRow) -> dict[str, Any]:
    """Return which branches have come to the end, and which have failed on the way."""
    found: dict[str, Any] = loads(join.result or '{"arrived": [], "failed": []}')
    return found


def child_id(parent: str, step: str) -> str:
    """Return the id of a sub-saga, which is the same whoever asks."""
    return f"{parent}/{step}"
