"""The states of sagas and of their steps."""

from __future__ import annotations

import enum


class SagaState(enum.StrEnum):
    """Where a saga stands."""

    PENDING = "pending"
    """It was put in, and nobody has begun it."""
    RUNNING = "running"
    """It runs forward, or rolls back."""
    COMPLETED = "completed"
    FAILED = "failed"
    """It is rolled back, to its root or to its last savepoint."""
    CANCELLED = "cancelled"
    """It is rolled back to its root because somebody wanted it."""
    ABORTED = "aborted"
    """It was left as it was because somebody wanted it."""
    DLQ = "dlq"
    """It waits in the dead letter queue for somebody to look at it."""


ENDED = frozenset({SagaState.COMPLETED, SagaState.FAILED, SagaState.CANCELLED, SagaState.ABORTED})
"""States in which nothing more happens by itself."""


class StepState(enum.StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    """A worker may take it, now or when its retry is due."""
    RUNNING = "running"
    """A worker calls its handler."""
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATION = "compensation"
    """It is being compensated, or is the next to be."""
    ROLLED_BACK = "rolled_back"
    PAUSED = "paused"
    """It waits in the dead letter queue, with its saga."""
    SKIPPED = "skipped"
    """It will never run."""
    WAITING = "waiting"
    """For a decision, for a sub-saga, or, as a join, for branches."""
