"""The engine: sagas of a database, put in, carried on by workers, looked at, decided on, cancelled."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json import loads
from time import sleep
from typing import Any, Self, TypeVar

import attrs

from chaos_sqlsaga.engine import points
from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.engine.claiming import Rules
from chaos_sqlsaga.engine.clock import SteadyClock
from chaos_sqlsaga.engine.database import Database, Transaction
from chaos_sqlsaga.engine.databases import open_database
from chaos_sqlsaga.engine.definition import Call, Condition, Definition, Handler, Step, SubSaga
from chaos_sqlsaga.engine.errors import BusyError, UnknownDefinitionError
from chaos_sqlsaga.engine.rows import Instance, Saga, StepRow
from chaos_sqlsaga.engine.sqlite import Synchronous
from chaos_sqlsaga.engine.states import ENDED, SagaState, StepState
from chaos_sqlsaga.engine.values import Results, encode
from chaos_sqlsaga.history import Observer, SagaEvent
from chaoscore import Clock, Duration, seconds, size_bytes

log = logging.getLogger("chaos_sqlsaga")
_T = TypeVar("_T")

BUSY_RETRIES = 20
"""So often is a transaction tried again that gave way to another."""


@attrs.frozen
class Look:
    """
    A saga as it stands: its *instance*, and its *steps* by name.

    Both are copies.
    """

    instance: Instance
    steps: Mapping[str, StepRow]

    @property
    def state(self) -> SagaState:
        """Return where it stands."""
        return self.instance.state

    def results(self) -> Mapping[str, Any]:
        """Map the completed steps to what they returned."""
        return _results(self.steps.values())


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
    """

    worker: str
    token: int
    compensating: bool
    truth: bool
    handler: Handler | None
    call: Call
    definition: str


