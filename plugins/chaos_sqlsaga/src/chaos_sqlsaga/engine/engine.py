"""The engine: sagas of a database, put in, carried on by workers, looked at, decided on, cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from time import monotonic, sleep
from typing import Any

import attrs

from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.engine.carrying import Carrying
from chaos_sqlsaga.engine.database import Transaction
from chaos_sqlsaga.engine.rows import Instance, Saga, StepRow
from chaos_sqlsaga.engine.states import ENDED, SagaState
from chaos_sqlsaga.engine.values import encode, results
from chaos_sqlsaga.history import SagaEvent
from chaoscore import Duration, seconds


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
        return results(self.steps.values())


class Engine(Carrying):
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
        definition = self.definition(name, self._latest.get(name, 0) if version is None else version)
        text = encode(payload, f"the payload of saga {name!r}", self.value_bytes)
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
            return self.save(transaction, saga)

        self.tell(self.run(work))
        self.wake()
        return saga_id

    def look(self, saga: str) -> Look:
        """Return how a saga stands."""
        found = self.run(lambda transaction: self.store.load(transaction, saga, 0.0, lock=False))
        return Look(found.instance, found.steps)

    def decide(self, saga: str, step: str, accepted: bool, value: Any = None) -> None:
        """Let a step that waits for a decision go on with *value*, or fail where it is not *accepted*."""
        text = encode(value, f"the decision {step!r} of {saga}", self.value_bytes)
        self.change(saga, lambda it: self.rules.decide(it, step, accepted, text))

    def cancel(self, saga: str) -> None:
        """Stop a saga and roll it back to its root."""
        self.change(saga, self.rules.cancel)

    def requeue(self, saga: str) -> None:
        """Take a saga out of the dead letter queue."""
        self.change(saga, self.rules.requeue)

    def abort(self, saga: str) -> None:
        """Stop a saga and its sub-sagas, and leave everything as it is."""

        def work(transaction: Transaction) -> list[SagaEvent]:
            return self._abort(transaction, saga)

        self.tell(self.run(work))

    def _abort(self, transaction: Transaction, saga: str) -> list[SagaEvent]:
        it = self.store.load(transaction, saga, self.now_s())
        self.rules.abort(it)
        told = self.save(transaction, it)
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
        until = monotonic() + seconds(timeout)
        while True:
            look = self.look(saga)
            if look.state in ENDED or look.state is SagaState.DLQ:
                return look
            if monotonic() > until:
                raise TimeoutError(f"saga {saga} is {look.state} after {seconds(timeout):g} s")
            sleep(0.005)
