"""
Where faults can strike the engine, in a run of chaoscore; outside one each costs a look at whether there is one.

- ``saga.statement`` before a statement is executed, ``saga.executed`` after it was;
- ``saga.commit`` before a transaction is committed, ``saga.committed`` after it was;
- ``saga.handler`` before a handler is called, ``saga.handled`` after it returned and before its result is stored;
- ``saga.compensation`` before a compensation is called, ``saga.compensated`` after it;
- ``saga.lease`` before a lease is renewed; ``saga.claim`` before a step is taken.
"""

from __future__ import annotations

from typing import Any

from chaoscore import apoint, in_run, point

__chaos_hidden__ = True  # a fault is shown where the engine is, not here


def before_statement(text: str, connection: Any) -> None:
    """Let faults strike before a statement."""
    if in_run():
        point("saga.statement", statement=text, connection=connection)


def after_statement(text: str, connection: Any) -> None:
    """Let faults strike after a statement."""
    if in_run():
        point("saga.executed", statement=text, connection=connection)


def commit(connection: Any) -> None:
    """Let faults strike before a commit; what is raised here rolls back."""
    if in_run():
        point("saga.commit", statement="COMMIT", connection=connection)


def committed(connection: Any) -> None:
    """Let faults strike after a commit, as if the reply were lost."""
    if in_run():
        point("saga.committed", statement="COMMIT", connection=connection)


def claim(worker: str) -> None:
    """Let faults strike before a step is taken."""
    if in_run():
        point("saga.claim", worker=worker)


def lease(tags: dict[str, Any]) -> None:
    """Let faults strike before a lease is renewed."""
    if in_run():
        point("saga.lease", **tags)


def handler(name: str, tags: dict[str, Any]) -> None:
    """Let faults strike around a handler or a compensation."""
    if in_run():
        point(name, **tags)


async def ahandler(name: str, tags: dict[str, Any]) -> None:
    """Let faults strike around a handler or a compensation, without blocking the loop."""
    if in_run():
        await apoint(name, **tags)
