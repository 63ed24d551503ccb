"""What must hold of sagas in a scenario: the rules of `chaos_sqlsaga.checkers` as validators."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Protocol, cast

import attrs

from chaos_sqlsaga import checkers
from chaos_sqlsaga.activity import Activity
from chaos_sqlsaga.checkers import Broken, Checker, Rule
from chaos_sqlsaga.errors import NoHistoryError
from chaos_sqlsaga.history import SagaEvent
from chaos_sqlsaga.parameters import is_count, is_function, optional_interval, positive_seconds, weight
from chaos_sqlsaga.recording import told
from chaoscore import Event, Moment, Recorded, Scene, Severity, Violation


class Grows(Protocol):
    """A history that is read again and again."""

    def read(self) -> Iterable[SagaEvent]:
        """Return what is new, in the order of each saga."""
        ...


History = Callable[[Any], Iterable[SagaEvent] | Grows]
"""
Returns what happened to the sagas of a target, in the order of each: `Engine.history`, `sql_history(...)`; or what
`Grows`, a `Tail`.
"""

MOST = 100
"""Findings of one validator; further ones are only counted."""


@attrs.frozen(kw_only=True)
class Judged:
    """
    Whose history is judged.

    Attributes:
        history: A function of the target that returns the whole history when the workload is over; None: what
            `record_saga_event` tells, which is judged as it comes.
        every_s: Seconds between two readings of a history that grows, such as a `Tail`; None: it is read once.
        severity: What the findings weigh.
    """

    history: History | None = attrs.field(default=None, validator=is_function)
    every_s: float | None = attrs.field(default=None, converter=optional_interval, alias="every")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return what must hold."""
        raise NotImplementedError

    def __attrs_post_init__(self) -> None:
        if self.every_s is not None and self.history is None:
            raise ValueError(f"{getattr(self, 'kind', 'it')} has every= for a history that grows, and no history=")

    def start(self, scene: Scene) -> SagaChecker:
        """Return a checker for one run."""
        return SagaChecker(self, scene)


class SagaChecker:
    """Judges the sagas of one run, as they are told of or at the end."""

    def __init__(self, judged: Judged, scene: Scene) -> None:
        self._judged, self._scene = judged, scene
        self._checker, self._activity = Checker(*judged.rules), Activity()
        self._epoch_s = scene.clock.wall() - scene.elapsed_s()
        self._found, self._lock = 0, threading.Lock()  # events come from workers, and looks from the run
        self.observes: tuple[type[Event], ...] = (*Activity.observes, Recorded)
        self._growing: Grows | None = None
        self._kept: list[Violation] = []
        stands = [each.stands_s / 4 for each in judged.rules if each.stands_s is not None]
        looks = judged.every_s is not None or (judged.history is None and bool(stands))
        self.moments = frozenset({Moment.DURING}) if looks else frozenset[Moment]()
        self.every_s = judged.every_s or min(stands, default=1.0)

    def observe(self, event: Event) -> list[Violation] | None:
        """Judge what was told; take note of what the injectors do."""
        with self._lock:
            if not isinstance(event, Recorded):
                self._activity.observe(event)
                return None
            said = None if self._judged.history is not None else told(event, self._epoch_s)
            return None if said is None else self._said(self._checker.see(said)) or None

    async def check(self, moment: Moment) -> list[Violation]:
        """
        Judge what is new, and look for sagas that stand still.

        When the workload ends, a look under way is cancelled, and what it returned would be lost. So it is kept here
        until it is returned, and `conclude` has the rest.
        """
        await asyncio.to_thread(self._look)
        found, self._kept = self._kept, []
        return found

    def _look(self) -> None:
        with self._lock:
            self._kept += [*self._read(), *self._said(self._checker.look(self._scene.clock.wall()))]

    def conclude(self) -> list[Violation]:
        """Judge the history, if it is one to be read, and what has not ended."""
        with self._lock:
            return [*self._kept, *self._concluded()]

    def _concluded(self) -> Iterator[Violation]:
        yield from self._read()
        if not self._checker.seen and self._activity_seen():
            raise NoHistoryError(self._scene.expectation)
        yield from self._said(self._checker.conclude(self._scene.clock.wall()))
        if self._found > MOST:
            yield Violation(f"... and {self._found - MOST} more, {self._found} in all", data={"findings": self._found})

    def _read(self) -> Iterator[Violation]:
        """Judge what the history says: all of it, or what is new."""
        if self._judged.history is None:
            return
        if self._judged.every_s is None:
            events = cast("Iterable[SagaEvent]", self._judged.history(self._scene.target))
        else:
            self._growing = self._growing or _growing(self._judged.history(self._scene.target))
            events = self._growing.read()
        for event in events:
            yield from self._said(self._checker.see(event))

    def _activity_seen(self) -> bool:
        """Tell whether anything was done in the run, so that a history without events says that nobody told it."""
        return self._scene.progress.succeeded + self._scene.progress.failed > 0

    def _said(self, broken: list[Broken]) -> list[Violation]:
        first = broken[: max(0, MOST - self._found)]
        self._found += len(broken)
        return [self._violation(each) for each in first]

    def _violation(self, broken: Broken) -> Violation:
        since, until = broken.since_s - self._epoch_s, broken.at_s - self._epoch_s
        active, struck = self._activity.active(since, until), self._activity.struck(since, until)
        shown = ", ".join(f"{name} ({struck[name]} x)" if name in struck else name for name in active)
        return Violation(
            f"{broken}{f'; active meanwhile: {shown}' if shown else ''}",
            step=broken.step,
            data={
                "rule": broken.rule, "saga": broken.saga, "definition": broken.definition, "step": broken.step,
                "worker": broken.worker, "active": list(active), "struck": dict(struck),
            },
        )  # fmt: skip


