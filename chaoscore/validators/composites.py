"""Validators made of validators."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from inspect import isawaitable
from typing import Any, ClassVar

import attrs

from chaoscore.events import Event
from chaoscore.protocols import Checks, Concludes, LimitsSteps, Moment, Observes, Scene, Validator, Violation
from chaoscore.spec import asks_target
from chaoscore.validators.answers import violations
from chaoscore.validators.parameters import Weight, weight
from chaoscore.validators.states import StateConsistency
from chaoscore.verdict import Severity, Verdict

_Sift = Callable[[list[Violation]], list[Violation]]


@attrs.frozen(init=False)
class _Composite:
    kind: ClassVar[str]

    validators: tuple[Validator, ...]
    severity: Severity

    def __init__(self, *validators: Validator | Callable[[Any], object], severity: Weight | None = None) -> None:
        """
        Join *validators*.

        Args:
            validators: At least one; a plain function of the target stands for the `state_consistency` of it.
            severity: What findings weigh, whatever their validators say; by default the worst of theirs.

        Raises:
            ValueError: There are none.
            TypeError: One of them is no validator.
        """
        if not validators:
            raise ValueError(f"{self.kind} needs at least one validator")
        children = tuple(_validator(self.kind, each) for each in validators)
        most = max((child.severity for child in children), key=lambda each: each.verdict.rank)
        self.__attrs_init__(children, most if severity is None else weight(severity))

    @property
    def step_limit_s(self) -> float:
        """Return the smallest of the limits that the validators set to a step; infinite where none does."""
        return min((each.step_limit_s for each in self.validators if isinstance(each, LimitsSteps)), default=math.inf)


@attrs.frozen(init=False)
class AllOf(_Composite):
    """
    All of several validators hold.

    Attributes:
        validators: Each of them is a part of it, and what any of them finds is a finding.
        severity: What findings weigh, whatever their validators say; by default the worst of theirs.
    """

    kind: ClassVar[str] = "all_of"

    def start(self, scene: Scene) -> _CompositeChecker:
        """Return a checker for one run."""
        return _CompositeChecker(self.validators, scene)


@attrs.frozen(init=False)
class AnyOf(_Composite):
    """
    At least one of several validators has found nothing when the run is over.

    Where none holds, one finding says what each of them found first. It is *unknown* where one of them could not tell.

    Attributes:
        validators: The alternatives.
        severity: What findings weigh, whatever their validators say; by default the worst of theirs.
    """

    kind: ClassVar[str] = "any_of"

    def start(self, scene: Scene) -> _CompositeChecker:
        """Return a checker for one run."""
        return _AlternativesChecker(self.validators, scene)


def _validator(kind: str, value: object) -> Validator:
    if asks_target(value):
        return StateConsistency(value)
    if isinstance(value, type) or not isinstance(value, Validator):
        raise TypeError(f"{kind} takes validators such as thread_limit(200), or functions of the target, not {value!r}")
    return value


class _Child:
    """One validator of a composite in one run; where it raises, that is what it found, and the others go on."""

    def __init__(self, validator: Validator, scene: Scene) -> None:
        checker: Any = validator.start(scene)
        self.kind = validator.kind
        self.observes: tuple[type[Event], ...] = checker.observes if isinstance(checker, Observes) else ()
        self.moments: frozenset[Moment] = checker.moments if isinstance(checker, Checks) else frozenset()
        self.every_s: float = checker.every_s if Moment.DURING in self.moments else math.inf
        self.concludes = isinstance(checker, Concludes)
        self.count, self.told = 0, False
        self.first: Violation | None = None
        self._checker = checker
        self._observe: Callable[[Any], object] = checker.observe if self.observes else _ignore
        self._due_s = 0.0

    def due(self, moment: Moment, now_s: float) -> bool:
        """Tell whether it wants to look now: a composite looks as often as its most eager part."""
        if moment not in self.moments or (moment is Moment.DURING and now_s < self._due_s):
            return False
        if moment is Moment.DURING:
            self._due_s = now_s + self.every_s * 0.9  # a check that comes a little early must not wait for the next
        return True

    def observe(self, event: Event) -> list[Violation] | None:
        try:
            answer = self._observe(event)
            return None if answer is None else self._found(violations(answer))
        except Exception as error:  # noqa: BLE001 - becomes a finding
            self._observe = _ignore
            return self._failed("observe", error)

    def ask(self, hook: str, *args: object) -> list[Violation] | Awaitable[object]:
        """Return what it finds when *hook* is called, or what has to be awaited first."""
        try:
            answer = getattr(self._checker, hook)(*args)
            return answer if isawaitable(answer) else self._found(violations(answer))
        except Exception as error:  # noqa: BLE001 - becomes a finding
            return self._failed(hook, error)

    async def answered(self, hook: str, answer: Awaitable[object]) -> list[Violation]:
        """Return what it finds when *answer* is there."""
        try:
            return self._found(violations(await answer))
        except Exception as error:  # noqa: BLE001 - becomes a finding
            return self._failed(hook, error)

    def _failed(self, hook: str, error: Exception) -> list[Violation]:
        message = f"could not tell, its {hook} raised {type(error).__name__}: {error}"
        return self._found([Violation(message, verdict=Verdict.UNKNOWN)])

    def _found(self, found: Iterable[Violation]) -> list[Violation]:
        named = [attrs.evolve(each, message=f"{self.kind}: {each.message}") for each in found]
        self.count += len(named)
        self.told = self.told or any(each.verdict is not Verdict.UNKNOWN for each in named)
        self.first = self.first or next(iter(named), None)
        return named


class _CompositeChecker:
    """Observes, checks and concludes on behalf of all, and returns what any of them finds."""

    def __init__(self, validators: Sequence[Validator], scene: Scene) -> None:
        children = self._children = [_Child(each, scene) for each in validators]
        self.moments: frozenset[Moment] = frozenset().union(*(child.moments for child in children))
        self.every_s = min(child.every_s for child in children)
        self._elapsed_s = scene.elapsed_s
        kinds = dict.fromkeys(kind for child in children for kind in child.observes)
        self.observes = tuple(kinds)
        self._listeners = {kind: [child for child in children if kind in child.observes] for kind in kinds}

    def observe(self, event: Event) -> list[Violation] | None:
        found: list[Violation] | None = None
        for child in self._listeners[type(event)]:
            if (more := child.observe(event)) is not None:
                found = [*(found or ()), *more]
        return None if found is None else self._during(found)

    def check(self, moment: Moment) -> list[Violation] | Awaitable[list[Violation]]:
        now_s = self._elapsed_s()
        sift = self._at_once if moment is Moment.BEFORE else self._during
        return _asked([child for child in self._children if child.due(moment, now_s)], sift, "check", moment)

    def conclude(self) -> list[Violation] | Awaitable[list[Violation]]:
        return _asked([child for child in self._children if child.concludes], self._at_once, "conclude")

    def _during(self, found: list[Violation]) -> list[Violation]:
        """Return what to say while more may come."""
        return found

    def _at_once(self, found: list[Violation]) -> list[Violation]:
        """Return what to say now that it is needed: before the first fault, and at the end."""
        return found


class _AlternativesChecker(_CompositeChecker):
    """Keeps what is found until it is clear that none of the alternatives holds."""

    def _during(self, found: list[Violation]) -> list[Violation]:
        return []

    def _at_once(self, found: list[Violation]) -> list[Violation]:
        firsts = [child.first for child in self._children if child.first is not None]
        if len(firsts) < len(self._children):
            return []
        unknown = not all(child.told for child in self._children)
        what = "is known to hold" if unknown else "holds"
        each = "; ".join(first.message for first in firsts)
        return [
            Violation(
                f"none of {len(firsts)} alternatives {what}: {each}",
                data={"findings": {f"{n} {child.kind}": child.count for n, child in enumerate(self._children, 1)}},
                stack=next((first.stack for first in firsts if first.stack), ""),
                verdict=Verdict.UNKNOWN if unknown else None,
            )
        ]


def _asked(
    children: Sequence[_Child], sift: _Sift, hook: str, *args: object
) -> list[Violation] | Awaitable[list[Violation]]:
    """Ask *children*, and sift what they find: at once where all of them answer at once."""
    answers = [child.ask(hook, *args) for child in children]
    found = [answer for answer in answers if isinstance(answer, list)]
    if len(found) < len(answers):
        return _awaited(children, sift, hook, answers)
    return sift([each for answer in found for each in answer])


async def _awaited(
    children: Sequence[_Child], sift: _Sift, hook: str, answers: Sequence[list[Violation] | Awaitable[object]]
) -> list[Violation]:
    found: list[Violation] = []
    pairs = zip(children, answers, strict=True)
    try:
        for child, answer in pairs:
            found += answer if isinstance(answer, list) else await child.answered(hook, answer)
    finally:
        for _, left in pairs:  # cancelled: none may be left that was never awaited
            if isinstance(left, Coroutine):
                left.close()
    return sift(found)


def _ignore(_: Event) -> None:
    return None
