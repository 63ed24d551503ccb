"""No step is called more often than it was promised, nor by two workers at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga, Step
from chaos_sqlsaga.history import SagaEvent, What


def _look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
    if event.step is not None and event.what in _LOOKS:
        step = saga.step(event.step)
        for text in _LOOKS[event.what](step, event):
            yield Complaint(text, step.name)


def _started(step: Step, event: SagaEvent) -> Iterator[str]:
    takeover, most = event.detail.get("takeover"), step.promises.get("retries")
    if step.running and not takeover:
        yield f"it was called (attempt {event.attempt}) while attempt {step.running} ran"
    if step.done >= 0:
        yield f"it was called (attempt {event.attempt}) after it was completed"
    elif step.failed:
        yield f"it was called (attempt {event.attempt}) after it had failed for good"
    if takeover and not step.running:
        yield f"attempt {event.attempt} was taken over, and nobody had lost it"
    if most is not None and not takeover and step.calls >= most:
        yield f"it was called {step.calls + 1} times, and {most} were promised"


def _done(step: Step, event: SagaEvent) -> Iterator[str]:
    if step.done >= 0:
        yield "it was completed twice"
    elif event.attempt and not step.running:
        yield f"it was completed (attempt {event.attempt}) while no call of it was under way"
    elif event.attempt and event.attempt != step.running:
        yield f"the result of attempt {event.attempt} was taken while attempt {step.running} ran"


def _compensating(step: Step, event: SagaEvent) -> Iterator[str]:
    takeover, most = event.detail.get("takeover"), step.promises.get("compensation_retries")
    if step.undoing and not takeover:
        yield f"its compensation was called (attempt {event.attempt}) while attempt {step.undoing} ran"
    if step.undo_failed:
        yield f"its compensation was called (attempt {event.attempt}) after it had failed for good"
    if most is not None and not takeover and step.undo_calls >= most:
        yield f"its compensation was called {step.undo_calls + 1} times, and {most} were promised"


def _compensated(step: Step, event: SagaEvent) -> Iterator[str]:
    if not step.undoing:
        yield "it was compensated while no call of its compensation was under way"


_LOOKS = {
    What.STARTED: _started,
    What.DONE: _done,
    What.COMPENSATING: _compensating,
    What.COMPENSATED: _compensated,
}

calls = Rule("calls", look=_look)
