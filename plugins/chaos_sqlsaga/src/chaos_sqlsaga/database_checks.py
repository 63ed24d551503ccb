"""Validators that look at the database itself: is the queue empty, and do rows and history agree?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Any, ClassVar

import attrs

from chaos_sqlsaga.checkers.consistency import Book, consistent
from chaos_sqlsaga.parameters import is_function, optional_interval, weight
from chaos_sqlsaga.validators import MOST
from chaoscore import Moment, Scene, Severity, Violation, seconds

LOOK_S = 0.05
"""Seconds between two looks at a queue that is being emptied."""


@attrs.frozen
class QueueEmpty:
    """
    When the workload is over, nothing is left to do.

    Attributes:
        left: A function of the target that returns how much is left: a number, or a mapping from what it is to how
            many; `unfinished` for our own engine.
        within_s: How long workers that go on by themselves may take to finish it, seconds.
        severity: What a finding weighs.
    """

    kind: ClassVar[str] = "saga.queue_empty"

    left: Callable[[Any], Any] = attrs.field(validator=is_function)
    within_s: float = attrs.field(default=0.0, converter=seconds, alias="within", kw_only=True)
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _Queue:
        """Return a checker for one run."""
        return _Queue(self, scene)


class _Queue:
    moments: ClassVar[frozenset[Moment]] = frozenset({Moment.AFTER})
    every_s: ClassVar[float] = 1.0

    def __init__(self, empty: QueueEmpty, scene: Scene) -> None:
        self._empty, self._scene = empty, scene

    async def check(self, moment: Moment) -> Violation | None:
        """Wait until it is empty, or too late."""
        clock = self._scene.clock
        until_s = clock.monotonic() + self._empty.within_s
        while (left := await self._left()) and clock.monotonic() < until_s:
            await clock.asleep(LOOK_S)
        if not left:
            return None
        what = ", ".join(f"{number} {name}" for name, number in left.items())
        waited = f" after {self._empty.within_s:g} s" if self._empty.within_s else ""
        return Violation(f"the queue is not empty{waited}: {what}", data=left)

    async def _left(self) -> dict[str, int]:
        found = self._empty.left(self._scene.target)
        if isawaitable(found):
            found = await found
        counted = dict(found) if isinstance(found, Mapping) else {"left": int(found)}
        return {str(name): int(number) for name, number in counted.items() if number}


@attrs.frozen
class Consistent:
    """
    What the database says of sagas that have ended is what their history says.

    Attributes:
        books: A function of the target that returns rows and history of each saga; `books` for our own engine.
        every_s: Seconds between two checks while the workload runs; None: only when all faults are lifted.
        severity: What a finding weighs.
    """

    kind: ClassVar[str] = "saga.consistent"

    books: Callable[[Any], Iterable[Book]] = attrs.field(validator=is_function)
    every_s: float | None = attrs.field(default=None, converter=optional_interval, alias="every", kw_only=True)
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def start(self, scene: Scene) -> _Consistency:
        """Return a checker for one run."""
        return _Consistency(self, scene)


class _Consistency:
    def __init__(self, check: Consistent, scene: Scene) -> None:
        self._books, self._scene = check.books, scene
        during = frozenset[Moment]() if check.every_s is None else frozenset({Moment.DURING})
        self.moments = frozenset({Moment.AFTER}) | during
        self.every_s = check.every_s or 1.0
        self._told: set[str] = set()

    def check(self, moment: Moment) -> list[Violation]:
        """Compare all of it, and say of each saga once what is wrong."""
        found = consistent(self._books(self._scene.target), self._scene.clock.wall())
        fresh = [each for each in found if str(each) not in self._told][: max(0, MOST - len(self._told))]
        self._told.update(map(str, fresh))
        return [
            Violation(str(each), step=each.step, data={"saga": each.saga, "definition": each.definition})
            for each in fresh
        ]
