"""All validators of a run: when they look, and what becomes of what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Protocol

import attrs

from chaoscore.events import Checked, Event
from chaoscore.executor.hooks import Lane
from chaoscore.executor.judges import Judge, Observer
from chaoscore.executor.openings import FAILED
from chaoscore.protocols import Judgement, LimitsSteps, Moment, Scene
from chaoscore.spec import Expectation, Spec
from chaoscore.verdict import Severity, Verdict

HEALTH = "target health"


class Hall(Protocol):
    """What the panel needs of the run."""

    def scene(self, expectation: str) -> Scene: ...
    async def hook(
        self, who: str, hook: str, verdict: Verdict, function: Callable[..., Any], *args: Any, lane: Lane | None = None
    ) -> Any: ...
    def found(self, judge: Judge, judgement: Any, verdict: Verdict | None = None) -> int: ...
    def trouble(self, who: str, hook: str, error: BaseException, verdict: Verdict) -> None: ...
    def emit(self, event: Event) -> None: ...
    def elapsed_s(self) -> float: ...


class Panel:
    """The judges of a run. Each is asked, whatever the others say; one that fails is *unknown* and asked no more."""

    def __init__(self, spec: Spec, hall: Hall) -> None:
        self._hall, self._spec = hall, spec
        self._failed: set[Judge] = set()
        self._checks = Lane("chaoscore-checks")
        self.judges: tuple[Judge, ...] = ()

    def start(self, subscribe: Callable[[Any, Any], None]) -> None:
        """Start a checker for each expectation and show it the events that it wants."""
        self.judges = tuple(judge for each in self._expectations() if (judge := self._start(each)) is not None)
        for judge in self.judges:
            if judge.observes:
                subscribe(Observer(judge, self._observed, self._fail), judge.observes)

    def step_limits_s(self) -> dict[str, float]:
        """Return for each step how long it may take, by the scenario and by every validator that limits steps."""
        shared = [
            each.validator.step_limit_s for each in self._spec.expectations if isinstance(each.validator, LimitsSteps)
        ]
        general = self._spec.limits.step_s
        return {
            step.name: min([general if step.limit_s is None else step.limit_s, *shared])
            for step in self._spec.step_list
        }

    async def look(self, moment: Moment, verdict: Verdict | None = None) -> bool:
        """Let each judge that checks at *moment* do so; tell whether all of them looked and found nothing."""
        well = True
        for judge in self.judges:
            if judge.checks_at(moment) and not await self._ask(
                judge, "check", judge.checker.check, moment, verdict=verdict
            ):
                well = False
        return well

    async def watch(self, wait: Callable[[float], Any]) -> None:
        """Let judges look again and again while the workload runs; *wait* sleeps and says False when it is over."""
        watching = [
            asyncio.create_task(self._keep_looking(each, wait), name="chaoscore-checks")
            for each in self.judges
            if each.checks_at(Moment.DURING)
        ]
        try:
            await asyncio.gather(*watching)
        finally:
            for task in watching:
                task.cancel()
            for task in watching:
                with suppress(asyncio.CancelledError):
                    await task
            self._checks.close()

    async def conclude(self) -> None:
        """Let each judge look once more and judge the run as a whole."""
        await self.look(Moment.AFTER)
        for judge in self.judges:
            if judge.concludes:
                await self._ask(judge, "conclude", judge.checker.conclude)

    def _expectations(self) -> Sequence[Expectation]:
        health = getattr(self._spec.subject, "health", None)
        own = [Expectation(HEALTH, TargetHealth(health))] if callable(health) else []
        return [*own, *self._spec.expectations]

    def _start(self, expectation: Expectation) -> Judge | None:
        severity = self._spec.goals.severity(expectation.name, expectation.validator.severity)
        try:
            return Judge(expectation, severity, self._hall.scene(expectation.name))
        except Exception as error:  # noqa: BLE001 - becomes a trouble with verdict unknown
            self._hall.trouble(f"validator {expectation.name!r}", "start", error, Verdict.UNKNOWN)
            return None

    async def _keep_looking(self, judge: Judge, wait: Callable[[float], Any]) -> None:
        while judge not in self._failed and await wait(judge.every_s):
            await self._ask(judge, "check", judge.checker.check, Moment.DURING, lane=self._checks)

    async def _ask(
        self, judge: Judge, hook: str, function: Callable[..., Any], *args: Any,
        verdict: Verdict | None = None, lane: Lane | None = None,
    ) -> bool:  # fmt: skip
        if judge in self._failed:
            return False
        judgement = await self._hall.hook(judge.who, hook, Verdict.UNKNOWN, function, *args, lane=lane)
        if judgement is FAILED:
            self._failed.add(judge)
            return False
        try:
            findings = self._hall.found(judge, judgement, verdict)
        except TypeError as error:
            self._fail(judge, hook, error)
            return False
        self._hall.emit(Checked(self._hall.elapsed_s(), judge.name, findings))
        return not findings

    def _observed(self, judge: Judge, judgement: Any) -> None:
        self._hall.found(judge, judgement)

    def _fail(self, judge: Judge, hook: str, error: BaseException) -> None:
        self._failed.add(judge)
        self._hall.trouble(judge.who, hook, error, Verdict.UNKNOWN)


@attrs.frozen
class TargetHealth:
    """Asks the target's own `health` before any fault and after all of them."""

    kind: ClassVar[str] = "health"
    call: Callable[[], Any]
    severity: Severity = Severity.CRITICAL

    def start(self, scene: Scene) -> _HealthChecker:
        """Return the checker for one run."""
        return _HealthChecker(self.call)


class _HealthChecker:
    moments = frozenset({Moment.BEFORE, Moment.AFTER})
    every_s = 1.0

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def check(self, moment: Moment) -> Any:
        result = self._call()
        return _judge_later(result, moment) if asyncio.iscoroutine(result) else _judge_health(result, moment)


async def _judge_later(result: Any, moment: Moment) -> Judgement:
    return _judge_health(await result, moment)


def _judge_health(result: Any, moment: Moment) -> Judgement:
    if result is None or result is True:
        return None
    return f"the target's health is {result!r} {moment} the faults"
