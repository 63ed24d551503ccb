"""Nothing is stuck: every saga that is under way gets on."""

from __future__ import annotations

from collections.abc import Iterator

from chaos_sqlsaga.checkers.ending import describe
from chaos_sqlsaga.checkers.rule import Complaint, Rule
from chaos_sqlsaga.checkers.saga import Saga
from chaos_sqlsaga.history import SagaEvent, What


def progress(limit_s: float) -> Rule:
    """
    Return the rule that no saga stands still for longer than *limit_s*, seconds.

    One that waits for a decision, or in the dead letter queue, does not stand still.
    """

    def stood(saga: Saga, now_s: float) -> Iterator[Complaint]:
        last = saga.last
        if last is None or saga.paused or last.what is What.WAITING or now_s - last.at_s <= limit_s:
            return
        yield Complaint(
            f"nothing happened for {now_s - last.at_s:.1f} s after {describe(last)}, at most {limit_s:g} s allowed",
            last.step,
        )

    def look(saga: Saga, event: SagaEvent) -> Iterator[Complaint]:
        return stood(saga, event.at_s)

    return Rule("progress", look=look, end=stood, stands_s=limit_s)
