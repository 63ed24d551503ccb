"""What every part of the engine stands on: the database, the definitions, the rules, and who is told."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from time import monotonic, sleep
from typing import Final, Self, TypeVar

from chaos_sqlsaga.engine import store as sql
from chaos_sqlsaga.engine.claiming import Rules
from chaos_sqlsaga.engine.clock import SteadyClock
from chaos_sqlsaga.engine.database import Database, Transaction
from chaos_sqlsaga.engine.databases import open_database
from chaos_sqlsaga.engine.definition import Definition, SubSaga
from chaos_sqlsaga.engine.errors import BusyError, UnknownDefinitionError
from chaos_sqlsaga.engine.rows import Saga
from chaos_sqlsaga.engine.sqlite import Synchronous
from chaos_sqlsaga.history import Observer, SagaEvent
from chaoscore import Clock, Duration, seconds, size_bytes

log = logging.getLogger("chaos_sqlsaga")
_T = TypeVar("_T")

MOST_PAUSE_S: Final = 0.1
"""The longest pause before a transaction is tried again that gave way to another, seconds."""


class Core:
    """The part of `Engine` that all others use."""

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
        self.lease_s, self.value_bytes = seconds(lease), size_bytes(value_bytes)
        self._query_s = seconds(query)
        if not 0.05 <= self.lease_s <= sql.CLOCK_SLACK_S:
            raise ValueError(f"lease is 50 ms to 1 h, not {self.lease_s:g} s")
        self._definitions: dict[tuple[str, int], Definition] = {}
        self._latest: dict[str, int] = {}
        for each in definitions:
            self._know(each)
        self.kinds = sorted(each.kind for each in self._definitions.values())
        self.rules, self.observers = rules or Rules(), list(observers)
        self._clock = SteadyClock(clock)
        self.database: Database = open_database(dsn, limit_s=self._query_s, synchronous=synchronous)
        try:
            sql.migrate(self.database)
        except BaseException:
            self.database.close()
            raise
        self.store = sql.Store(self.database, self.definition)
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

    def wake(self) -> None:
        """Let an idle worker of this engine look for work."""
        with self.work_there:
            self._news += 1
            self.work_there.notify()

    def _know(self, definition: Definition) -> None:
        key = definition.name, definition.version
        known = self._definitions.setdefault(key, definition)
        if known != definition:
            raise ValueError(f"two different sagas are called {definition.kind}; give the new one another version")
        self._latest[definition.name] = max(definition.version, self._latest.get(definition.name, 0))
        for place in definition.places.values():
            if isinstance(place.node, SubSaga):
                self._know(place.node.definition)

    def definition(self, name: str, version: int) -> Definition:
        found = self._definitions.get((name, version))
        if found is None:
            raise UnknownDefinitionError(name, version or None, [each.kind for each in self._definitions.values()])
        return found

    def change(self, saga: str, change: Callable[[Saga], object]) -> None:
        def work(transaction: Transaction) -> list[SagaEvent]:
            it = self.store.load(transaction, saga, self.now_s())
            change(it)
            return self.save(transaction, it)

        self.tell(self.run(work))
        self.wake()

    def save(self, transaction: Transaction, saga: Saga) -> list[SagaEvent]:
        return self.store.save(transaction, saga, wake=self.rules.wakes(saga))

    def run(self, work: Callable[[Transaction], _T]) -> _T:
        """Run *work* in a transaction, and again where it gave way to another, as long as a transaction may take."""
        until, pause_s = monotonic() + self._query_s, 0.001
        while True:
            try:
                return self.database.run(work)
            except BusyError:
                if monotonic() > until:
                    raise
            sleep(pause_s)
            pause_s = min(2 * pause_s, MOST_PAUSE_S)

    def tell(self, told: Sequence[SagaEvent]) -> None:
        for observer in self.observers:
            for event in told:
                try:
                    observer(event)
                except Exception:
                    log.exception("%r could not take %r", observer, event)
