"""
The run that a piece of code belongs to.

A context variable holds the `Place` of the logical task that is executing: which run, which iteration, and where in the
tree of tasks. Points look it up; outside a run there is none. This module imports nothing heavy, because library code
that carries points imports it in production.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from chaoscore.draw import Path, Stream, once
from chaoscore.errors import BlockingCallError, CancelReason, InjectedTimeout, mark_injected

if TYPE_CHECKING:
    import asyncio

    from chaoscore.clock import Clock

CURRENT: ContextVar[Place | None] = ContextVar("chaoscore_place", default=None)

running = 0
"""
How many runs there are in this process. Points look here first: a module global costs less than a context variable.
"""

CALLS = ("call", "value", "return")
"""How patched functions ask: when they are called, with each value that they give, and when they have returned."""

POINT_KINDS = ("delay", "error", "panic", "cancel", "network", "point", "failpoint", "border", *CALLS)
"""
What can ask: the `maybe_*` calls by name, a general `point`, failpoints that are armed, the borders of steps, and
functions that are patched from outside.
"""

_OUTSIDE_SCOPES = ("network", "border", *CALLS)

NO_TAGS: Mapping[str, object] = {}


class Active:
    """
    One open injection as points see it.

    Attributes:
        name: Its name in the scenario.
        scope: The component it belongs to, or None.
        at: Glob that the names of its points must match, or None for any.
        share: Probability that it is active in an iteration.
        answer: Asked at every matching point.
        asked: How often it was asked. A bare ``+= 1`` is exact: the interpreter switches threads only at calls and
            jumps.
        fired: How many of its faults landed; counted by the run, in the same way.
        armed: How many of its faults were to strike later, whether they then did or not; counted by the run.
    """

    __slots__ = ("_matches", "answer", "armed", "asked", "at", "fired", "name", "scope", "share")

    def __init__(
        self, name: str, scope: str | None, at: str | None, share: float, answer: Callable[[Ask], Fault | None]
    ) -> None:
        self.name, self.scope, self.at, self.share, self.answer = name, scope, at, share, answer
        self.asked = self.fired = self.armed = 0
        self._matches: dict[str, bool] = {}

    def strikes(self, kind: str, point: str) -> bool:
        """
        Tell whether this injection may strike at *point*.

        A point named ``db.read`` belongs to the component ``db``, and only injectors of that scope or of none strike
        there; a name without a dot belongs to no component and is open to all. So are hosts, the borders of steps and
        patched functions, whose dots separate something else.
        """
        if self.scope is None and self.at is None:
            return True
        known = self._matches.get(point)
        if known is None:
            known = self._compare(kind, point)
            if len(self._matches) < 1000:  # names with data in them must not make this grow for ever
                self._matches[point] = known
        return known

    def _compare(self, kind: str, point: str) -> bool:
        component, dot, _ = point.partition(".")
        if self.scope is not None and dot and component != self.scope and kind not in _OUTSIDE_SCOPES:
            return False
        return self.at is None or fnmatchcase(point, self.at)


class Ask:
    """
    What an injector is asked: shall a fault strike here?

    One object serves all asks of one injector in one logical task, so an injector must not keep it.

    Attributes:
        kind: What asks, one of `POINT_KINDS`.
        point: The name of the point.
        tags: What the point says about itself.
        iteration: Number of the iteration, from 0.
        n: How many times this task asked this injector before, from 0.
        elapsed_s: Seconds since the run started (read when asked for).
    """

    __slots__ = ("_counts", "_drawn", "_place", "_stream", "active", "kind", "n", "on", "point", "tags")

    def __init__(self, place: Place, active: Active) -> None:
        self._place, self.active = place, active
        self._stream: Stream | None = None
        self._counts: dict[object, int] | None = None
        self.n, self._drawn = -1, 0
        self.kind = self.point = ""
        self.tags: Mapping[str, object] = NO_TAGS
        self.on = active.share >= 1 or once(place.run.seed, active.name, place.iteration) < active.share

    @property
    def iteration(self) -> int:
        return self._place.iteration

    @property
    def elapsed_s(self) -> float:
        return self._place.run.elapsed_s()

    def uniform(self) -> float:
        """Return the next number in [0, 1) that belongs to this ask."""
        if self._stream is None:
            self._stream = Stream(self._place.run.seed, self.active.name, self._place.iteration, self._place.path)
        self._drawn += 1
        return self._stream.uniform(self.n, self._drawn)

    def chance(self, probability: float) -> bool:
        """Return True with *probability*, 0 to 1; 0 never and 1 always, without a draw."""
        if probability <= 0.0:
            return False
        return probability >= 1.0 or self.uniform() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number from *low* to *high*, uniformly; no draw where they are the same."""
        return low if low == high else low + (high - low) * self.uniform()

    def count(self, what: object) -> int:
        """
        Return how many times this task has counted *what* for this injector, this time included.

        For "strike at the third": counting inside one task, it is the third in every run with the same seed.
        """
        if self._counts is None:
            self._counts = {}
        self._counts[what] = self._counts.get(what, 0) + 1
        return self._counts[what]

    def next(self, kind: str, point: str, tags: Mapping[str, object]) -> None:
        """Turn to the next ask."""
        self.n += 1
        self._drawn = 0
        self.kind, self.point, self.tags = kind, point, tags


