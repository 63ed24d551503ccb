"""The tables, as migrations that only go forward."""

from __future__ import annotations

from typing import Final

from chaos_sqlsaga.engine.errors import SchemaError

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE saga_instance (
            id text PRIMARY KEY,
            definition text NOT NULL,
            version integer NOT NULL,
            state text NOT NULL,
            payload text NOT NULL,
            priority integer NOT NULL,
            pauses boolean NOT NULL,
            created_s double precision NOT NULL,
            ended_s double precision,
            error text,
            ending text,
            target text,
            rolling boolean NOT NULL,
            depth integer NOT NULL,
            revision integer NOT NULL,
            parent text,
            parent_step text
        ) {clustered}
        """,
        """
        CREATE TABLE saga_step (
            instance text NOT NULL,
            name text NOT NULL,
            kind text NOT NULL,
            state text NOT NULL,
            attempt integer NOT NULL,
            takeovers integer NOT NULL,
            token integer NOT NULL,
            worker text,
            due_s double precision,
            rank double precision NOT NULL,
            result text,
            error text,
            seq integer,
            undoing boolean NOT NULL,
            PRIMARY KEY (instance, name)
        ) {clustered}
        """,
        "CREATE INDEX saga_step_due ON saga_step (rank) WHERE due_s IS NOT NULL",
        "CREATE INDEX saga_instance_parent ON saga_instance (parent) WHERE parent IS NOT NULL",
        """
        CREATE TABLE saga_event (
            id {serial},
            saga text NOT NULL,
            what text NOT NULL,
            step text,
            attempt integer NOT NULL,
            definition text NOT NULL,
            at_s double precision NOT NULL,
            worker text NOT NULL,
            detail text NOT NULL
        )
        """,
        "CREATE INDEX saga_event_saga ON saga_event (saga, id)",
    ),
)
"""What was released is never changed, only added to."""

VERSION: Final = len(MIGRATIONS)


def missing(found: int) -> list[str]:
    """
    Return the statements that lead from schema *found* to this one.

    Raises:
        SchemaError: *found* is newer than this code.
    """
    if found > VERSION:
        raise SchemaError(found, VERSION)
    return [statement for migration in MIGRATIONS[found:] for statement in migration]