def _growing(history: Any) -> Grows:
    if not callable(getattr(history, "read", None)):
        raise TypeError(f"every= is for a history that grows, with read(), such as Tail(engine), not {history!r:.100}")
    return history  # type: ignore[no-any-return]


@attrs.frozen
class Ends(Judged):
    """Every saga ends, and ends completed or fully compensated; one that was aborted may stay as it is."""

    kind: ClassVar[str] = "saga.ends"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.ends,)


@attrs.frozen
class Mirrors(Judged):
    """Compensations mirror what was completed: just that, and in reverse."""

    kind: ClassVar[str] = "saga.mirrors"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.mirrors,)


@attrs.frozen
class ForwardOnly(Judged):
    """Nothing runs forward after a rollback began, nor after the end."""

    kind: ClassVar[str] = "saga.forward"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.forward,)


@attrs.frozen
class Calls(Judged):
    """No step is called more often than it was promised, nor by two workers at the same time."""

    kind: ClassVar[str] = "saga.calls"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.calls,)


@attrs.frozen
class Once(Judged):
    """A step that is not idempotent is called once."""

    kind: ClassVar[str] = "saga.once"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.once,)


@attrs.frozen
class Progress(Judged):
    """
    Nothing is stuck: every saga that is under way gets on.

    Attributes:
        limit_s: Longest time, seconds, for which nothing may happen to a saga that has not ended and waits for nobody.
    """

    kind: ClassVar[str] = "saga.progress"

    limit_s: float = attrs.field(converter=positive_seconds, alias="limit", kw_only=False, default=10.0)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.progress(self.limit_s),)


@attrs.frozen
class RollbackDepth(Judged):
    """
    Rollbacks are bounded.

    Attributes:
        limit: Most steps that one rollback compensates, 1 or more.
        rollbacks: Most rollbacks of one saga, 1 or more; None: any number.
    """

    kind: ClassVar[str] = "saga.rollback_depth"

    limit: int = attrs.field(validator=is_count, kw_only=False, default=10)
    rollbacks: int | None = attrs.field(default=None, validator=is_count)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rule."""
        return (checkers.depth(self.limit, self.rollbacks),)


@attrs.frozen
class Invariants(Judged):
    """
    All of these at once, in one pass over the history.

    Attributes:
        stuck_s: As of `saga.progress`, seconds.
        depth: As the limit of `saga.rollback_depth`; None: any.
        rollbacks: Most rollbacks of one saga; None: any number.
    """

    kind: ClassVar[str] = "saga.invariants"

    stuck_s: float = attrs.field(default=30.0, converter=positive_seconds, alias="stuck")
    depth: int | None = attrs.field(default=None, validator=is_count)
    rollbacks: int | None = attrs.field(default=None, validator=is_count)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules."""
        always = (checkers.ends, checkers.mirrors, checkers.forward, checkers.calls, checkers.once)
        return (*always, checkers.progress(self.stuck_s), checkers.depth(self.depth, self.rollbacks))
