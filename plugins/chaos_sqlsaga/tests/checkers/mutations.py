"""Ways to break a valid history: each yields every history that differs from it in that way at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from chaos_sqlsaga.history import SagaEvent, What

History = list[SagaEvent]
Mutants = Iterator[History]
Mutation = Callable[[History], Mutants]

MUTATIONS: dict[str, tuple[str, Mutation]] = {}
"""Maps what a mutation is called to the rule that must find it."""


def found_by(rule: str) -> Callable[[Mutation], Mutation]:
    def register(mutation: Mutation) -> Mutation:
        MUTATIONS[mutation.__name__] = (rule, mutation)
        return mutation

    return register


# -- what is where


def places(history: History, *what: What, **wanted: Any) -> list[int]:
    return [
        place
        for place, event in enumerate(history)
        if event.what in what and all(getattr(event, name) == value for name, value in wanted.items())
    ]


def without(history: History, *dropped: int) -> History:
    return [event for place, event in enumerate(history) if place not in dropped]


def inserted(history: History, place: int, *events: SagaEvent) -> History:
    return [*history[:place], *events, *history[place:]]


def changed(history: History, place: int, **values: Any) -> History:
    return [*history[:place], attrs.evolve(history[place], **values), *history[place + 1 :]]


def said(history: History, name: str, promise: str) -> Any:
    return history[0].detail["steps"].get(name, {}).get(promise)


def tell(history: History, what: What, step: str | None, attempt: int = 1, **detail: Any) -> SagaEvent:
    return attrs.evolve(history[-1], what=what, step=step, attempt=attempt, detail=detail)


def whole_rollback(history: History) -> int | None:
    """The place where the rollback of the whole begins."""
    return next(iter(places(history, What.ROLLBACK_BEGAN, step=None)), None)


def blocks(history: History) -> list[tuple[int, int]]:
    """Where the compensations of the whole rollback begin and end, one after the other."""
    start = whole_rollback(history)
    if start is None:
        return []
    first = [place for place in places(history, What.COMPENSATING, attempt=1) if place > start]
    last = [place for place in places(history, What.COMPENSATED) if place > start]
    return list(zip(first, last, strict=True))


def compensated_after(history: History) -> Iterator[tuple[int, int]]:
    """Neighbours among these of which the first began only when the second had been completed."""
    pairs = blocks(history)
    for number in range(len(pairs) - 1):
        later, earlier = (history[pairs[each][0]].step for each in (number, number + 1))
        began = places(history, What.STARTED, step=later)[0]
        took = [
            place
            for place in places(history, What.DONE, What.FAILED, step=earlier)
            if history[place].what is What.DONE or history[place].detail.get("unknown")
        ][-1]
        if took < began:
            yield number, number + 1


# -- ends


@found_by("ends")
def the_end_is_missing(history: History) -> Mutants:
    yield history[:-1]


@found_by("ends")
def everything_after_a_moment_is_missing(history: History) -> Mutants:
    for place in range(1, len(history) - 1):
        yield history[:place]


@found_by("ends")
def a_compensation_is_missing(history: History) -> Mutants:
    for first, last in blocks(history):
        yield [*history[:first], *history[last + 1 :]]


@found_by("ends")
def a_compensation_does_not_end(history: History) -> Mutants:
    for _, last in blocks(history):
        yield without(history, last)


@found_by("ends")
def a_compensation_fails_for_good(history: History) -> Mutants:
    for _, last in blocks(history):
        yield changed(history, last, what=What.COMPENSATION_FAILED, detail={"last": True})


@found_by("ends")
def a_rolled_back_saga_claims_success(history: History) -> Mutants:
    if whole_rollback(history) is not None:
        yield changed(history, len(history) - 1, detail={"state": "completed"})


@found_by("ends")
def a_saga_gives_up_without_a_rollback(history: History) -> Mutants:
    if whole_rollback(history) is None:
        undone = {history[place].step for place in places(history, What.COMPENSATED)}
        done = {history[place].step for place in places(history, What.DONE)} - undone
        if any(said(history, str(name), "compensated") for name in done):
            yield changed(history, len(history) - 1, detail={"state": "failed"})
            yield changed(history, len(history) - 1, detail={"state": "cancelled"})


@found_by("ends")
def a_saga_ends_in_no_state(history: History) -> Mutants:
    yield changed(history, len(history) - 1, detail={"state": "gone"})


@found_by("ends")
def a_saga_ends_while_a_step_runs(history: History) -> Mutants:
    for place in places(history, What.DONE, What.FAILED):
        step = history[place].step
        is_last = not any(each.step == step and each.what is What.STARTED for each in history[place:])
        if history[place].attempt and is_last and not places(history, What.COMPENSATING, step=step):
            yield without(history, place)


# -- mirrors


@found_by("mirrors")
def two_compensations_are_swapped(history: History) -> Mutants:
    pairs = blocks(history)
    for one, other in compensated_after(history):
        (a, b), (c, d) = pairs[one], pairs[other]
        yield [*history[:a], *history[c : d + 1], *history[b + 1 : c], *history[a : b + 1], *history[d + 1 :]]


@found_by("mirrors")
def two_compensations_overlap(history: History) -> Mutants:
    pairs = blocks(history)
    for one, other in compensated_after(history):
        (_, b), (c, _) = pairs[one], pairs[other]
        rest = without(history, b)
        yield inserted(rest, c, history[b])


@found_by("mirrors")
def a_step_is_compensated_again(history: History) -> Mutants:
    for first, last in blocks(history):
        yield inserted(history, last + 1, *history[first : last + 1])


@found_by("mirrors")
def what_never_ran_is_compensated(history: History) -> Mutants:
    start = whole_rollback(history)
    ran = {each.step for each in history if each.what is What.STARTED}
    if start is not None:
        for name in history[0].detail["steps"].keys() - ran:
            yield inserted(history, start + 1, *(tell(history, what, name) for what in UNDO))


@found_by("mirrors")
def what_failed_is_compensated(history: History) -> Mutants:
    start = whole_rollback(history)
    if start is not None:
        for place in places(history, What.FAILED):
            if history[place].detail["last"] and not history[place].detail["unknown"]:
                yield inserted(history, start + 1, *(tell(history, what, history[place].step) for what in UNDO))


@found_by("mirrors")
def a_step_is_compensated_for_no_reason(history: History) -> Mutants:
    if not places(history, What.ROLLBACK_BEGAN):
        for place in places(history, What.DONE):
            if history[place].attempt:
                yield inserted(history, place + 1, *(tell(history, what, history[place].step) for what in UNDO))


@found_by("mirrors")
def what_lies_before_the_savepoint_is_compensated(history: History) -> Mutants:
    start = whole_rollback(history)
    to = None if start is None else history[start].detail["to"]
    if to is not None:
        there = places(history, What.DONE, step=to)[0]
        for place in places(history[:there], What.DONE):
            if history[place].attempt and not places(history[:start], What.COMPENSATED, step=history[place].step):
                yield inserted(history, len(history) - 2, *(tell(history, what, history[place].step) for what in UNDO))


UNDO = (What.COMPENSATING, What.COMPENSATED)


# -- forward


@found_by("forward")
def a_step_runs_after_the_rollback_began(history: History) -> Mutants:
    start = whole_rollback(history)
    if start is not None:
        to_root = history[start].detail["to"] is None  # from a savepoint a saga may go on when it is back there
        for name in history[0].detail["steps"]:
            for place in range(start + 1, len(history) if to_root else len(history) - 2):
                yield inserted(history, place, tell(history, What.STARTED, name), tell(history, What.DONE, name))


@found_by("forward")
def a_join_is_passed_after_the_rollback_began(history: History) -> Mutants:
    start = whole_rollback(history)
    if start is not None:
        yield inserted(history, start + 1, tell(history, What.DONE, "a join", 0))


@found_by("forward")
def a_saga_goes_on_after_its_end(history: History) -> Mutants:
    for place in range(1, len(history)):
        yield [*history, history[place]]


@found_by("forward")
def a_skipped_step_runs(history: History) -> Mutants:
    for place in places(history, What.SKIPPED):
        name = history[place].step
        yield inserted(history, place + 1, tell(history, What.STARTED, name), tell(history, What.DONE, name))


# -- calls


@found_by("calls")
def two_workers_call_a_step(history: History) -> Mutants:
    for place in places(history, What.STARTED):
        if not history[place].detail.get("takeover"):
            yield inserted(history, place + 1, history[place])


@found_by("calls")
def a_step_is_completed_twice(history: History) -> Mutants:
    for place in places(history, What.DONE):
        yield inserted(history, place + 1, history[place])


@found_by("calls")
def a_step_is_called_after_it_was_completed(history: History) -> Mutants:
    for place in places(history, What.DONE):
        if history[place].attempt:
            yield inserted(history, place + 1, tell(history, What.STARTED, history[place].step, 2))


@found_by("calls")
def a_step_is_called_too_often(history: History) -> Mutants:
    for place in places(history, What.FAILED):
        event = history[place]
        if event.detail["last"]:
            more = (
                attrs.evolve(event, detail={"last": False}),
                tell(history, What.STARTED, event.step, event.attempt + 1),
            )
            yield inserted(history, place, *more)


@found_by("calls")
def a_step_is_called_after_it_failed_for_good(history: History) -> Mutants:
    for place in places(history, What.FAILED):
        if history[place].detail["last"]:
            yield inserted(history, place + 1, tell(history, What.STARTED, history[place].step, 1, takeover=True))


@found_by("calls")
def a_late_result_is_taken(history: History) -> Mutants:
    for place in places(history, What.FAILED):
        if not history[place].detail["last"]:
            yield inserted(history, place + 1, tell(history, What.DONE, history[place].step, history[place].attempt))


@found_by("calls")
def the_result_of_an_earlier_attempt_is_taken(history: History) -> Mutants:
    for place in places(history, What.DONE):
        if history[place].attempt > 1:
            yield changed(history, place, attempt=history[place].attempt - 1)


@found_by("calls")
def a_step_is_completed_without_a_call(history: History) -> Mutants:
    for place in places(history, What.DONE):
        if history[place].attempt:
            yield without(history, *places(history[:place], What.STARTED, step=history[place].step))


@found_by("calls")
def what_nobody_lost_is_taken_over(history: History) -> Mutants:
    for place in places(history, What.STARTED, attempt=1):
        if not history[place].detail.get("takeover"):
            yield changed(history, place, detail={"takeover": True})


@found_by("calls")
def two_workers_call_a_compensation(history: History) -> Mutants:
    for place in places(history, What.COMPENSATING):
        yield inserted(history, place + 1, history[place])


@found_by("calls")
def a_compensation_is_called_too_often(history: History) -> Mutants:
    for first, last in blocks(history):
        name = history[first].step
        again = [
            each
            for attempt in range(2, 5)
            for each in (
                tell(history, What.COMPENSATION_FAILED, name, attempt - 1),
                tell(history, What.COMPENSATING, name, attempt),
            )
        ]
        yield [*history[: first + 1], *again, *history[last:]]


@found_by("calls")
def a_compensation_is_completed_without_a_call(history: History) -> Mutants:
    for first, last in blocks(history):
        yield [*history[:first], *history[last:]]


# -- once


@found_by("once")
def a_worker_calls_again_what_must_be_called_once(history: History) -> Mutants:
    for place in places(history, What.STARTED):
        if said(history, str(history[place].step), "idempotent") is False:
            again = attrs.evolve(history[place], detail={"takeover": True})
            yield inserted(history, place + 1, again)
            yield inserted(history, place + 2, again)


# -- progress


@found_by("progress")
def a_saga_stands_still(history: History) -> Mutants:
    for place in range(1, len(history)):
        yield [*history[:place], *(attrs.evolve(each, at_s=each.at_s + 2_000) for each in history[place:])]


# -- depth


@found_by("depth")
def a_rollback_goes_too_deep(history: History) -> Mutants:
    start = whole_rollback(history)
    if start is not None:
        names = [f"deep {number}" for number in range(101)]
        done = [tell(history, What.DONE, name, 0) for name in names]
        undone = [tell(history, what, name) for name in reversed(names) for what in UNDO]
        yield [*history[:start], *done, history[start], *undone, *history[start + 1 :]]


@found_by("depth")
def a_saga_is_rolled_back_again_and_again(history: History) -> Mutants:
    start = whole_rollback(history)
    if start is not None:
        yield inserted(history, len(history) - 1, history[start], tell(history, What.ROLLBACK_ENDED, None, 0))
