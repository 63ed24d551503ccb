"""
The handle of a failpoint: all that code in production ever touches.

This module and `registry` are the only ones that are loaded with the package. Everything else is loaded when the first
failpoint is armed.
"""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False  # `typing` would take ten times as long to load as all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol, TypeVar

    from chaos_failpoint.arming import Arming
    from chaos_failpoint.status import Status

    _T = TypeVar("_T")

    class Engine(Protocol):
        """What happens at a handle that is armed; loaded with the first arming."""

        def hit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None: ...
        async def ahit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None: ...
        def value(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any: ...
        async def avalue(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any: ...


__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here


Scope = tuple[object, ...]

SCOPE: ContextVar[Scope] = ContextVar("chaos_failpoint_scope", default=())
"""The `with armed(...)` blocks that this code is in, innermost last."""


def nowhere() -> object:
    """Stand in for `chaoscore.current_place` until a failpoint is armed."""
    return None


here: Callable[[], object] = nowhere


class Returned:
    """
    What a failpoint hands back to its caller, such as the value of ``return(5)``.

    Attributes:
        value: The value; None for a bare ``return``.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Returned({self.value!r})"


class Lull:
    """
    A promise that nothing strikes in the next hits of one handle in one place.

    It makes an armed failpoint cheap: the distance to the next fault is drawn, instead of a number at every hit. A hit
    takes one item from *ticks*, which counts in C: that is half as much as to count here, and no two threads can take
    the same one.

    Attributes:
        place: The logical task of a run for which this holds; None for code outside of runs.
        scope: The blocks for which this holds; None where they make no difference.
        ticks: An item for each of these hits.
    """

    __slots__ = ("place", "scope", "ticks")

    def __init__(self, place: object, scope: Scope | None, ticks: Iterator[object]) -> None:
        self.place, self.scope, self.ticks = place, scope, ticks


NO_LULL = Lull(object(), None, iter(()))


class Idle:
    """Stands in for the engine until something is armed."""

    def hit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None:
        return None

    async def ahit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None:
        return None

    def value(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any:
        return value

    async def avalue(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any:
        return value


engine: Engine = Idle()


class Failpoint:
    """
    A named place in code where a fault can strike.

    Ask `armed` first: as long as it is False, that is all it costs.

        if fp.armed:
            fp.hit()

        if fp.armed and (returned := fp.hit(key=order_id)) is not None:
            return returned.value

    Attributes:
        name: Its name, unique in the process.
        armed: Whether anything is armed here, for any code of this process.
        declared_at: ``file:line`` of its declaration; empty where it is not declared yet, only armed.
        armings: What is armed here, in the order in which it is asked.
        former: What was armed here before; what it counted can still be read.
    """

    __slots__ = ("__weakref__", "_lull", "armed", "armings", "declared_at", "former", "name", "package", "shared")

    def __init__(self, name: str) -> None:
        self.name = name
        self.declared_at = self.package = ""
        self.shared = self.armed = False
        self.armings: tuple[Arming, ...] = ()
        self.former: tuple[Arming, ...] = ()
        self._lull = NO_LULL

    def __repr__(self) -> str:
        return f"<Failpoint {self.name!r}{', armed' if self.armed else ''}>"

    # -- being hit

    def hit(self, /, **tags: Any) -> Returned | None:
        """
        Let what is armed here strike.

        Args:
            tags: What filters such as ``[tenant=acme]`` may look at. A ``key`` makes the decision depend on it alone:
                for work that is pulled from a shared queue, in no stable order.

        Returns:
            What a ``return(...)`` or a ``call(...)`` hands to the caller; None where nothing does.

        Raises:
            BlockingCallError: It would block the running event loop; `await ahit()` there.
        """
        lull = self._lull
        if lull.place is here() and (lull.scope is None or lull.scope is SCOPE.get()) and not tags:
            for _ in lull.ticks:
                return None
        return engine.hit(self, tags)

    async def ahit(self, /, **tags: Any) -> Returned | None:
        """Let what is armed here strike, without ever blocking the loop."""
        lull = self._lull
        if lull.place is here() and (lull.scope is None or lull.scope is SCOPE.get()) and not tags:
            for _ in lull.ticks:
                return None
        return await engine.ahit(self, tags)

    def value(self, value: _T, /, **tags: Any) -> _T:
        """Return *value*, or what is armed here makes of it: ``corrupt(...)`` and ``return(...)`` change it."""
        lull = self._lull
        if lull.place is here() and (lull.scope is None or lull.scope is SCOPE.get()) and not tags:
            for _ in lull.ticks:
                return value
        return engine.value(self, value, tags) if self.armed else value

    async def avalue(self, value: _T, /, **tags: Any) -> _T:
        """Return *value* as `value` does, without ever blocking the loop."""
        return await engine.avalue(self, value, tags) if self.armed else value

    # -- being watched

    @property
    def hits(self) -> int:
        """Return how many hits were evaluated since it was armed; kept when it is disarmed."""
        return sum(each.hits for each in self.armings or self.former)

    @property
    def fired(self) -> int:
        """
        Return how often a fault struck since it was armed; kept when it is disarmed.

        What cannot be done and raises an error of its own did not strike; a cancellation does once it reaches its task.
        """
        return sum(each.fired for each in self.armings or self.former)

    @property
    def waiting(self) -> int:
        """Return how many threads and tasks a fault holds here at this moment."""
        return sum(each.waiting for each in (*self.armings, *self.former))

    def wait_until_fired(self, times: int = 1, timeout: float | str = "10s") -> int:
        """
        Block until a fault has struck here so often since it was armed.

        Args:
            times: How often.
            timeout: Give up after that; seconds, or text such as ``"500ms"``.

        Returns:
            How often one has.

        Raises:
            NotFiredError: It did not in time.
            BlockingCallError: Called on a running event loop; `await await_until_fired()` there.
        """
        from chaos_failpoint.awaiting import wait_until_fired

        return wait_until_fired(self, times, timeout)

    async def await_until_fired(self, times: int = 1, timeout: float | str = "10s") -> int:  # noqa: ASYNC109 - as its twin
        """Suspend the task until a fault has struck here so often, as `wait_until_fired` does."""
        from chaos_failpoint.awaiting import await_until_fired

        return await await_until_fired(self, times, timeout)

    def status(self) -> Status:
        """Return what is armed here and what came of it."""
        from chaos_failpoint.status import status_of

        return status_of(self)

    # -- being armed; for this package only

    def put(self, armings: tuple[Arming, ...]) -> None:
        """Let *armings* be what is armed here, in the order in which they are asked."""
        if self.armings and not armings:
            self.former = self.armings
        elif armings:
            self.former = tuple(each for each in self.former if each.waiting)
        self.armings = armings
        self._lull = NO_LULL
        self.armed = bool(armings)

    def promise(self, lull: Lull, given: tuple[Arming, ...]) -> None:
        """Take note that nothing strikes for a while, if *given* is still what is armed."""
        if self.armings is given:  # no other thread gets in between this and the next line: see `put`
            self._lull = lull