class Engine:
    """
    Runs sagas in one database.

    Any number of engines, in any number of processes, may share a database; those that know a definition carry its
    sagas on.

    Args:
        dsn: The path of an SQLite file, or ``postgresql://...`` or ``host=... dbname=...``.
        definitions: What can be run; sub-sagas come with what they are part of.
        lease: How long a worker may be silent before another takes its step, 50 ms to 1 h.
        query: The longest that a transaction may take, whatever the network does.
        value_bytes: The most that a payload or a result may take as JSON.
        synchronous: When SQLite waits for the disk: ``"FULL"`` at every commit; ``"NORMAL"`` survives the process, and
            may lose the last commits when the machine loses its power.
        clock: Whose time it is.
        rules: What decides.
        observers: Are called with every event after it was committed.
    """

    def __init__(
        self,
        dsn: str,
        definitions: Iterable[Definition] = (),
        *,
        lease: Duration = "10s",
        query: Duration = "5s",
        value_bytes: str | int = "1MiB",
        synchronous: Synchronous = "FULL",
        clock: Clock | None = None,
        rules: Rules | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self.lease_s, self._value_bytes = seconds(lease), size_bytes(value_bytes)
        if not 0.05 <= self.lease_s <= sql.CLOCK_SLACK_S:
            raise ValueError(f"lease is 50 ms to 1 h, not {self.lease_s:g} s")
        self._definitions: dict[tuple[str, int], Definition] = {}
        self._latest: dict[str, int] = {}
        for each in definitions:
            self._know(each)
        self.kinds = sorted(each.kind for each in self._definitions.values())
        self.rules, self.observers = rules or Rules(), list(observers)
        self._clock = SteadyClock(clock)
        self.database: Database = open_database(dsn, limit_s=seconds(query), synchronous=synchronous)
        try:
            sql.migrate(self.database)
        except BaseException:
            self.database.close()
            raise
        self.store = sql.Store(self.database, self._definition)
        self.work_there = threading.Condition()
        self._news = 0

    def close(self) -> None:
        """Close the connections; workers have to be stopped before."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now_s(self) -> float:
        """Return the engine's time, seconds since 1970-01-01 UTC."""
        return self._clock.now_s()

    # -- for those who start sagas and look after them

    def start(
        self,
        name: str,
        payload: Any = None,
        *,
        version: int | None = None,
        priority: int = 0,
        on_failure: str = "rollback",
        id: str | None = None,
    ) -> str:
        """
        Put a saga in.

        Args:
            name: Which definition.
            payload: What its handlers are given; JSON.
            version: Which version of it; None: the latest that this engine knows.
            priority: Each point goes before a minute of waiting.
            on_failure: ``"rollback"``, or ``"pause"``: wait in the dead letter queue.
            id: Names the instance; a second start of the same id does nothing. None: a new one.

        Returns:
            The id of the instance.

        Raises:
            UnknownDefinitionError: The engine does not know it.
            UnstorableError: The payload is not JSON.
            TooLargeError: The payload is too large.
        """
        definition = self._definition(name, self._latest.get(name, 0) if version is None else version)
        text = encode(payload, f"the payload of saga {name!r}", self._value_bytes)
        if on_failure not in ("rollback", "pause"):
            raise ValueError(f"on_failure is 'rollback' or 'pause', not {on_failure!r}")
        now_s = self.now_s()
        saga_id = f"{int(now_s * 1e6):014x}-{secrets.token_hex(4)}" if id is None else id

        def work(transaction: Transaction) -> list[SagaEvent]:
            if self.store.exists(transaction, saga_id):
                return []
            instance = Instance(
                saga_id, name, definition.version, SagaState.PENDING, text, priority, on_failure == "pause", now_s
            )
            saga = Saga(instance, definition, {}, now_s=now_s, is_new=True)
            self.rules.begin(saga)
            return self._save(transaction, saga)

        self._tell(self._run(work))
        self.wake()
        return saga_id

    def look(self, saga: str) -> Look:
        """Return how a saga stands."""
        found = self._run(lambda transaction: self.store.load(transaction, saga, 0.0, lock=False))
        return Look(found.instance, found.steps)

    def decide(self, saga: str, step: str, accepted: bool, value: Any = None) -> None:
        """Let a step that waits for a decision go on with *value*, or fail where it is not *accepted*."""
        text = encode(value, f"the decision {step!r} of {saga}", self._value_bytes)
        self._change(saga, lambda it: self.rules.decide(it, step, accepted, text))

    def cancel(self, saga: str) -> None:
        """Stop a saga and roll it back to its root."""
        self._change(saga, self.rules.cancel)

    def requeue(self, saga: str) -> None:
        """Take a saga out of the dead letter queue."""
        self._change(saga, self.rules.requeue)

    def abort(self, saga: str) -> None:
        """Stop a saga and its sub-sagas, and leave everything as it is."""

        def work(transaction: Transaction) -> list[SagaEvent]:
            return self._abort(transaction, saga)

        self._tell(self._run(work))

    def _abort(self, transaction: Transaction, saga: str) -> list[SagaEvent]:
        it = self.store.load(transaction, saga, self.now_s())
        self.rules.abort(it)
        told = self._save(transaction, it)
        for child in self.store.children(transaction, saga):
            if self.store.load(transaction, child, 0.0).instance.state not in ENDED:
                told += self._abort(transaction, child)
        return told

    def history(self, saga: str | None = None) -> Iterator[SagaEvent]:
        """Yield what happened to a saga, or to all, in order."""
        return sql.history(self.database, saga)

    def count(self) -> Mapping[SagaState, int]:
        """Return how many sagas are in each state."""
        return sql.count(self.database)

    def wait(self, saga: str, timeout: Duration = "60s") -> Look:
        """
        Wait until a saga has ended, or waits in the dead letter queue.

        Raises:
            TimeoutError: It did not within *timeout*.
        """
        until_s = self.now_s() + seconds(timeout)
        while True:
            look = self.look(saga)
            if look.state in ENDED or look.state is SagaState.DLQ:
                return look
            if self.now_s() > until_s:
                raise TimeoutError(f"saga {saga} is {look.state} after {seconds(timeout):g} s")
            sleep(0.005)

    def wake(self) -> None:
        """Let an idle worker of this engine look for work."""
        with self.work_there:
            self._news += 1
            self.work_there.notify()

    # -- for workers

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
            return task, True, self._save(transaction, saga)

        while True:
            task, there_was, told = self._run(work)
            self._tell(told)
            if task is not None or not there_was:
                return task

    def finish(self, task: Task, result: Any) -> Task | None:
        """Store what the handler returned, and take the next step of the same saga, in one transaction."""
        if task.compensating:
            return self._transit(task, self.rules.compensated)
        try:
            result = bool(result) if task.truth else result
            text = encode(result, f"what {task.definition}.{task.call.step} returned", self._value_bytes)
        except (TypeError, ValueError) as error:
            return self.fail(task, error, again=False)
        return self._transit(task, lambda saga, step: self.rules.complete(saga, step, text))

    def fail(self, task: Task, error: BaseException, *, again: bool = True) -> Task | None:
        """Store that the handler raised, and take the next step of the same saga, in one transaction."""
        text = f"{type(error).__qualname__}: {error}"[:2000]
        if task.compensating:
            return self._transit(task, lambda saga, step: self.rules.compensation_failed(saga, step, text))
        return self._transit(task, lambda saga, step: self.rules.fail(saga, step, text, again=again))

    def renew(self, task: Task) -> bool:
        """Renew the lease of *task*; tell whether it is still the worker's."""
        until_s = self.now_s() + self.lease_s
        call = task.call
        return self._run(lambda transaction: self.store.renew(transaction, call.saga, call.step, task.token, until_s))

    def _transit(self, task: Task, change: Callable[[Saga, StepRow], None]) -> Task | None:
        def work(transaction: Transaction) -> tuple[Task | None, list[SagaEvent], int]:
            saga = self.store.load(transaction, task.call.saga, self.now_s(), task.worker)
            step = saga.steps[task.call.step]
            if not self.rules.holds(step, task.token):
                if step.token == task.token and step.due_s is None:  # it was committed, and the reply was lost
                    return self._mine(saga), [], 0
                self.rules.reject(saga, step)
                return None, self._save(transaction, saga), 0
            change(saga, step)
            task_next = self._next(saga)
            return task_next, self._save(transaction, saga), len(saga.ready)

        following, told, others = self._run(work)
        self._tell(told)
        if others > (following is not None):
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
            results=_results(saga.steps.values()), result=loads(step.result or "null"),
        )  # fmt: skip
        return Task(
            worker=saga.by, token=step.token, compensating=compensating, truth=isinstance(node, Condition),
            handler=handler, call=call, definition=instance.definition,
        )  # fmt: skip

    # -- sub-sagas

    def visit(self, task: Task) -> Task | None:
        """Take over the result of a sub-saga that has ended, or undo it."""
        child = f"{task.call.saga}/{task.call.step}"
        if task.compensating:
            self._change(
                child, lambda it: self.rules.cancel(it, completed=True) if it.instance.state not in _UNDONE else None
            )
        look = self.look(child)
        if task.compensating:
            if look.state in _UNDONE:
                return self.finish(task, None)
            return self._transit(task, self._look_again)
        if look.state is SagaState.COMPLETED:
            return self.finish(task, dict(look.results()))
        error = f"sub-saga {child} {look.state}: {look.instance.error}"
        unknown = look.instance.target is not None
        return self._transit(task, lambda saga, step: self.rules.fail(saga, step, error, unknown=unknown, again=False))

    def _look_again(self, saga: Saga, step: StepRow) -> None:
        saga.put(step, worker=None, due_s=saga.now_s + 0.1, rank=saga.now_s)

    # -- underneath

    def _know(self, definition: Definition) -> None:
        key = definition.name, definition.version
        known = self._definitions.setdefault(key, definition)
        if known != definition:
            raise ValueError(f"two different sagas are called {definition.kind}; give the new one another version")
        self._latest[definition.name] = max(definition.version, self._latest.get(definition.name, 0))
        for place in definition.places.values():
            if isinstance(place.node, SubSaga):
                self._know(place.node.definition)

    def _definition(self, name: str, version: int) -> Definition:
        found = self._definitions.get((name, version))
        if found is None:
            raise UnknownDefinitionError(name, version or None, [each.kind for each in self._definitions.values()])
        return found

    def _change(self, saga: str, change: Callable[[Saga], object]) -> None:
        def work(transaction: Transaction) -> list[SagaEvent]:
            it = self.store.load(transaction, saga, self.now_s())
            change(it)
            return self._save(transaction, it)

        self._tell(self._run(work))
        self.wake()

    def _save(self, transaction: Transaction, saga: Saga) -> list[SagaEvent]:
        return self.store.save(transaction, saga, wake=self.rules.wakes(saga))

    def _run(self, work: Callable[[Transaction], _T]) -> _T:
        for attempt in range(BUSY_RETRIES):
            try:
                return self.database.run(work)
            except BusyError:
                if attempt == BUSY_RETRIES - 1:
                    raise
                sleep(0.001 * 2 ** min(attempt, 6))
        raise AssertionError

    def _tell(self, told: Sequence[SagaEvent]) -> None:
        for observer in self.observers:
            for event in told:
                try:
                    observer(event)
                except Exception:
                    log.exception("%r could not take %r", observer, event)


_UNDONE = frozenset({SagaState.CANCELLED, SagaState.ABORTED})


def _results(steps: Iterable[StepRow]) -> Results:
    return Results({
        each.name: each.result
        for each in steps
        if each.state is StepState.COMPLETED and each.result is not None
    })  # fmt: skip
