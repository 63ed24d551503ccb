"""
Terms that are armed at one failpoint: counted, decided under a lock, acted upon outside of it.

So a caller that sleeps or is paused holds up neither other callers nor whoever disarms.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count, repeat
from operator import length_hint
from typing import Any, ClassVar

from chaos_failpoint.actions import Action, Moment
from chaos_failpoint.awaiting import tell
from chaos_failpoint.children import process_path
from chaos_failpoint.evaluation import LONGEST, Counts, Draw, Gaps, evaluate, lull
from chaos_failpoint.handles import Failpoint, Lull, Returned
from chaos_failpoint.hits import Hit
from chaos_failpoint.plans import Plan
from chaos_failpoint.seeds import seed
from chaos_failpoint.signals import Signal
from chaoscore import Clock, Place, Stream, SystemClock, record_event

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here

LULLS = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether hits may be counted without a lock; on free-threaded builds they may not."""

_CLOCK = SystemClock()


class State(Lull):
    """
    Where the evaluation of an arming stands in one logical task; or, with no place, in all code outside of runs.

    Attributes:
        gaps: What its probabilities have before them.
        counts: What its counts have left; those of the whole arming, or of this task alone.
        draw: Where its numbers come from; None until it needs one.
    """

    __slots__ = ("_length", "_remaining", "counts", "draw", "gaps")

    def __init__(self, place: Place | None, plan: Plan, counts: Counts) -> None:
        super().__init__(place, None, iter(()))
        self.gaps, self.counts = Gaps(plan.terms), counts
        self.draw: Draw | None = None
        self._length, self._remaining = 0, repeat(None, 0)

    @property
    def left(self) -> int:
        """Return for how many more hits nothing strikes."""
        return length_hint(self._remaining)

    @property
    def taken(self) -> int:
        """Return how many hits there were in the present lull."""
        return self._length - self.left

    def begin_lull(self, length: int, meter: Iterator[object] | None) -> None:
        """Let nothing strike for so many hits, each of which takes an item from *meter* as well, if there is one."""
        self._length, self._remaining = length, repeat(None, length)
        self.ticks = self._remaining if meter is None else zip(self._remaining, meter)  # noqa: B905 - as long as the first


class Meter:
    """Counts in C: an endless supply of items, which knows how many were taken."""

    def __init__(self) -> None:
        self.items = repeat(None, LONGEST)

    @property
    def taken(self) -> int:
        """Return how many items were taken."""
        return LONGEST - length_hint(self.items)


