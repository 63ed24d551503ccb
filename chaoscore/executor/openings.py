"""How injectors are opened for their windows and lifted afterwards, last opened first."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from chaoscore.context import POINT_KINDS, Active, Run
from chaoscore.draw import once
from chaoscore.errors import LimitError
from chaoscore.events import Fired, Lifted, Opened
from chaoscore.protocols import Answers, Evidence, Evident, Opens, Site
from chaoscore.safety.permission import check_lever
from chaoscore.spec import Injection, Provision
from chaoscore.verdict import Verdict

FAILED = object()
"""What `Hooks.hook` returns for a hook that raised or did not return."""


class Hooks(Protocol):
    """What the openings need of the run."""

    async def hook(self, who: str, hook: str, verdict: Verdict, function: Callable[..., Any], *args: Any) -> Any:
        """Call a hook and return its value, or `FAILED` when it did, which is then in the stream."""
        ...

    def emit(self, event: Any) -> None: ...
    def elapsed_s(self) -> float: ...
    def site(self, part: Injection | Provision, opening: int, landed: Callable[[str, str, str], None]) -> Site: ...


class Open:
    """
    An injection that is open.

    Attributes:
        injection: Which.
        manager: The context manager that lifts it; None where there is nothing to lift.
        fault: What answers and gives evidence: what the manager yielded, or the injector itself.
        active: It as points see it; None where it strikes elsewhere.
        landed: How many faults it said had landed outside any point.
    """

    def __init__(self, injection: Injection) -> None:
        self.injection = injection
        self.manager: Any = None
        self.fault: Any = injection.injector
        self.active: Active | None = None
        self.landed = 0

    def begin(self) -> None:
        """Let points ask it, if it answers."""
        fault = self.fault
        if isinstance(fault, Answers):
            self.active = Active(
                self.injection.name, self.injection.scope, fault.at, self.injection.window.share, fault.answer
            )

    @property
    def at_borders(self) -> bool:
        """Tell whether it strikes at the borders of steps."""
        return self.active is not None and (self.active.at or "").startswith(("before:", "after:"))


class Openings:
    """
    The injections that are open now.

    Opening and lifting take turns, so the order is one order; points see it as tuples that are replaced as a whole.

    Attributes:
        all: Those that may be, in the order of the scenario.
    """

    def __init__(self, run: Run, hooks: Hooks, injections: Iterable[Injection], most: int | None = None) -> None:
        self._run, self._hooks, self._most = run, hooks, most
        self.all = tuple(injections)
        self._open: list[Open] = []
        self._times: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the open injections, in the order in which they were opened."""
        return tuple(each.injection.name for each in self._open)

    @property
    def asked(self) -> dict[str, int]:
        """Return how often points have asked each open injection that they can ask."""
        return {each.injection.name: each.active.asked for each in tuple(self._open) if each.active is not None}

    @property
    def closed(self) -> bool:
        """Tell whether nothing is opened any more."""
        return self._closed

    async def open_all(self) -> bool:
        """Open, in order, what is active from the beginning; tell whether all of it opened."""
        for injection in self.all:
            if not injection.window.start_s and injection.window.every_s is None and not await self.open(injection):
                return False
        return True

    def timed(self) -> tuple[Injection, ...]:
        """Return the injections that open or lift while the workload runs."""
        return tuple(
            each for each in self.all if each.window.start_s or each.window.every_s or each.window.until_s is not None
        )

    async def keep_to_window(self, injection: Injection, wait_until: Callable[[float], Any]) -> bool:
        """
        Open and lift *injection* as its window says.

        Args:
            injection: One of `timed`.
            wait_until: Awaits an offset from the beginning of the workload; False when the workload ended first.

        Returns:
            False when it did not open.
        """
        window, opening = injection.window, 0
        begin, end = window.start_s, float("inf") if window.until_s is None else window.until_s
        while begin < end and await wait_until(begin):
            happens = (
                window.every_s is None or once(self._run.seed, injection.name, "opening", opening) < window.probability
            )
            if happens and injection.name not in self.names and not await self.open(injection):
                return False
            lift = end if window.for_s is None else min(begin + window.for_s, end)
            if lift == float("inf") or not await wait_until(lift):
                return True
            await self.lift(injection)
            if window.every_s is None:
                return True
            opening += 1
            begin = window.start_s + opening * window.every_s
        return True

    async def open(self, injection: Injection) -> bool:
        """Open *injection*; tell whether it did."""
        async with self._turn:
            if self._closed:
                return True
            if (
                await self._hooks.hook(f"injector {injection.name!r}", "permission", Verdict.UNKNOWN, self._check)
                is FAILED
            ):
                return False
            opened = await self._enter(injection)
            if opened is None:
                return False
            self._open.append(opened)
            self._publish()
            self._hooks.emit(Opened(self._hooks.elapsed_s(), injection.name))
            return True

    async def lift(self, injection: Injection) -> None:
        """Lift *injection* if it is open."""
        async with self._turn:
            for each in reversed(self._open):
                if each.injection is injection:
                    await self._exit(each)
                    return

    def silence(self) -> None:
        """Let no point be struck any more, at once; from any thread. What is open stays so until it is lifted."""
        self._run.answering = dict.fromkeys(POINT_KINDS, ())
        self._closed = True

    async def lift_all(self) -> None:
        """Lift everything, last opened first, and open nothing any more."""
        self.silence()
        async with self._turn:
            while self._open:
                await self._exit(self._open[-1])

    def _check(self) -> None:
        """See that one more may be opened, here and now."""
        check_lever()
        if self._most is not None and len(self._open) >= self._most:
            raise LimitError("injectors open at the same time", len(self._open) + 1, self._most)

    async def _enter(self, injection: Injection) -> Open | None:
        opened = Open(injection)
        if isinstance(injection.injector, Opens) and not await self._inject(opened, injection.injector):
            return None
        opened.begin()
        return opened

    async def _inject(self, opened: Open, injector: Opens) -> bool:
        injection = opened.injection

        def landed(fault: str, where: str, detail: str) -> None:
            at, n = self._hooks.elapsed_s(), opened.landed
            opened.landed += 1
            self._hooks.emit(Fired(at, injection.name, fault, "outside", where, -1, -1, (), n, detail))

        site = self._hooks.site(injection, self._times[injection.name], landed)
        self._times[injection.name] += 1
        entered = await enter(self._hooks, f"injector {injection.name!r}", injector, site)
        if entered is None:
            return False
        opened.manager, fault = entered
        opened.fault = injector if fault is None else fault
        return True

    async def _exit(self, opened: Open) -> None:
        who = f"injector {opened.injection.name!r}"
        self._open.remove(opened)
        self._publish()
        evidence = await self._evidence(who, opened)
        if opened.manager is not None:
            await leave(self._hooks, who, opened.manager)
        active = opened.active
        asked, armed = (None, 0) if active is None else (active.asked, active.armed)
        fired = None if evidence is None else evidence.fired
        if fired is None:
            fired = opened.landed + (0 if active is None else active.fired)
        detail = {} if evidence is None else dict(evidence.detail)
        self._hooks.emit(Lifted(self._hooks.elapsed_s(), opened.injection.name, asked, fired, detail, armed))

    async def _evidence(self, who: str, opened: Open) -> Evidence | None:
        if not isinstance(opened.fault, Evident):
            return None
        evidence = await self._hooks.hook(who, "evidence", Verdict.UNKNOWN, opened.fault.evidence)
        return evidence if isinstance(evidence, Evidence) else None

    def _publish(self) -> None:
        if not self._closed:
            answering = {kind: tuple(_answering(self._open, kind)) for kind in POINT_KINDS}
            self._run.answering = answering


