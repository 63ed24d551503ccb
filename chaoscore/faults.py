"""Faults as values: what an injector answers, and what the point that asked then does."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from chaoscore.context import Fault, Strike
from chaoscore.errors import mark_injected
from chaoscore.units import seconds


@attrs.frozen
class Delay(Fault):
    """Hold the caller up for *duration_s* seconds."""

    duration_s: float = attrs.field(converter=seconds)

    kind = "delay"
    blocks = True

    def apply(self, strike: Strike) -> None:
        """Block the thread."""
        strike.clock.sleep(self.duration_s)

    async def aapply(self, strike: Strike) -> None:
        """Suspend the task; the loop goes on."""
        await strike.clock.asleep(self.duration_s)

    def describe(self) -> str:
        """Return the duration."""
        return f"{self.duration_s * 1e3:.3f} ms"


@attrs.frozen
class Raise(Fault):
    """
    Raise what *make* returns, marked as injected.

    Attributes:
        make: Returns a new exception each time.
        kind: Which of the raising faults this is: error, panic, refuse, ...
        after_s: Seconds that the caller waits for it, as for a connection whose packets are dropped.
    """

    make: Callable[[], BaseException]
    kind: str = "error"
    after_s: float = attrs.field(default=0.0, converter=seconds)

    @property
    def blocks(self) -> bool:  # type: ignore[override]  # a value here, a constant in the base
        """Return whether there is something to wait for."""
        return self.after_s > 0

    def apply(self, strike: Strike) -> None:
        """Block for the time it takes, then raise."""
        if self.after_s:
            strike.clock.sleep(self.after_s)
        raise self._marked(strike)

    async def aapply(self, strike: Strike) -> None:
        """Suspend the task for the time it takes, then raise."""
        if self.after_s:
            await strike.clock.asleep(self.after_s)
        raise self._marked(strike)

    def describe(self) -> str:
        """Return the exception as the caller sees it."""
        error = self.make()
        try:
            return repr(error)
        except Exception:  # noqa: BLE001 - a class of the system under test that cannot show itself is raised all the same
            return type(error).__qualname__

    def _marked(self, strike: Strike) -> BaseException:
        error = self.make()
        mark_injected(error, strike.injector, strike.point)
        return error


@attrs.frozen
class Cancel(Fault):
    """
    Cancel the current asyncio task, or set synchronous code a deadline.

    It lands when the cancellation reaches the task, or the deadline raises; never, where the step ends before that.

    Attributes:
        after_s: Seconds from the point to the cancellation; 0: at the point itself.
    """

    after_s: float = attrs.field(default=0.0, converter=seconds)

    kind = "cancel"

    def apply(self, strike: Strike) -> None:
        """Cancel the task that runs this code; without one, the next point of this thread past the deadline raises."""
        strike.place.cancel(strike, self.after_s)

    async def aapply(self, strike: Strike) -> None:
        """Cancel the current task; with nothing to wait for, the cancellation is delivered here."""
        import asyncio  # loaded long ago by whoever runs this

        self.apply(strike)
        if not self.after_s:
            await asyncio.sleep(0)  # not on the run's clock, which may be one that never suspends

    def prompt(self) -> None:
        """Return nothing: at the point it is only armed."""

    def describe(self) -> str:
        """Return when it strikes."""
        return f"after {self.after_s * 1e3:.3f} ms" if self.after_s else "at once"


def _flat(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(part for fault in faults for part in (fault.faults if isinstance(fault, Several) else (fault,)))


@attrs.frozen
class Several(Fault):
    """Apply several faults, in order; one that raises is the last."""

    faults: tuple[Fault, ...] = attrs.field(converter=_flat)

    @property
    def kind(self) -> str:  # type: ignore[override]  # a value here, a constant in the base
        """Return the kinds of all of them."""
        return "+".join(fault.kind for fault in self.faults)

    @property
    def blocks(self) -> bool:  # type: ignore[override]
        """Return whether any of them blocks."""
        return any(fault.blocks for fault in self.faults)

    def apply(self, strike: Strike) -> None:
        """Do all of it to the calling thread."""
        for fault in self.faults:
            fault.apply(strike.of(fault))

    async def aapply(self, strike: Strike) -> None:
        """Do all of it to the calling task."""
        for fault in self.faults:
            await fault.aapply(strike.of(fault))

    def prompt(self) -> Fault | None:
        """Return those that land at once, as far as it comes; what is behind one that raises never does."""
        last = next((n for n, fault in enumerate(self.faults, 1) if isinstance(fault, Raise)), None)
        return several(part for fault in self.faults[:last] if (part := fault.prompt()) is not None)

    def describe(self) -> str:
        """Return the values of all of them."""
        return ", ".join(fault.describe() for fault in self.faults)


def several(faults: Iterable[Fault]) -> Fault | None:
    """Return *faults* as one, or None where there are none."""
    found = tuple(faults)
    return Several(found) if len(found) > 1 else found[0] if found else None
