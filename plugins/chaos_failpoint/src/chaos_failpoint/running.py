"""What an open injector arms: failpoints that strike in its own run, through the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import attrs

from chaos_failpoint.actions import Action, Moment
from chaos_failpoint.arming import Arming, State
from chaos_failpoint.evaluation import Counts, Draw
from chaos_failpoint.grammar import format_term
from chaos_failpoint.handles import Failpoint
from chaos_failpoint.hits import Hit
from chaos_failpoint.switching import take
from chaoscore import Clock, Fault, Strike

if TYPE_CHECKING:
    from chaos_failpoint.injector import OpenFailpoints

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here


class RunArming(Arming):
    """Reaches the code of one run; and, where it is everywhere, whatever belongs to no run or to another one."""

    scope: ClassVar[str] = "run"

    def __init__(self, handle: Failpoint, opened: OpenFailpoints) -> None:
        self.opened = opened
        self.scenario = opened.site.scenario
        super().__init__(handle, opened.plan)

    @property
    def injector(self) -> str:
        return self.opened.site.injection

    def reaches(self, hit: Hit) -> bool:
        return self.opened.injector.everywhere and not self.opened.owns(hit.place)

    def misses(self, hit: Hit) -> bool:
        return not self.opened.injector.everywhere and not self.opened.owns(hit.place)

    def must_be_asked(self, hit: Hit) -> bool:
        if hit.place is None or not self.opened.owns(hit.place):
            return False
        state: State | None = hit.place.memory.get(self)
        if state is None or "key" in hit:
            return True
        for _ in state.ticks:
            hit.seen.append(self)
            return False
        return True

    def state(self, hit: Hit) -> State:
        place = hit.place
        if place is None or not self.opened.owns(place):
            return self.outside
        state: State | None = place.memory.get(self)
        if state is None:
            each_task = self.opened.injector.counts == "task"
            state = place.memory[self] = State(place, self.plan, Counts(self.plan.terms) if each_task else self.counts)
        return state

    def clock(self, hit: Hit) -> Clock:
        return self.opened.site.clock

    def landed(self, hit: Hit, action: Action) -> None:
        """Tell the run of a fault that lands outside of it."""
        term = self.plan.terms[self.plan.actions.index(action)]
        self.opened.site.landed(kind_of(action), self.handle.name, format_term(term))

    @property
    def seed(self) -> int:
        return self.opened.site.seed

    @property
    def identity(self) -> str:
        return f"{self.opened.site.injection} {self.handle.name}"


class Watch(Arming):
    """Finds out whether a run reaches a failpoint at which nothing else is armed; costs one hit, then goes away."""

    scope: ClassVar[str] = "watch"

    def __init__(self, handle: Failpoint, opened: OpenFailpoints) -> None:
        self.opened = opened
        super().__init__(handle, opened.plan)

    def reaches(self, hit: Hit) -> bool:
        return False

    def misses(self, hit: Hit) -> bool:
        return not self.opened.owns(hit.place)

    def must_be_asked(self, hit: Hit) -> bool:
        if self.opened.owns(hit.place):
            self.opened.reached.add(self.handle.name)
            take(self.handle, self)
        return False


class Inside:
    """Takes note of one strike for its run, which was asked."""

    def __init__(self, arming: RunArming, strike: Strike) -> None:
        self.arming, self.strike = arming, strike
        self.place = strike.place

    def landed(self) -> None:
        """Take note that the fault lands."""
        self.place.run.landed(self.strike)
        self.arming.count()

    def armed(self) -> Callable[[], None]:
        """Take note that it lands later, if at all; return what to call when it does."""
        struck = self.place.run.armed(self.strike)

        def landed() -> None:
            struck()
            self.arming.count()

        return landed


@attrs.frozen(eq=False)
class TermFault(Fault):
    """
    What a term does, as a fault that a run applies.

    Attributes:
        arming: What is armed.
        action: What it does.
        term: The term, as text.
        hit: Where; takes what is handed to the caller.
    """

    arming: RunArming
    action: Action
    term: str
    hit: Hit

    @property
    def kind(self) -> str:  # type: ignore[override]  # a value here, a constant in the base
        return kind_of(self.action)

    @property
    def blocks(self) -> bool:  # type: ignore[override]
        return self.action.blocks

    def apply(self, strike: Strike) -> None:
        """Let it happen to the calling thread."""
        self.hit.result = self.arming.act(self.action, self._moment(strike))

    async def aapply(self, strike: Strike) -> None:
        """Let it happen to the calling task."""
        self.hit.result = await self.arming.aact(self.action, self._moment(strike))

    def prompt(self) -> TermFault | None:
        """Return this, unless its action takes note itself."""
        return self if self.action.prompt else None

    def describe(self) -> str:
        """Return the term."""
        return self.term

    def _moment(self, strike: Strike) -> Moment:
        hit = self.hit
        assert hit.draw is not None
        landing = Inside(self.arming, strike)
        return Moment(strike.point, strike.injector, hit, hit.value, strike.clock, hit.draw, self.arming, landing)


def kind_of(action: Action) -> str:
    """Return what the event log calls the fault that *action* is."""
    return f"failpoint.{action.name}"


def fault_for(arming: RunArming, hit: Hit, draw: Draw) -> TermFault | None:
    """Return the fault that strikes at *hit*, or None."""
    index = arming.decide(hit, draw)
    action = None if index is None else arming.plan.actions[index]
    if index is None or action is None or not action.lands:
        return None
    return TermFault(arming, action, format_term(arming.plan.terms[index]), hit)
