"""
What happened to sagas, as values: the one language of engines, adapters and checkers.

Our own engine writes these events into its table in the transaction that makes them true; others are told of with
`record_saga_event`, or read by an SQL adapter. A checker needs nothing else.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any

import attrs


class What(enum.StrEnum):
    """What an event says. Those of a saga as a whole have no step."""

    # -- of a saga

    BEGAN = "began"
    """
    It was put in. Detail: ``version``; ``steps`` (maps step name to its promises, see `promises`); ``part_of`` (the
    saga that it is a sub-saga of).
    """
    CANCEL_ASKED = "cancel_asked"
    """Somebody wants it undone to its root; also a sub-saga that had ended, when what it is a part of rolls back."""
    ROLLBACK_BEGAN = "rollback_began"
    """
    From here on nothing of it runs forward. Detail: ``to`` (name of the savepoint, None: the root), ``reason``. With a
    step, that step is a fork of which one branch has won: only what the others did is undone, and the saga goes on.
    """
    ROLLBACK_ENDED = "rollback_ended"
    """Everything that had to be compensated is. With a step: see `ROLLBACK_BEGAN`."""
    PAUSED = "paused"
    """It waits in the dead letter queue for somebody to requeue, cancel or abort it."""
    REQUEUED = "requeued"
    """It was taken out of the dead letter queue, and begins the calls of its paused steps anew."""
    ENDED = "ended"
    """It is over. Detail: ``state``, one of ``completed``, ``failed``, ``cancelled``, ``aborted``; ``error``."""

    # -- of a step

    STARTED = "started"
    """
    Its handler is about to be called for the `attempt`-th time. Detail: ``takeover`` is True where this repeats an
    attempt whose worker was lost.
    """
    DONE = "done"
    """It is completed. Without `STARTED` where there is no handler to call: savepoints, forks, joins."""
    FAILED = "failed"
    """
    An attempt failed. Detail: ``error``; ``last`` (no further attempt follows); ``unknown`` (its worker was lost, so it
    may have had its effect: it is compensated as well).
    """
    WAITING = "waiting"
    """It waits for a decision, a sub-saga or, as a join, for branches."""
    SKIPPED = "skipped"
    """It will never run: another branch was taken, or its branch was stopped."""
    COMPENSATING = "compensating"
    """Its compensation is about to be called for the `attempt`-th time. Detail: ``takeover`` as of `STARTED`."""
    COMPENSATED = "compensated"
    """Its compensation succeeded."""
    COMPENSATION_FAILED = "compensation_failed"
    """An attempt to compensate it failed. Detail: ``error``, ``last``."""
    REJECTED = "rejected"
    """A worker that had lost its lease came with a result, which was not taken."""


@attrs.frozen
class SagaEvent:
    """
    One thing that happened, and was made permanent.

    Attributes:
        saga: Which instance.
        what: What happened, a `What` or its text.
        step: Which of its steps; None for the saga as a whole.
        attempt: Which call of its handler or of its compensation, from 1; 0 where nothing is called.
        definition: What the saga is an instance of.
        at_s: When, seconds since 1970-01-01 UTC by the clock of whoever tells; the order is that of the history.
        worker: Who did it.
        detail: What else is known, see `What`.
    """

    saga: str
    what: What = attrs.field(converter=What)
    step: str | None = None
    attempt: int = attrs.field(default=0, kw_only=True, validator=attrs.validators.ge(0))
    definition: str = attrs.field(default="", kw_only=True)
    at_s: float = attrs.field(default=0.0, kw_only=True)
    worker: str = attrs.field(default="", kw_only=True)
    detail: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)


Observer = Callable[[SagaEvent], None]
"""
Is called with every event after it was committed, by the thread that committed it.

Where several workers are at one saga, their events may come in another order than they were committed in; and what a
process committed without living to tell, nobody is told. The table of events has all of them, in order.
"""


def promises(
    *, retries: int = 1, compensation_retries: int = 1, idempotent: bool = True, compensated: bool = False
) -> dict[str, Any]:
    """
    Return what a definition promises of a step, as the detail of `What.BEGAN` has it under ``steps``.

    Args:
        retries: Most calls of its handler, the first included; those that repeat a lost attempt do not count.
        compensation_retries: Most calls of its compensation.
        idempotent: Whether its handler may be called again after an attempt whose outcome is unknown.
        compensated: Whether it has a compensation, so that a rollback must call it.
    """
    return {
        "retries": retries,
        "compensation_retries": compensation_retries,
        "idempotent": idempotent,
        "compensated": compensated,
    }
