"""Patched functions as points of the core: what is in a run asks its injectors there, all else passes through."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs

from chaos_patch.engine import Armed, Call, Patches
from chaos_patch.targets import PREFIX, Spot, Target, spots
from chaoscore import Place, aside, current_place

__chaos_hidden__ = True  # its frames are not where a fault struck

SHOWN = 10
"""How many names a report lists."""

FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()
"""There the code of a function must not be changed while it is called (cpython#145272), so trampolines stay."""

PATCHES = Patches(current_place, sticky=FREE_THREADED)
"""All patches of this process."""


@attrs.frozen
class PointHook:
    """
    Lets injectors strike in a patched function.

    They are asked, and their faults applied, outside the run: so a fault that calls a patched function by itself, to
    log for instance, does not meet another one.

    Attributes:
        point: The name of the function as a point.
    """

    point: str

    def before(self, ticket: Place, call: Call) -> None:
        """Ask those that strike before a function runs."""
        if ticket.run.answering["call"] or ticket.deadline is not None:
            with aside():
                ticket.visit("call", self.point, call.tags)

    async def abefore(self, ticket: Place, call: Call) -> None:
        """Ask the same, and apply what they answer to the calling task."""
        if ticket.run.answering["call"] or ticket.deadline is not None:
            with aside():
                await ticket.avisit("call", self.point, call.tags)

    def value(self, ticket: Place, call: Call) -> None:
        """Ask those that change what a function gives."""
        if ticket.run.answering["value"]:
            with aside():
                ticket.visit("value", self.point, call.tags)

    def after(self, ticket: Place, call: Call) -> None:
        """Ask those that strike when a function has done its work."""
        if ticket.run.answering["return"]:
            with aside():
                ticket.visit("return", self.point, call.tags)

    async def aafter(self, ticket: Place, call: Call) -> None:
        """Ask the same, and apply what they answer to the calling task."""
        if ticket.run.answering["return"]:
            with aside():
                await ticket.avisit("return", self.point, call.tags)


@contextmanager
def patched(found: Sequence[Spot]) -> Iterator[tuple[Armed, ...]]:
    """Make points of what was *found*; on exit all of it is put back, last first, whatever goes wrong with one."""
    with ExitStack() as stack:
        armed = []
        for spot in found:
            each = PATCHES.arm(spot.seat, PointHook(spot.point))
            stack.callback(each.disarm)
            armed.append(each)
        yield tuple(armed)


def prepare(*targets: Target, most: int = 50) -> None:
    """
    Put trampolines in *targets* before any load, so that injectors that open later only toggle hooks.

    Needed on free-threaded Pythons for injectors with a window; elsewhere it only saves time. `restore` takes them
    away.

    Args:
        targets: As injectors take them.
        most: How many functions a glob may stand for.

    Raises:
        TargetError: One of them cannot be patched.
    """
    PATCHES.prepare([spot.seat for each in targets for spot in spots(each, most=most)])


def restore() -> None:
    """Take away what `prepare` has put in place, where no injector is open."""
    PATCHES.restore()


def shown_point(point: str) -> str:
    """Return the name of a point as people write targets."""
    return point.removeprefix(PREFIX)


def tally(found: Sequence[Spot], armed: Sequence[Armed], asked: dict[str, int]) -> dict[str, Any]:
    """
    Return what was patched, as evidence.

    Args:
        found: What was patched.
        armed: The same, armed.
        asked: Maps points to how often they were visited.
    """
    idle = [shown_point(spot.point) for spot in found if not asked.get(spot.point)]
    names = {shown_point(spot.point): list(each.places[:SHOWN]) for spot, each in zip(found, armed, strict=True)}
    detail: dict[str, Any] = {
        "patched": len(found),
        "names": sum(len(each.places) for each in armed),
        "reached": dict(list(names.items())[:SHOWN]),
    }
    return detail | ({"never called": idle[:SHOWN]} if idle else {})
