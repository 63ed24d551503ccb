"""Valid histories of random sagas: a small, slow engine without a database, driven by Hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import attrs
from hypothesis import strategies as st

from chaos_sqlsaga.history import SagaEvent, What, promises

Node = Any  # a Step, a Savepoint, or a Fork


@attrs.frozen
class Step:
    name: str
    retries: int
    idempotent: bool
    compensated: bool


@attrs.frozen
class Savepoint:
    name: str


@attrs.frozen
class Fork:
    name: str
    branches: tuple[tuple[Node, ...], ...]
    any: bool


@st.composite
def definitions(draw: st.DrawFn, prefix: str = "", deep: int = 2) -> tuple[Node, ...]:
    """Sequences of steps, savepoints and forks, as a user may have written them."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        name = f"{prefix}{number}"
        kind = draw(st.sampled_from(["step", "step", "step", "savepoint", "fork"]))
        if kind == "fork" and deep:
            count = draw(st.integers(1, 3))
            branches = tuple(draw(definitions(f"{name}{chr(97 + each)}", deep - 1)) for each in range(count))
            nodes.append(Fork(f"{name}-fork", branches, draw(st.booleans())))
        elif kind == "savepoint" and not prefix:  # inside a fork there are none
            nodes.append(Savepoint(f"{name}-savepoint"))
        else:
            idempotent = draw(st.booleans())
            retries = draw(st.integers(1, 3)) if idempotent else 1
            nodes.append(Step(f"{name}-step", retries, idempotent, draw(st.booleans())))
    return tuple(nodes)


def steps_of(nodes: tuple[Node, ...]) -> Iterator[Step]:
    for node in nodes:
        if isinstance(node, Step):
            yield node
        elif isinstance(node, Fork):
            for branch in node.branches:
                yield from steps_of(branch)


class FailedError(Exception):
    """A branch cannot go on."""


class Sim:
    """One saga that runs: each branch is a generator that is resumed in a random order."""

    def __init__(self, random: Random, saga: str, nodes: tuple[Node, ...]) -> None:
        self.random, self.saga, self.nodes = random, saga, nodes
        self.events: list[SagaEvent] = []
        self.completed: list[Step] = []
        self.savepoint: str | None = None
        self.kept = 0
        self.stopping = False

    def tell(self, what: What, step: str | None = None, attempt: int = 0, **detail: Any) -> None:
        self.events.append(
            SagaEvent(self.saga, what, step, attempt=attempt, at_s=float(len(self.events)), definition="d",
                      detail=detail)
        )  # fmt: skip

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def run(self) -> list[SagaEvent]:
        told = {
            each.name: promises(retries=each.retries, compensation_retries=3, idempotent=each.idempotent,
                                compensated=each.compensated)
            for each in steps_of(self.nodes)
        }  # fmt: skip
        self.tell(What.BEGAN, steps=told)
        try:
            for _ in self.sequence(self.nodes, lambda: self.stopping):
                pass
            self.tell(What.ENDED, state="completed")
        except FailedError:
            self.tell(What.ROLLBACK_BEGAN, to=self.savepoint)
            self.undo(self.completed[self.kept :])
            self.tell(What.ROLLBACK_ENDED)
            self.tell(What.ENDED, state="failed")
        return self.events

    def sequence(self, nodes: tuple[Node, ...], stopped: Any) -> Iterator[None]:
        for place, node in enumerate(nodes):
            if stopped():
                for each in steps_of(nodes[place:]):
                    self.tell(What.SKIPPED, each.name)
                return
            if isinstance(node, Savepoint):
                self.tell(What.DONE, node.name)
                self.savepoint, self.kept = node.name, len(self.completed)
                yield
            elif isinstance(node, Fork):
                yield from self.fork(node, stopped)
            else:
                yield from self.step(node)

    def step(self, step: Step) -> Iterator[None]:
        for attempt in range(1, step.retries + 1):
            self.tell(What.STARTED, step.name, attempt)
            yield
            if step.idempotent and self.chance(10):  # its worker is lost, and another one takes over
                self.tell(What.STARTED, step.name, attempt, takeover=True)
                yield
            if not self.chance(20):
                self.tell(What.DONE, step.name, attempt)
                self.completed.append(step)
                yield
                return
            last = attempt == step.retries
            lost = last and not step.idempotent and self.chance(50)
            self.tell(What.FAILED, step.name, attempt, last=last, unknown=lost)
            if lost:
                self.completed.append(step)
            yield
        raise FailedError

    def fork(self, fork: Fork, outer: Any) -> Iterator[None]:
        self.tell(What.DONE, fork.name)
        won, failed = [False], [False]

        def stopped() -> bool:
            return won[0] or failed[0] or bool(outer())

        running = [self.sequence(each, stopped) for each in fork.branches]
        numbers = list(range(len(running)))
        winner: int | None = None
        while numbers:
            number = self.random.choice(numbers)
            try:
                next(running[number])
            except StopIteration:
                numbers.remove(number)
                if fork.any and not stopped():
                    won[0], winner = True, number
            except FailedError:
                numbers.remove(number)
                failed[0] = failed[0] or not won[0]
            yield
        if failed[0]:
            raise FailedError
        if won[0]:
            self.undo_losers(fork, winner)
        if not outer():
            self.tell(What.DONE, f"{fork.name}-join")
            yield

    def undo_losers(self, fork: Fork, winner: int | None) -> None:
        names = {
            each.name for number, branch in enumerate(fork.branches) if number != winner for each in steps_of(branch)
        }
        losers = [each for each in self.completed if each.name in names]
        if any(each.compensated for each in losers):
            self.tell(What.ROLLBACK_BEGAN, fork.name)
            self.undo(losers)
            self.tell(What.ROLLBACK_ENDED, fork.name)
        self.completed = [each for each in self.completed if each not in losers]

    def undo(self, steps: list[Step]) -> None:
        for step in reversed(steps):
            if not step.compensated:
                continue
            attempt = 1
            self.tell(What.COMPENSATING, step.name, attempt)
            while attempt < 3 and self.chance(20):
                self.tell(What.COMPENSATION_FAILED, step.name, attempt, last=False)
                attempt += 1
                self.tell(What.COMPENSATING, step.name, attempt)
            self.tell(What.COMPENSATED, step.name, attempt)


@st.composite
def histories(draw: st.DrawFn, saga: str = "1") -> list[SagaEvent]:
    """The whole history of one saga that ran as it should."""
    # One seed instead of a draw for every decision: a hundred times faster, and definitions still shrink.
    return Sim(Random(draw(st.integers(0, 2**32))), saga, draw(definitions())).run()


@st.composite
def mixed(draw: st.DrawFn) -> list[SagaEvent]:
    """Histories of several sagas, interleaved."""
    left = [draw(histories(str(number))) for number in range(draw(st.integers(1, 3)))]
    found, random = [], Random(draw(st.integers(0, 2**32)))
    while left := [each for each in left if each]:
        found.append(random.choice(left).pop(0))
    return found


def shown(history: list[SagaEvent]) -> str:
    """A line for each event."""
    return "\n".join(
        f"{each.saga} {each.what} {each.step or ''} {each.attempt} {dict(each.detail)}" for each in history
    )