class Fault:
    """
    One concrete disturbance.

    A subclass says in `apply` what happens to synchronous code at the point, and in `aapply` what happens to a task; a
    fault that neither blocks nor awaits needs `apply` alone.

    Attributes:
        kind: What the event log and the reports call it.
        blocks: Whether `apply` blocks its thread, which a point refuses to do on a running event loop.
    """

    kind: str
    blocks: bool = False

    def apply(self, strike: Strike) -> None:
        """Do it to the calling thread."""
        raise NotImplementedError

    async def aapply(self, strike: Strike) -> None:
        """Do it to the calling task."""
        self.apply(strike)

    def prompt(self) -> Fault | None:
        """
        Return what of this fault lands as soon as it is applied: all of it, unless a subclass says otherwise.

        What strikes only later, if at all, is armed by `apply`: it calls ``strike.place.run.armed(strike)``, and what
        that returns when it does strike.
        """
        return self

    def describe(self) -> str:
        """Return the values of this fault as short text, for the event log."""
        return ""


class Strike:
    """A fault that lands: what it needs to be applied, and what the event log says of it."""

    __slots__ = ("ask", "fault", "place")

    def __init__(self, place: Place, ask: Ask, fault: Fault) -> None:
        self.place, self.ask, self.fault = place, ask, fault

    @property
    def injector(self) -> str:
        """Return the injector's name in the scenario."""
        return self.ask.active.name

    @property
    def point(self) -> str:
        """Return the name of the point."""
        return self.ask.point

    @property
    def clock(self) -> Clock:
        """Return the run's clock."""
        return self.place.run.clock

    def of(self, fault: Fault) -> Strike:
        """Return the strike of *fault*, which is a part of this one."""
        return Strike(self.place, self.ask, fault)

    def landed(self) -> None:
        """Let the run take note of what lands as soon as it is applied."""
        prompt = self.fault.prompt()
        if prompt is not None:
            self.place.run.landed(self if prompt is self.fault else self.of(prompt))


