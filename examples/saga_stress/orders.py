"""The system under test: a shop whose orders are sagas, with clients, workers and a world outside."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from math import sqrt
from pathlib import Path
from typing import Any

import network
import workflows
from tally import Tally

from chaos_sqlsaga import Book, SagaEvent, What, books, unfinished
from chaos_sqlsaga.checkers import Saga
from chaos_sqlsaga.engine.errors import DatabaseError
from chaos_sqlsaga.engine.target import EngineTarget
from chaos_sqlsaga.tail import Tail
from chaoscore import current_place

LEASE_S = 0.5
LOOK_S = 0.25
"""So often does it look for itself: who hears only of what was told waits for ever when a reply was lost."""


class LostOrderError(Exception):
    """An order never came to an end."""


class Shop:
    """Clients put orders in and wait for them; workers carry them on."""

    def __init__(
        self,
        dsn: str | None = None,
        workers: int = 5,
        processes: int = 0,
        *,
        patience_s: float = 60.0,
        rules: Any = None,
    ) -> None:
        self.dsn, self.workers, self.processes = dsn, workers, processes
        self.patience_s, self._rules = patience_s, rules

    @property
    def name(self) -> str:
        return "a shop on PostgreSQL" if self.dsn else "a shop on SQLite"

    # -- the target of a scenario

    def setup(self, proxies: Any = None) -> None:
        """Open the shop; *proxies*, where there are any, lead to its database."""
        self.folder = Path(tempfile.mkdtemp(prefix="saga-stress-"))
        (self.folder / "world").mkdir()
        self.tally, self._lock = Tally(), threading.Lock()
        self._waiting: dict[str, threading.Event] = {}
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self.folder)
        self._stack.enter_context(environment(workflows.FOLDER, str(self.folder)))
        self._is_open = True
        dsn = network.redirected(self.dsn, proxies["db"]) if self.dsn and proxies else self.dsn
        self.sagas = EngineTarget(
            definitions=workflows.WORKFLOWS if not self.processes else "workflows:in_worker_processes",
            dsn=dsn, workers=self.workers, processes=self.processes, lease=LEASE_S,
            options={"observers": [self._heard], "rules": self._rules},
        )  # fmt: skip
        self.sagas.setup()
        self._stack.callback(self.sagas.teardown)
        self.engine, self._tail = self.sagas.engine, Tail(self.sagas.engine)

    def teardown(self) -> None:
        self.count()
        with self._lock:
            self._is_open = False
        self._stack.close()

    # -- what a client does

    def order(self) -> None:
        """Put an order in, as one of the four workflows by turns, and wait until it has ended."""
        place = current_place()
        number = 0 if place is None else place.iteration
        name, payload = workflows.payload(number)
        order = f"order-{number:06}"
        self._waiting[order] = threading.Event()
        try:
            self._insist(lambda: self.sagas.start(name, payload, id=order))
            self._wait(order)
        finally:
            del self._waiting[order]

    def _wait(self, order: str) -> None:
        until = time.monotonic() + self.patience_s
        while not self._waiting[order].wait(LOOK_S):
            if self._insist(lambda: self.engine.look(order)).instance.ended_s is not None:
                return
            if time.monotonic() > until:
                raise LostOrderError(f"{order} has not ended after {self.patience_s:g} s")

    def _heard(self, event: SagaEvent) -> None:
        if event.what is What.ENDED and (waiting := self._waiting.get(event.saga)):
            waiting.set()

    def _insist(self, ask: Any) -> Any:
        """Ask the database until it answers; an order has an id, so that it is put in once."""
        until = time.monotonic() + self.patience_s
        while True:
            try:
                return ask()
            except DatabaseError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.01)

    # -- what is looked at

    def count(self) -> Tally:
        """Count what is new; a reporter may ask when all is over."""
        with self._lock:
            if self._is_open:
                self.tally.add(self._tail.read())
        return self.tally

    def tail(self) -> Tail:
        """The history, for those who read it while it grows."""
        return Tail(self.engine)

    def books(self) -> Iterator[Book]:
        return books(self.engine)

    def orders(self) -> Path:
        """Where worker processes are told to die."""
        return self.folder

    def left(self) -> Any:
        return unfinished(self.engine)

    def success(self) -> str | None:
        """Say what is wrong if fewer than 80 % or more than 90 % of the orders were completed, and not by chance."""
        tally = self.count()
        if not tally.ended:
            return "no order came to its end"
        low, high = interval(tally.completed, tally.ended.total())
        if low <= 0.9 and high >= 0.8:
            return None
        return f"{tally.success_rate:.1%} of {tally.ended.total():,} orders were completed"

    def world(self) -> list[str]:
        """Say where the world outside is not what the history of the orders says."""
        there = workflows.World.done(self.folder / "world")
        should, may = set[str](), set[str]()
        for book in self.books():
            saga = told(book.history)
            for step in saga.steps.values():
                mark = f"{book.saga}_{step.name}"
                if step.done >= 0 and step.touched and step.name != "gift?":
                    should.add(mark)
                elif not saga.state or (step.touched and not step.promises["compensated"]):
                    may.add(mark)
        missing = [f"{mark} was done, and is not there" for mark in sorted(should - there)]
        return missing + [f"{mark} is there, and was not done or taken back" for mark in sorted(there - should - may)]


def told(history: Iterable[SagaEvent]) -> Saga:
    """What is known of a saga at the end of its history."""
    saga = Saga("")
    for event in history:
        saga.apply(event)
    return saga


def interval(successes: int, count: int, z: float = 2.576) -> tuple[float, float]:
    """The rates that *successes* of *count* may stand for, with 99 % confidence (E. B. Wilson, 1927)."""
    rate, slack = successes / count, z * z / count
    middle, half = rate + slack / 2, z * sqrt(rate * (1 - rate) / count + slack / count / 4)
    return (middle - half) / (1 + slack), (middle + half) / (1 + slack)


class environment:  # noqa: N801 - used like a function
    """Set an environment variable for the length of a block."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __enter__(self) -> None:
        self._before = os.environ.get(self._name)
        os.environ[self._name] = self._value

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            del os.environ[self._name]
        else:
            os.environ[self._name] = self._before