class Arming:
    """
    What is armed at one failpoint, by one call.

    Attributes:
        handle: The failpoint.
        plan: What is armed.
        fired: How often a fault struck.
        waiting: How many threads and tasks it holds.
        released: Happens when it is disarmed or armed anew: those who are paused go on.
    """

    scope: ClassVar[str]
    by_block: ClassVar[bool] = False
    scenario: str | None = None

    def __init__(self, handle: Failpoint, plan: Plan) -> None:
        self.handle, self.plan = handle, plan
        self.begin()

    def begin(self) -> None:
        """Begin to count; also anew, in a child that was forked."""
        self.fired = self.waiting = self._hits = 0
        self.released = Signal()
        self.lock = threading.Lock()
        self.counts = Counts(self.plan.terms)
        self.outside = State(None, self.plan, self.counts)
        self._in_runs = Meter()

    @property
    def hits(self) -> int:
        """Return how many hits were evaluated."""
        with self.lock:
            return self._hits + self.outside.taken + self._in_runs.taken

    # -- what differs by scope

    @property
    def injector(self) -> str:
        """Return whom to blame for a fault."""
        return f"failpoint {self.handle.name}"

    def reaches(self, hit: Hit) -> bool:
        """Tell whether a hit is one that this evaluates."""
        raise NotImplementedError

    def misses(self, hit: Hit) -> bool:
        """Tell whether this can strike neither at a hit, nor at any other of the same task in the same blocks."""
        return not self.reaches(hit)

    def must_be_asked(self, hit: Hit) -> bool:
        """Tell whether the run that *hit* belongs to has to ask this."""
        return False

    def clock(self, hit: Hit) -> Clock:
        """Return the clock by which to sleep."""
        return _CLOCK if hit.place is None else hit.place.run.clock

    def landed(self, hit: Hit, action: Action) -> None:
        """Take note of a fault that lands; its count comes after that, for those who wait for it."""
        record_event("failpoint.fired", name=self.handle.name, action=action.name, terms=self.plan.text)

    def draws(self, state: State) -> Draw:
        """Return what draws numbers for *state*, always the same ones for the same task."""
        place: Any = state.place
        if place is None:
            return numbers(Stream(self.seed, self.identity, -1, process_path()))
        return numbers(Stream(place.run.seed, self.identity, place.iteration, place.path))

    def draws_by_key(self, hit: Hit) -> Draw:
        """Return what draws numbers for a hit that has a ``key``: they depend on nothing else."""
        number = self.seed if hit.place is None else hit.place.run.seed
        return numbers(Stream(number, f"{self.identity} {hit['key']!r}", -1, ()))

    @property
    def seed(self) -> int:
        """Return the seed of what is drawn outside of runs."""
        return seed()

    @property
    def identity(self) -> str:
        """Return what tells the numbers that are drawn here from those that are drawn elsewhere."""
        return self.injector

    # -- deciding

    def state(self, hit: Hit) -> State:
        """Return where the evaluation stands for the task that hits."""
        if hit.place is None:
            return self.outside
        state: State | None = hit.place.memory.get(self)
        if state is None:
            state = hit.place.memory[self] = State(hit.place, self.plan, self.counts)
        return state

    def decide(self, hit: Hit, draw: Draw | None = None) -> int | None:
        """
        Return which term fires, or None.

        Args:
            hit: The hit; it was found to be in reach.
            draw: Where numbers come from; by default from `draws`.
        """
        hit.seen.append(self)
        matching = [hit.matches(term.filters, self.scenario) for term in self.plan.terms]
        keyed = self.draws_by_key(hit) if "key" in hit else None
        with self.lock:
            state = self.state(hit)
            if keyed is None:
                for _ in state.ticks:
                    return None
            self._hits += 1
            hit.draw = keyed or draw or self._own_draws(state)
            fires = evaluate(self.plan.terms, matching, state.counts, None if keyed else state.gaps, hit.draw)
            if LULLS and keyed is None:
                self._begin_lull(state, hit.draw)
            return fires

    def _begin_lull(self, state: State, draw: Draw) -> None:
        outside = state is self.outside
        self._hits += state.taken if outside else 0
        length = lull(self.plan.terms, state.counts, state.gaps, draw)
        state.begin_lull(length, None if outside else self._in_runs.items)

    def _own_draws(self, state: State) -> Draw:
        if state.draw is None:
            state.draw = self.draws(state)
        return state.draw

    # -- acting

    def count(self, *, holding: bool = False) -> None:
        """Count a fault that lands now, and whether it holds anybody."""
        with self.lock:
            self.fired += 1
            self.waiting += holding
        tell(self.handle)

    def begin_act(self, action: Action) -> None:
        """Count a fault that lands as soon as it begins."""
        if action.prompt:
            self.count(holding=action.blocks)

    def end_act(self, action: Action) -> None:
        """Count a fault that holds nobody any more."""
        if action.blocks:
            with self.lock:
                self.waiting -= 1

    def act(self, action: Action, moment: Moment) -> Returned | None:
        """Let *action* happen to the calling thread."""
        self.begin_act(action)
        try:
            return action.act(moment)
        finally:
            self.end_act(action)

    async def aact(self, action: Action, moment: Moment) -> Returned | None:
        """Let *action* happen to the calling task."""
        self.begin_act(action)
        try:
            return await action.aact(moment)
        finally:
            self.end_act(action)


class Outside:
    """Takes note of one strike for which no run was asked."""

    def __init__(self, arming: Arming, hit: Hit, action: Action) -> None:
        self.arming, self.hit, self.action = arming, hit, action
        self.place = hit.place

    def landed(self) -> None:
        """Take note that the fault lands."""
        self.arming.landed(self.hit, self.action)
        self.arming.count()

    def armed(self) -> Callable[[], None]:
        """Return what to call when it lands."""
        return self.landed


def numbers(stream: Stream) -> Draw:
    """Return what draws the numbers of *stream*, one after the other."""
    drawn = count()
    return lambda: stream.uniform(next(drawn))