class Run:
    """
    A run as points see it; the executor subclasses it.

    Attributes:
        seed: Decides everything.
        clock: Reads time and sleeps.
        answering: For each kind of point, the open injections to ask; replaced as a whole when one opens or is lifted.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self.seed, self.clock = seed, clock
        self.answering: Mapping[str, tuple[Active, ...]] = dict.fromkeys(POINT_KINDS, ())

    def elapsed_s(self) -> float:
        """Return seconds since the run started."""
        raise NotImplementedError

    def landed(self, strike: Strike) -> None:
        """Take note of a fault that is about to be applied."""
        raise NotImplementedError

    def armed(self, strike: Strike) -> Callable[[], None]:
        """
        Take note of a fault that strikes later, if at all.

        Returns:
            To be called when it strikes, from any thread: it has landed then, once, as the ask that decided it.
        """
        raise NotImplementedError

    def recorded(self, place: Place, name: str, value: float | None, detail: dict[str, object], injected: bool) -> None:
        """Take note of what the system under test said of itself."""
        raise NotImplementedError

    def broke(self, active: Active, error: Exception) -> None:
        """Take note that *active* could not say whether a fault strikes; it is asked no more."""
        raise NotImplementedError


class Deadline:
    """
    What synchronous code runs into.

    Attributes:
        at_s: When, on the run's clock.
        active: The injection that set it.
        landed: Called when it strikes.
    """

    __slots__ = ("active", "at_s", "landed")

    def __init__(self, at_s: float, active: Active, landed: Callable[[], None]) -> None:
        self.at_s, self.active, self.landed = at_s, active, landed


class Place:
    """
    A logical task of an iteration.

    Attributes:
        run: The run it belongs to.
        worker: Number of the worker, from 0.
        iteration: Number of the iteration, from 0, over all workers.
        path: () for the step itself, (k,) for the k-th task, thread or pool job that it started, and so on.
        step: The step that is running.
        deadline: When synchronous code of this task times out; the tasks that it starts have the same one.
        memory: What parts remember of this task, by keys of their own; gone with it.
    """

    __slots__ = (
        "_asks", "_children", "_root", "_timers", "deadline", "iteration", "memory", "path", "run", "step", "worker"
    )  # fmt: skip

    def __init__(self, run: Run, worker: int, iteration: int, path: Path = (), root: Place | None = None) -> None:
        self.run, self.worker, self.iteration, self.path = run, worker, iteration, path
        self.step = ""
        self.deadline: Deadline | None = None
        self.memory: dict[object, Any] = {}
        self._asks: dict[str, Ask] = {}
        self._children = 0
        self._root = self if root is None else root
        self._timers: list[asyncio.Handle] = []

    def child(self) -> Place:
        """Return the place of the next task, thread or pool job that this one starts."""
        child = Place(self.run, self.worker, self.iteration, (*self.path, self._children), self._root)
        self._children += 1
        child.step, child.deadline = self.step, self.deadline
        return child

    def visit(self, kind: str, point: str, tags: Mapping[str, object] = NO_TAGS) -> None:
        """Ask every open injection that answers here, in order, and apply what they answer to the calling thread."""
        if self.deadline is not None:
            self._observe_deadline(point)
        for active in self.run.answering[kind]:
            strike = self._ask(active, kind, point, tags)
            if strike is not None:
                if strike.fault.blocks and running_loop() is not None:
                    raise BlockingCallError(*_FORMS.get(kind, (point, "asyncio.to_thread")))
                strike.landed()
                strike.fault.apply(strike)

    async def avisit(self, kind: str, point: str, tags: Mapping[str, object] = NO_TAGS) -> None:
        """Ask as `visit` does, and apply what they answer to the calling task."""
        if self.deadline is not None:
            self._observe_deadline(point)
        for active in self.run.answering[kind]:
            strike = self._ask(active, kind, point, tags)
            if strike is not None:
                strike.landed()
                await strike.fault.aapply(strike)

    def cancel(self, strike: Strike, after_s: float) -> None:
        """Cancel the asyncio task that is running here, or set this thread its deadline, if it has no earlier one."""
        loop = running_loop()
        task = None if loop is None else sys.modules["asyncio"].current_task(loop)
        active = strike.ask.active
        if task is None:
            at_s = self.run.clock.monotonic() + after_s
            if self.deadline is None or at_s < self.deadline.at_s:
                self.deadline = Deadline(at_s, active, self.run.armed(strike))
            self._observe_deadline(strike.point)
        elif after_s:
            landed = self.run.armed(strike)
            self._root._timers.append(task.get_loop().call_later(after_s, self._cancel_late, task, active, landed))
        else:
            task.cancel(CancelReason(active.name))
            self.until_left(task.get_loop().call_soon(_see_cancelled, task, self.run.armed(strike)))

    def until_left(self, handle: asyncio.Handle) -> None:
        """Cancel *handle*, which sees a cancellation strike, when the step ends; not in a task that it started."""
        if self is self._root:  # a step may end before it awaits, and is not cancelled then; any other task is
            self._timers.append(handle)

    def leave(self) -> None:
        """End the step: cancellations still under way must not hit the next one."""
        self.deadline = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _ask(self, active: Active, kind: str, point: str, tags: Mapping[str, object]) -> Strike | None:
        if not active.strikes(kind, point):
            return None
        ask = self._asks.get(active.name)
        if ask is None:
            ask = self._asks[active.name] = Ask(self, active)
        elif ask.active is not active:  # its window has opened again, and the draws go on where they were
            ask.active = active
        if not ask.on:
            return None
        ask.next(kind, point, tags)
        active.asked += 1
        try:
            fault = active.answer(ask)
        except (RecursionError, MemoryError):
            raise  # the code that reached the point has used them up
        except Exception as error:  # noqa: BLE001 - a bug of the injector must not look like one of that code
            self._broke(active, error)
            return None
        if isinstance(fault, Fault):
            return Strike(self, ask, fault)
        if fault is not None:
            self._broke(active, TypeError(f"answer returned {fault!r:.200}; return a fault such as Delay(0.1)"))
        return None

    def _broke(self, active: Active, error: Exception) -> None:
        active.answer = _nothing
        self.run.broke(active, error)

    def _observe_deadline(self, point: str) -> None:
        assert self.deadline is not None
        deadline, active = self.deadline, self.deadline.active
        if self.run.clock.monotonic() >= deadline.at_s:
            self.deadline = None
            if self._is_open(active):
                deadline.landed()
                error = InjectedTimeout("injected deadline passed")
                mark_injected(error, active.name, point)
                raise error

    def _cancel_late(self, task: asyncio.Task[object], active: Active, landed: Callable[[], None]) -> None:
        if self._is_open(active) and task.cancel(CancelReason(active.name)):
            landed()

    def _is_open(self, active: Active) -> bool:
        return any(active in each for each in self.run.answering.values())


def _see_cancelled(task: asyncio.Task[object], landed: Callable[[], None]) -> None:
    """Take note of a cancellation of the *task* that ran: it hits where that awaits now, or how it has ended."""
    if not task.done() or task.cancelled():
        landed()


def _nothing(ask: Ask) -> None:
    """Answer for an injection that broke."""


_FORMS = {kind: (f"maybe_{kind}", f"amaybe_{kind}") for kind in ("delay", "error", "panic", "cancel")} | {
    "network": ("maybe_network_chaos", "amaybe_network_chaos"),
    "point": ("point", "apoint"),
    "failpoint": ("Failpoint.hit", "Failpoint.ahit"),
    "border": ("step border", "an async def step"),
}


def refuse_to_block(kind: str) -> None:
    """Raise `BlockingCallError` where an event loop runs in this thread."""
    if running_loop() is not None:
        raise BlockingCallError(*_FORMS[kind])


def running_loop() -> object | None:
    """Return the event loop that runs in this thread, without importing asyncio for code that never did."""
    asyncio = sys.modules.get("asyncio.events")
    return None if asyncio is None else asyncio._get_running_loop()
