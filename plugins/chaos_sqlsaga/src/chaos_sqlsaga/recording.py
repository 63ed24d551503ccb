"""Sagas of any engine, told to the run that they belong to."""

from __future__ import annotations

from typing import Any, Final

from chaos_sqlsaga.history import SagaEvent, What
from chaoscore import Recorded, record_event

NAME: Final = "saga"
"""What such an event is called in the run's event log."""


def record_saga_event(
    saga: str,
    what: What | str,
    step: str | None = None,
    *,
    attempt: int = 0,
    definition: str = "",
    at_s: float | None = None,
    worker: str = "",
    **detail: Any,
) -> None:
    """
    Tell the run what happened to a saga of your own engine; outside a run, nothing happens.

    Call it when the event is permanent: after the commit that makes it true, in the order of its saga.

    Args:
        saga: Which instance.
        what: One of `What`, or its text: ``"began"``, ``"started"``, ``"done"``, ...
        step: Which of its steps; None for the saga as a whole.
        attempt: Which call, from 1; 0 where nothing is called.
        definition: What the saga is an instance of.
        at_s: When, seconds since 1970-01-01 UTC; None: now.
        worker: Who did it.
        detail: What else is known, see `What`.

    Raises:
        ValueError: There is no such event.
    """
    event = SagaEvent(str(saga), What(what), step, attempt=attempt, definition=definition, worker=worker, detail=detail)
    told = {"what": str(event.what), "step": step, "attempt": attempt, "definition": definition, "worker": worker}
    record_event(NAME, at_s, saga=event.saga, detail=detail, **told)


def observe(event: SagaEvent) -> None:
    """Tell the run of *event*: an observer for an engine, as in ``Engine(observers=[observe])``."""
    record_saga_event(
        event.saga, event.what, event.step, attempt=event.attempt, definition=event.definition, at_s=event.at_s,
        worker=event.worker, **event.detail,
    )  # fmt: skip


def told(recorded: Recorded, epoch_s: float) -> SagaEvent | None:
    """
    Return the saga event that *recorded* is about; None where it is about something else.

    Args:
        recorded: An event of the run.
        epoch_s: When the run began, seconds since 1970-01-01 UTC.
    """
    if recorded.name != NAME or "saga" not in recorded.detail:
        return None
    known = recorded.detail
    return SagaEvent(
        known["saga"], known["what"], known["step"], attempt=known["attempt"], definition=known["definition"],
        worker=known["worker"], detail=known["detail"],
        at_s=epoch_s + recorded.at if recorded.value is None else recorded.value,
    )  # fmt: skip
