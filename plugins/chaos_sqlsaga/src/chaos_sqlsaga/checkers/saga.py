"""What the events so far say of one saga: all that a rule needs, and no more than grows with its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from chaos_sqlsaga.history import SagaEvent, What

_NOTHING: Mapping[str, Any] = {}


@attrs.define
class Step:
    """
    One step of a saga.

    Attributes:
        name: Its name.
        promises: What its definition promises, see `chaos_sqlsaga.history.promises`; empty where nobody told.
        calls: Calls of its handler that repeat no lost attempt, since it was last compensated.
        touched: All calls of its handler since then: how often it may have had its effect.
        running: The attempt that has begun and not ended; 0: none.
        began: Place in the history of its first call, or of its completion where nothing is called; -1: not begun.
        done: Place in the history where it was completed; -1: it was not, or it was compensated.
        lost: Place in the history where an attempt was given up that may have had its effect; -1: there is none.
        failed: Whether an attempt was the last, and failed.
        skipped: Whether it will never run.
        undoing: The call of its compensation that has begun and not ended; 0: none.
        undo_calls: Calls of its compensation in this rollback that repeat no lost one.
        undo_failed: Whether a call of its compensation was the last, and failed.
        undone: Whether it was compensated, and not called since.
    """

    name: str
    promises: Mapping[str, Any] = _NOTHING
    calls: int = 0
    touched: int = 0
    running: int = 0
    began: int = -1
    done: int = -1
    lost: int = -1
    failed: bool = False
    skipped: bool = False
    undoing: int = 0
    undo_calls: int = 0
    undo_failed: bool = False
    undone: bool = False

    @property
    def has_effect(self) -> bool:
        """Tell whether there is, or may be, something to compensate."""
        return self.took >= 0

    @property
    def took(self) -> int:
        """Return the place in the history from which on there is something to compensate; -1: there is nothing."""
        return max(self.done, self.lost)

    @property
    def owes(self) -> bool:
        """Tell whether a rollback has to compensate it; where nobody told, it has to if a handler was called."""
        return self.has_effect and bool(self.promises.get("compensated", self.touched))


@attrs.define
class Rollback:
    """
    A rollback that has begun.

    Attributes:
        to: The savepoint that it goes back to; None: the root.
        fork: The fork whose losing branches are undone while the saga goes on; None: the saga as a whole.
        depth: Steps compensated in it so far.
        undone: Those steps, and from which place in the history on there was something to compensate.
    """

    to: str | None = None
    fork: str | None = None
    depth: int = 0
    undone: dict[str, int] = attrs.field(factory=dict)


@attrs.define
class Saga:
    """
    One saga.

    Attributes:
        name: Which instance.
        definition: What it is an instance of.
        began_s: When its first event happened, seconds since 1970-01-01 UTC.
        last: Its latest event.
        events: How many there were.
        steps: What is known of its steps, by name.
        rollback: The rollback of the whole that is under way, or that ended and let nothing run since.
        partial: Rollbacks of losing branches that are under way, by fork.
        rollbacks: How many rollbacks of the whole there were.
        rolled_back: Whether that rollback ended.
        paused: Whether it waits in the dead letter queue.
        state: How it ended; empty: it did not.
        part_of: The saga of which it is a sub-saga; empty: of none.
    """

    name: str
    definition: str = ""
    began_s: float = 0.0
    last: SagaEvent | None = None
    events: int = 0
    steps: dict[str, Step] = attrs.field(factory=dict)
    rollback: Rollback | None = None
    partial: dict[str, Rollback] = attrs.field(factory=dict)
    rollbacks: int = 0
    rolled_back: bool = False
    paused: bool = False
    state: str = ""
    part_of: str = ""

    def step(self, name: str) -> Step:
        """Return what is known of the step *name*; nothing, where it is new."""
        return self.steps.get(name) or Step(name)

    def standing(self) -> list[Step]:
        """Return the steps that the rollback under way has to compensate and has not, newest first."""
        floor = self.floor()
        owing = [each for each in self.steps.values() if each.owes and each.took > floor]
        return sorted(owing, key=lambda each: -each.began)

    def floor(self) -> int:
        """Return the place in the history that the rollback goes back to; -1: the beginning."""
        to = None if self.rollback is None else self.rollback.to
        return -1 if to is None else self.step(to).done

    def compensating(self) -> Rollback | None:
        """Return the rollback that compensates: the whole one, else the latest of those of losing branches."""
        if self.rollback is not None:
            return self.rollback
        return next(reversed(self.partial.values()), None)

    def apply(self, event: SagaEvent) -> None:
        """Take note of *event*."""
        if self.last is None:
            self.began_s = event.at_s
        self.definition = self.definition or event.definition
        self.last = event
        if event.step is not None:
            _APPLY_STEP.get(event.what, _ignore_step)(self, self._known(event.step), event)
        _APPLY.get(event.what, _ignore)(self, event)
        self.events += 1

    def _known(self, name: str) -> Step:
        if name not in self.steps:
            self.steps[name] = Step(name)
        return self.steps[name]


# -- of a saga


def _ignore(saga: Saga, event: SagaEvent) -> None:
    return


def _began(saga: Saga, event: SagaEvent) -> None:
    saga.part_of = str(event.detail.get("part_of") or "")
    for name, promises in event.detail.get("steps", _NOTHING).items():
        saga._known(name).promises = promises


def _cancel_asked(saga: Saga, event: SagaEvent) -> None:
    if saga.state in ("completed", "failed"):  # a sub-saga, which is undone with the saga that it is a part of
        saga.state = ""


def _rollback_began(saga: Saga, event: SagaEvent) -> None:
    if event.step is not None:
        saga.partial[event.step] = Rollback(fork=event.step)
        return
    before = saga.rollback  # a cancellation may send one that is under way further down
    saga.rollback = Rollback(to=event.detail.get("to"))
    if before is not None and not saga.rolled_back:
        saga.rollback.depth, saga.rollback.undone = before.depth, before.undone
    saga.rollbacks += 1
    saga.rolled_back = False


def _rollback_ended(saga: Saga, event: SagaEvent) -> None:
    if event.step is not None:
        saga.partial.pop(event.step, None)
    else:
        saga.rolled_back = True


def _paused(saga: Saga, event: SagaEvent) -> None:
    saga.paused = True


def _requeued(saga: Saga, event: SagaEvent) -> None:
    saga.paused = False
    for step in saga.steps.values():
        if step.failed:
            step.failed, step.calls = False, 0
        if step.undo_failed:
            step.undo_failed, step.undo_calls = False, 0


def _ended(saga: Saga, event: SagaEvent) -> None:
    saga.state, saga.paused = str(event.detail.get("state", "ended")), False


_APPLY = {
    What.BEGAN: _began,
    What.CANCEL_ASKED: _cancel_asked,
    What.ROLLBACK_BEGAN: _rollback_began,
    What.ROLLBACK_ENDED: _rollback_ended,
    What.PAUSED: _paused,
    What.REQUEUED: _requeued,
    What.ENDED: _ended,
}


# -- of a step


def _ignore_step(saga: Saga, step: Step, event: SagaEvent) -> None:
    return


def _started(saga: Saga, step: Step, event: SagaEvent) -> None:
    if saga.rolled_back:  # it goes on from the savepoint that it was rolled back to
        saga.rollback, saga.rolled_back = None, False
    if step.undone or step.began < 0:
        step.began, step.undone = saga.events, False
    step.calls += not event.detail.get("takeover")
    step.touched += 1
    step.running = event.attempt or 1
    step.skipped = False


def _done(saga: Saga, step: Step, event: SagaEvent) -> None:
    if step.began < 0 or step.undone:
        step.began, step.undone = saga.events, False
    step.done, step.running, step.lost = saga.events, 0, -1


def _failed(saga: Saga, step: Step, event: SagaEvent) -> None:
    step.running = 0
    if event.detail.get("unknown"):
        step.lost = saga.events
    step.failed = step.failed or bool(event.detail.get("last"))


def _skipped(saga: Saga, step: Step, event: SagaEvent) -> None:
    step.skipped, step.running = True, 0


def _compensating(saga: Saga, step: Step, event: SagaEvent) -> None:
    rollback = saga.compensating()
    begun = step.undo_calls > 0  # in another rollback, of which this one is the continuation
    if rollback is not None and step.name not in rollback.undone and not begun:
        rollback.undone[step.name] = step.took
        rollback.depth += 1
    step.undo_calls += not event.detail.get("takeover")
    step.undoing = event.attempt or 1


def _compensated(saga: Saga, step: Step, event: SagaEvent) -> None:
    step.undone, step.undoing, step.undo_calls, step.undo_failed = True, 0, 0, False
    step.done, step.lost, step.failed = -1, -1, False
    step.calls = step.touched = 0


def _compensation_failed(saga: Saga, step: Step, event: SagaEvent) -> None:
    step.undoing = 0
    step.undo_failed = step.undo_failed or bool(event.detail.get("last"))


_APPLY_STEP = {
    What.STARTED: _started,
    What.DONE: _done,
    What.FAILED: _failed,
    What.SKIPPED: _skipped,
    What.COMPENSATING: _compensating,
    What.COMPENSATED: _compensated,
    What.COMPENSATION_FAILED: _compensation_failed,
}
