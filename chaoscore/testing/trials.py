"""Runs of one injector, and what must come of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs

from chaoscore.clock import Clock
from chaoscore.context import CURRENT
from chaoscore.events import Fired, Lifted, Opened, Trouble
from chaoscore.protocols import Injector, Moment, Opens, Site, Undo
from chaoscore.scenario import Scenario
from chaoscore.testing.builders import NAME, NOTHING_PROVIDED, Step
from chaoscore.testing.gauges import Gauge, InEffect
from chaoscore.testing.hand import HOOK_S
from chaoscore.testing.occasions import Occasion
from chaoscore.testing.openings import HOOKS_HOLD, LIFTS, Providers
from chaoscore.testing.promises import PlannedError, Promise, fail
from chaoscore.testing.runs import Recording, cancelled, preceded, recorded
from chaoscore.testing.traces import left_since, traces

STRIKES = Promise(
    "it strikes where it can, and has evidence of it",
    "let `make` return one that strikes every time, and pass `strike=`, a step in which it does; tell a fault that no "
    "point asks for by `site.landed(...)`, or let what `open` yields have `evidence()`; where a fault is armed at a "
    "point and strikes later, let that step last until it has",
)
TRUTHFUL = Promise(
    "its evidence is true: no fault where it was not asked, and as many as landed",
    "count a fault where it has taken effect, not where it was planned or armed, and begin at 0 with each opening",
)
REPEATABLE = Promise(
    "the same seed brings the same faults, in every run with the same injector and whatever the interleaving",
    "decide by `ask.chance`, `ask.between`, `ask.count` and `site.draw` alone, and keep state in what `open` yields; "
    "pass `deterministic=False` if it is meant to depend on time; where faults are armed and strike later, let "
    "`strike=` last until they have",
)
TAKES_EFFECT = Promise(
    "its fault is in effect while it is open, and not before",
    "inject before `yield`, or correct the `in_effect=` that was passed",
)

SEED = 7
IDLE = "conformance: idle"

Way = Callable[[Scenario, Clock], Recording]
"""A way to run a scenario to one of its ends."""


@attrs.frozen
class Trial:
    """
    What the runs of one injector have in common; the parameters are those of `check_injector`.

    Attributes:
        make: Returns the injector.
        target: Returns a system under test.
        in_effect: Tells of it whether the fault is in effect.
        iterations: Iterations of each run.
        clock: Returns the clock of a run.
        providers: What is there before the target, by its names.
    """

    make: Callable[[], Injector]
    target: Callable[[], Any]
    in_effect: InEffect | None
    iterations: int
    clock: Callable[[], Clock]
    providers: Providers = NOTHING_PROVIDED

    def check_evidence(self, occasion: Occasion, idle: Step | None) -> None:
        """See that something lands, that the evidence says so, and that it says nothing where nothing did."""
        injector = self.make()
        tried = f"ran the step {self.iterations} times under it"
        recording = self._run(injector, occasion)
        said, seen = _said(recording), len(_landed(recording))
        if not said:
            raise STRIKES.broken(injector, tried, f"{_asked(recording)}it says that {said} faults landed")
        if said < seen or (said > seen and not isinstance(injector, Opens)):
            raise TRUTHFUL.broken(injector, tried, f"it says that {said} faults landed, and {seen} did")
        if idle is not None and (said := _said(self._run(injector, occasion, idle=idle))):
            tried = f"ran a step {self.iterations} times that gives it no occasion"
            raise TRUTHFUL.broken(injector, tried, f"it says that {said} faults landed")

    def check_repeatable(self, occasion: Occasion, deterministic: bool) -> None:
        """See that a second run with the same injector, and one with another like it, bring the same faults."""
        injector = self.make()
        first, second = (self._run(injector, occasion, workers) for workers in (1, 2))
        if not _said(second):
            raise REPEATABLE.broken(injector, "used it in a second run", "nothing landed there any more")
        if deterministic:
            fresh = self._run(self.make(), occasion, 2)
            _compare(injector, "used it in two runs with one seed", first, second)
            _compare(injector, "ran another one like it with the same seed", first, fresh)

    def check_lifting(self, occasion: Occasion) -> None:
        """See that the fault is lifted, whichever way a run ends."""
        for tried, way in WAYS.items():
            injector, gauge, before = self.make(), Gauge(self.in_effect), traces()
            recording = way(self._scenario(injector, gauge, occasion), self.clock())
            _check_hooks(injector, recording, tried)
            _check_lifted(injector, recording, tried)
            _check_effect(injector, gauge, tried, looked=way is _to_the_end)
            left = left_since(before)
            if left:
                raise LIFTS.broken(injector, tried, f"it left: {'; '.join(left)}")

    def _scenario(self, injector: Injector, gauge: Gauge, occasion: Occasion) -> Scenario:
        scenario = Scenario("conformance").target(self.target()).limit(step="900d", hook=HOOK_S)
        scenario = scenario.step("conformance: look", gauge.look).step(occasion.name, occasion.step)
        scenario = scenario.inject(NAME, injector).expect("in effect", gauge)
        for name, provider in self.providers.items():
            scenario = scenario.provide(name, provider)
        return scenario.repeat(self.iterations).continue_on_failure().thresholds("relaxed")

    def _run(self, injector: Injector, occasion: Occasion, workers: int = 1, idle: Step | None = None) -> Recording:
        """Run *occasion*, or *idle* in its place."""
        scenario = self._scenario(injector, Gauge(self.in_effect), occasion).workers(workers)
        scenario = preceded(scenario, "conformance: meet", _meeting(workers, self.iterations))
        if idle is not None:  # the step must be there, for an injector that strikes at its borders, and not be reached
            scenario = preceded(preceded(scenario, "conformance: fail", fail), IDLE, idle)
        recording = recorded(scenario, seed=SEED, clock=self.clock())
        _check_hooks(injector, recording, f"ran a step {self.iterations} times")
        return recording


# -- what a run shows


def _said(recording: Recording) -> int | None:
    """Return how many faults landed by the injector's own account; None where it has none."""
    said = [each.fired for each in recording.of(Lifted) if each.injector == NAME and each.fired is not None]
    return sum(said) if said else None


