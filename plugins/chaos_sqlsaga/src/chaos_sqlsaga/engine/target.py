"""The engine as a target of scenarios."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from chaos_sqlsaga.engine.databases import is_postgres, postgres
from chaos_sqlsaga.engine.definition import Definition
from chaos_sqlsaga.engine.engine import Engine, Look
from chaos_sqlsaga.engine.process import imported
from chaos_sqlsaga.engine.processes import Processes
from chaos_sqlsaga.engine.threads import Threads
from chaoscore import Duration

SCHEMA = "chaoscore_sagas"
"""Everything on PostgreSQL lives in a schema of its own; nothing else there is touched."""


@attrs.define(kw_only=True)
class EngineTarget:
    """
    An engine with its workers, as the target of a scenario.

    Steps call `start` or `run`. The first that does starts the workers, so that they belong to the run and faults can
    strike them, as they do not in what `setup` starts.

    Attributes:
        definitions: What it runs: definitions, or ``module:attribute``, which worker processes need.
        dsn: PostgreSQL, where it gets a schema of its own; None: a temporary file of SQLite.
        workers: Threads of this process.
        processes: Worker processes beside them.
        lease: How long a worker may be silent before another takes its step.
        query: The longest that a transaction may take.
        synchronous: When SQLite waits for the disk, ``"FULL"`` or ``"NORMAL"``.
        options: What `Engine` takes beyond that.
        engine: The engine, between `setup` and `teardown`.
    """

    definitions: Iterable[Definition] | str
    dsn: str | None = attrs.field(default=None, repr=False)
    workers: int = 4
    processes: int = 0
    lease: Duration = "2s"
    query: Duration = "5s"
    synchronous: str = "NORMAL"
    options: dict[str, Any] = attrs.field(factory=dict)
    engine: Engine = attrs.field(init=False, repr=False)
    _stack: ExitStack = attrs.field(init=False, repr=False, factory=ExitStack)
    _where: str = attrs.field(init=False, repr=False, default="")
    _begun: bool = attrs.field(init=False, repr=False, default=False)
    _lock: threading.Lock = attrs.field(init=False, repr=False, factory=threading.Lock)

    @property
    def name(self) -> str:
        """Return what reports call it."""
        return "saga engine on PostgreSQL" if self.dsn else "saga engine on SQLite"

    @property
    def where(self) -> str:
        """Return the dsn of its own tables, between `setup` and `teardown`."""
        return self._where

    def setup(self) -> None:
        """Open the database and start the worker processes."""
        if self.processes and not isinstance(self.definitions, str):
            raise ValueError("worker processes import what they run: pass definitions='module:attribute'")
        with ExitStack() as stack:
            self._where = self._open(stack)
            settings: dict[str, Any] = {"lease": self.lease, "query": self.query, "synchronous": self.synchronous}
            definitions = imported(self.definitions) if isinstance(self.definitions, str) else self.definitions
            self.engine = stack.enter_context(Engine(self._where, definitions, **settings, **self.options))
            if self.processes:
                stack.enter_context(Processes(self._where, str(self.definitions), self.processes, options=settings))
            self._begun = not self.workers
            self._stack = stack.pop_all()

    def start(self, name: str, payload: Any = None, **options: Any) -> str:
        """Put a saga in, as `Engine.start` does, and return its id."""
        with self._lock:
            if not self._begun:
                self._stack.enter_context(Threads(self.engine, self.workers))
                self._begun = True
        return self.engine.start(name, payload, **options)

    def run(self, name: str, payload: Any = None, *, timeout: Duration = "60s", **options: Any) -> Look:
        """Put a saga in and wait for its end, as `Engine.wait` does."""
        return self.engine.wait(self.start(name, payload, **options), timeout)

    def _open(self, stack: ExitStack) -> str:
        if self.dsn is None:
            folder = tempfile.mkdtemp(prefix="chaos-sqlsaga-")
            stack.callback(shutil.rmtree, folder)
            return str(Path(folder) / "sagas.db")
        if not is_postgres(self.dsn):
            return self.dsn
        server = postgres()
        drop: Callable[[], None] = server.fresh(self.dsn, SCHEMA)
        stack.callback(drop)
        return str(server.inside(self.dsn, SCHEMA))

    def teardown(self) -> None:
        """Let the workers finish the steps they are at, and leave nothing behind."""
        self._stack.close()

    def health(self) -> bool:
        """Tell whether the database answers."""
        self.engine.count()
        return True
