"""What the database says of a saga is what its history says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from chaos_sqlsaga.checkers.rule import Broken
from chaos_sqlsaga.checkers.saga import Saga, Step
from chaos_sqlsaga.history import SagaEvent


@attrs.frozen
class Book:
    """
    What the database says of one saga.

    Attributes:
        saga: Which instance.
        state: Where it stands, in the words of `What.ENDED`; anything else stands for one that has not ended.
        steps: Maps its steps to where they stand: ``completed``, ``rolled_back``, ``failed``, ``skipped``, or anything
            else for one that is under way.
        history: What happened to it, in order.
    """

    saga: str
    state: str
    steps: Mapping[str, str]
    history: Iterable[SagaEvent]


ENDED = ("completed", "failed", "cancelled", "aborted")


def consistent(books: Iterable[Book], now_s: float = 0.0) -> list[Broken]:
    """
    Return where rows and history of sagas contradict each other.

    Only of sagas that have ended, by either of them: the others may be on their way.

    Args:
        books: Rows and history of each saga.
        now_s: When they were read, seconds since 1970-01-01 UTC; by default with the last event of each.
    """
    return [broken for book in books for broken in _compared(book, now_s)]


def _compared(book: Book, now_s: float) -> Iterator[Broken]:
    saga = Saga(book.saga)
    for event in book.history:
        saga.apply(event)
    at_s = now_s or (0.0 if saga.last is None else saga.last.at_s)
    for step, text in _contradictions(book, saga):
        yield Broken("consistent", saga.name, saga.definition, step, text, saga.began_s, at_s)


def _contradictions(book: Book, saga: Saga) -> Iterator[tuple[str | None, str]]:
    if not saga.events:
        yield None, f"the database has it as {book.state!r}, and nothing is told of it"
        return
    state = book.state if book.state in ENDED else ""
    if state != saga.state:
        yield None, f"the database has it as {book.state!r}, and by its history it is {saga.state or 'under way'!r}"
    if not state and not saga.state:
        return
    for name, step in saga.steps.items():
        told = _told(step)
        if told and book.steps.get(name, "not there") not in told:
            yield name, f"the database has it as {book.steps.get(name, 'not there')!r}, its history as {told[0]!r}"
    for name in book.steps.keys() - saga.steps.keys():
        if book.steps[name] in ("completed", "rolled_back"):
            yield name, f"the database has it as {book.steps[name]!r}, and nothing is told of it"


def _told(step: Step) -> tuple[str, ...]:
    """Return where *step* may stand by its history; nothing, where that says nothing."""
    if step.undone:
        return ("rolled_back",)
    if step.done >= 0:  # where nothing has to be called, it may be rolled back without a word
        return ("completed",) if step.promises.get("compensated") else ("completed", "rolled_back")
    if step.skipped:
        return ("skipped",)
    if step.failed:
        return ("failed", "rolled_back") if step.lost >= 0 else ("failed",)
    return ()