async def enter(hooks: Hooks, who: str, part: Opens, site: Site) -> tuple[Any, object] | None:
    """Open *part*; return its context manager and what that yielded, or None where it did not open."""
    late = threading.Event()
    manager = await hooks.hook(who, "open", Verdict.UNKNOWN, part.open, site)
    if manager is FAILED:
        return None
    yielded = await hooks.hook(who, "open", Verdict.UNKNOWN, _entering(manager, late))
    if yielded is FAILED:
        late.set()
        return None
    return manager, yielded


async def leave(hooks: Hooks, who: str, manager: Any) -> None:
    """Leave what `enter` has opened."""
    await hooks.hook(who, "lift", Verdict.FAIL, _leaving(manager))


def _answering(opened: Iterable[Open], kind: str) -> Iterator[Active]:
    for each in opened:
        if each.active is not None and (
            each.at_borders if kind == "border" else kind in each.fault.answers and not each.at_borders
        ):
            yield each.active


def _entering(manager: Any, late: threading.Event) -> Callable[[], Any]:
    """Return the call that injects. One that comes back after it was given up lifts what it opened by itself."""
    if isinstance(manager, AbstractAsyncContextManager):

        async def aenter() -> Any:
            fault = await manager.__aenter__()
            if late.is_set():
                await manager.__aexit__(None, None, None)
            return fault

        return aenter

    def enter() -> Any:
        fault = manager.__enter__()
        if late.is_set():
            manager.__exit__(None, None, None)
        return fault

    return enter


def _leaving(manager: Any) -> Callable[[], Any]:
    if isinstance(manager, AbstractAsyncContextManager):

        async def aleave() -> None:
            await manager.__aexit__(None, None, None)

        return aleave
    return lambda: manager.__exit__(None, None, None)