def _asked(recording: Recording) -> str:
    lifted = [each for each in recording.of(Lifted) if each.injector == NAME and each.asked is not None]
    asked, armed = sum(each.asked or 0 for each in lifted), sum(each.armed for each in lifted)
    return (f"asked {asked} times, " if lifted else "") + (f"armed {armed} times, " if armed else "")


def _landed(recording: Recording) -> list[Fired]:
    return [each for each in recording.of(Fired) if each.injector == NAME]


def _identities(recording: Recording) -> set[str]:
    return {
        f"{each.fault} ({each.detail}) at {each.point!r}, iteration {each.iteration}, task {each.path}, ask {each.n}"
        for each in _landed(recording)
        if each.point != "outside"
    }


def _meeting(workers: int, iterations: int) -> Step:
    """Return a step in which all workers wait for each other, so that none of them does all the work."""
    barrier = threading.Barrier(workers, timeout=HOOK_S)

    def meet(target: Any) -> None:
        place = CURRENT.get()
        if place is not None and place.iteration < iterations - iterations % workers:
            barrier.wait()

    return meet


def _compare(injector: Injector, tried: str, one: Recording, other: Recording) -> None:
    differing = sorted(_identities(one) ^ _identities(other))
    if differing:
        raise REPEATABLE.broken(injector, tried, f"{len(differing)} faults differ, such as {differing[0]}")


def _check_hooks(injector: Injector, recording: Recording, tried: str) -> None:
    for trouble in recording.of(Trouble):
        if trouble.who == f"injector {NAME!r}":
            promise = LIFTS if trouble.hook == "lift" else HOOKS_HOLD
            found = f"its {trouble.hook} raised {trouble.error.type}: {trouble.error.message}"
            raise promise.broken(injector, tried, found)


def _check_lifted(injector: Injector, recording: Recording, tried: str) -> None:
    opened, lifted = (
        sum(each.injector == NAME for each in events) for events in (recording.of(Opened), recording.of(Lifted))
    )
    if opened != 1 or lifted != 1:
        raise LIFTS.broken(injector, tried, f"opened {opened} times, lifted {lifted} times")


def _check_effect(injector: Injector, gauge: Gauge, tried: str, looked: bool) -> None:
    """See what *gauge* has seen; it has *looked* while the fault was open where a run was not cut short."""
    if gauge.in_effect is None:
        return
    if Moment.BEFORE in gauge.seen_at:
        raise TAKES_EFFECT.broken(injector, tried, "in_effect was true before it was opened")
    if Moment.AFTER in gauge.seen_at:
        raise LIFTS.broken(injector, tried, "the fault was still in effect when it had been lifted")
    if looked and not gauge.seen_while_open:
        raise TAKES_EFFECT.broken(injector, tried, "in_effect was false all the time")


# -- the ways in which a run ends


@attrs.frozen
class _Refusing:
    """Does not open."""

    kind: ClassVar[str] = "refusing"
    undo: ClassVar[Undo] = Undo.KERNEL

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        raise PlannedError("this injector never opens")
        yield


def _to_the_end(scenario: Scenario, clock: Clock) -> Recording:
    return recorded(scenario, seed=SEED, clock=clock)


def _failing(scenario: Scenario, clock: Clock) -> Recording:
    return _to_the_end(preceded(scenario, "conformance: fail", fail).continue_on_failure(False), clock)


def _beside_one_that_refuses(scenario: Scenario, clock: Clock) -> Recording:
    return _to_the_end(scenario.inject("refusing", _Refusing()), clock)


def _cancelled(scenario: Scenario, clock: Clock) -> Recording:
    return cancelled(scenario, seed=SEED, clock=clock)


WAYS: dict[str, Way] = {
    "ran it to the end": _to_the_end,
    "ran it with a step that fails": _failing,
    "ran it with another injector that does not open": _beside_one_that_refuses,
    "cancelled its run": _cancelled,
}
