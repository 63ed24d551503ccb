"""Random sagas, random workers, random losses, one thread: whatever happens, the rules hold, and a seed repeats it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from chaos_sqlsaga.bookkeeping import books
from chaos_sqlsaga.checkers import calls, check, ends, forward, mirrors, once
from chaos_sqlsaga.checkers.consistency import consistent
from chaos_sqlsaga.engine import Builder, Call, Definition, Engine, SagaState, StepState, branch, saga
from chaos_sqlsaga.engine.carrying import Task
from chaos_sqlsaga.engine.database import Transaction
from chaos_sqlsaga.engine.errors import StateError
from chaos_sqlsaga.engine.states import ENDED

LEASE_S = 10.0
SEEDS = int(os.environ.get("SAGA_SEEDS", "60"))
"""Simulations; a few thousand take some minutes."""

RULES = (calls, ends, forward, mirrors, once)


class World:
    """Everything that chance decides in one simulation, and what handlers really did."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.failure = self.random.choice([0, 0.05, 0.2])
        self.loss = self.random.choice([0, 0.05, 0.15])
        self.steps = 0
        self.effects: dict[str, int] = {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    # -- what sagas are made of

    def definition(self) -> Definition:
        return self.fill(saga("any"), 3, savepoints=True).build()

    def fill(self, into: Builder, depth: int, savepoints: bool) -> Builder:
        for _ in range(self.random.randint(1, 4 if depth == 3 else 2)):
            kinds = (
                ["step"] * 5 + ["decision"] + ["savepoint"] * savepoints + ["fork", "condition", "sub"] * (depth > 0)
            )
            getattr(self, f"add_{self.random.choice(kinds)}")(into, depth, savepoints)
        return into

    def name(self) -> str:
        self.steps += 1
        return f"n{self.steps}"

    def add_step(self, into: Builder, depth: int, savepoints: bool) -> None:
        once_only = self.chance(0.2)
        into.step(
            self.name(), self.do, on_failure=self.undo if self.chance(0.8) or once_only else None,
            retries=1 if once_only else self.random.randint(1, 3), idempotent=not once_only, compensation_retries=50,
            delay=self.random.choice([0, 1]),
        )  # fmt: skip

    def add_decision(self, into: Builder, depth: int, savepoints: bool) -> None:
        into.decision(self.name(), timeout=self.random.choice([None, 30]))

    def add_savepoint(self, into: Builder, depth: int, savepoints: bool) -> None:
        into.savepoint(self.name())

    def add_fork(self, into: Builder, depth: int, savepoints: bool) -> None:
        count = self.random.randint(2, 3)
        branches = {f"b{number}": self.fill(branch(), depth - 1, False) for number in range(count)}
        how: Any = self.random.choice(["all", "all", "any", 2])
        into.fork(self.name(), branches).join(self.name(), how=how)

    def add_condition(self, into: Builder, depth: int, savepoints: bool) -> None:
        then, otherwise = (self.fill(branch(), depth - 1, savepoints) for _ in range(2))
        into.condition(self.name(), lambda _: self.chance(0.5), then, otherwise if self.chance(0.7) else None)

    def add_sub(self, into: Builder, depth: int, savepoints: bool) -> None:
        into.sub_saga(self.name(), self.fill(saga(f"sub{self.name()}"), depth - 1, True))

    # -- what their handlers do

    def do(self, call: Call) -> int:
        self.effects[call.key] = 1
        if self.chance(self.failure):
            self.effects[call.key] = 0
            raise ValueError("no")
        return call.attempt

    def undo(self, call: Call) -> None:
        if self.chance(self.failure):
            raise ValueError("not now")
        self.effects[call.key] = 0


class Simulation:
    """Lets virtual workers take turns in one thread."""

    def __init__(self, world: World, engine: Engine, clock: Any) -> None:
        self.world, self.engine, self.clock = world, engine, clock
        self.held: list[tuple[Task, Any]] = []
        self.zombies: list[tuple[Task, Any]] = []
        self.workers = 0

    def run(self, sagas: list[str]) -> None:
        for _ in range(4000):
            if all(self.engine.look(each).state in ENDED for each in sagas) and not self.held:
                break
            self.turn(sagas)
        else:
            raise AssertionError("it does not come to an end")
        for task, result in self.zombies:
            self.settle(task, result)

    def turn(self, sagas: list[str]) -> None:
        world = self.world
        if len(self.held) < 4 and self.take():
            return
        if self.held:
            task, result = self.held.pop(world.random.randrange(len(self.held)))
            if world.chance(world.loss):
                self.zombies.append((task, result))  # it comes back when all is over
            else:
                self.settle(task, result)
            return
        if not self.decide(sagas):
            self.clock.advance(LEASE_S + 1)

    def take(self) -> bool:
        self.workers += 1
        task = self.engine.take(f"w{self.workers}")
        if task is not None:
            self.hold(task)
        return task is not None

    def hold(self, task: Task) -> None:
        result: Any = None
        if task.handler is not None and not self.world.chance(self.world.loss / 2):  # else it is lost before the call
            try:
                result = task.handler(task.call)
            except ValueError as error:
                result = error
            self.held.append((task, result))
        elif task.handler is None:
            self.held.append((task, None))

    def settle(self, task: Task, result: Any) -> None:
        for _ in range(1 + self.world.chance(0.1)):  # sometimes twice, as if the reply had been lost
            if task.handler is None:
                following = self.engine.visit(task)
            elif isinstance(result, ValueError):
                following = self.engine.fail(task, result)
            else:
                following = self.engine.finish(task, result)
        if following is not None:
            self.hold(following)

    def decide(self, sagas: list[str]) -> bool:
        """Let somebody decide, cancel or requeue where nothing else goes on."""
        for each in self.family(sagas):
            look = self.engine.look(each)
            if look.state is SagaState.DLQ:
                self.engine.cancel(each) if self.world.chance(0.3) else self.requeue(each)
                return True
            if look.state not in ENDED and self.world.chance(0.05) and "/" not in each:
                self.engine.cancel(each)
                return True
            for name, row in look.steps.items():
                node = self.engine.definition(look.instance.definition, 1).places.get(name)
                if row.state is StepState.WAITING and type(getattr(node, "node", None)).__name__ == "Decision":
                    self.engine.decide(each, name, self.world.chance(0.9))
                    return True
        return False

    def requeue(self, each: str) -> None:
        try:
            self.engine.requeue(each)
        except StateError:
            self.engine.cancel(each)

    def family(self, sagas: list[str]) -> Iterator[str]:
        for each in sagas:
            yield each
            yield from self.family(self.engine.run(partial(self.children, each)))

    def children(self, saga: str, transaction: Transaction) -> list[str]:
        return self.engine.store.children(transaction, saga)


def simulate(seed: int, opens: Any, clock: Any) -> None:
    world = World(seed)
    definition = world.definition()
    with opens(definition, clock=clock, lease=LEASE_S, synchronous="OFF") as engine:
        pauses = world.random.choice(["rollback", "rollback", "pause"])
        sagas = [engine.start("any", on_failure=pauses) for _ in range(2)]
        simulation = Simulation(world, engine, clock)
        simulation.run(sagas)
        found = [*map(str, check(engine.history(), *RULES)), *map(str, consistent(books(engine)))]
        assert found == []
        for each in simulation.family(sagas):
            nothing_stands_that_should_not(world, engine, each)


def nothing_stands_that_should_not(world: World, engine: Engine, each: str) -> None:
    """Effects in the outside world are those that the states of the steps promise."""
    look = engine.look(each)
    for name, row in look.steps.items():
        promised = engine.definition(look.instance.definition, 1).promises.get(name, {})
        if promised.get("compensated") and row.state is StepState.ROLLED_BACK:
            assert not world.effects.get(f"{each}/{name}"), (each, name)
    if look.state is SagaState.CANCELLED:
        standing = [
            name for name, row in look.steps.items()
            if row.state is StepState.COMPLETED
        ]  # fmt: skip
        assert standing == []


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_saga(seed: int, opens: Any, clock: Any) -> None:
    """Whatever a saga consists of and whoever is lost, it ends, and its history keeps all the rules."""
    simulate(seed, opens, clock)


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("seed", range(0, SEEDS, 8))
def test_any_saga_on_postgres(seed: int, opens: Any, clock: Any) -> None:
    """The same on the other database, with some of the seeds."""
    simulate(seed, opens, clock)
