"""What happens at a failpoint that is armed."""

from __future__ import annotations

from itertools import repeat
from typing import Any

from chaos_failpoint import handles
from chaos_failpoint.actions import Action, Moment
from chaos_failpoint.arming import LULLS, Arming, Outside
from chaos_failpoint.handles import Failpoint, Lull, Returned
from chaos_failpoint.hits import Hit
from chaos_failpoint.loops import refuse_to_block
from chaoscore import current_place

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here

KIND = "failpoint"
"""The kind of point as which the core knows failpoints."""


class Engine:
    """Asks what is armed, and lets it strike."""

    def hit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None:
        """Let what is armed at *handle* strike; return what is handed to the caller."""
        return _strike(Hit(handle, tags, current_place()))

    async def ahit(self, handle: Failpoint, tags: dict[str, Any]) -> Returned | None:
        """Let what is armed at *handle* strike at a task."""
        return await _astrike(Hit(handle, tags, current_place()))

    def value(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any:
        """Return *value*, or what replaces it."""
        returned = _strike(Hit(handle, tags, current_place(), value))
        return value if returned is None else returned.value

    async def avalue(self, handle: Failpoint, value: Any, tags: dict[str, Any]) -> Any:
        """Return *value*, or what replaces it, in a task."""
        returned = await _astrike(Hit(handle, tags, current_place(), value))
        return value if returned is None else returned.value


def _strike(hit: Hit) -> Returned | None:
    decided = _decide(hit)
    if decided is not None:
        arming, action = decided
        if not action.lands:
            return None
        if action.blocks:
            refuse_to_block("Failpoint.hit", "Failpoint.ahit")
        if action.prompt:
            arming.landed(hit, action)
        return arming.act(action, _moment(hit, arming, action))
    if hit.place is not None and _asks_run(hit):
        hit.place.visit(KIND, hit.handle.name, hit)
    if LULLS:
        _promise(hit)
    return hit.result


async def _astrike(hit: Hit) -> Returned | None:
    decided = _decide(hit)
    if decided is not None:
        arming, action = decided
        if not action.lands:
            return None
        if action.prompt:
            arming.landed(hit, action)
        return await arming.aact(action, _moment(hit, arming, action))
    if hit.place is not None and _asks_run(hit):
        await hit.place.avisit(KIND, hit.handle.name, hit)
    if LULLS:
        _promise(hit)
    return hit.result


def _decide(hit: Hit) -> tuple[Arming, Action] | None:
    """Return what fires of all that is armed outside of runs, the innermost first; None where the run has the word."""
    for arming in hit.armings:
        if arming.reaches(hit):
            fires = arming.decide(hit)
            if fires is not None:
                return arming, arming.plan.actions[fires]
    return None


def _asks_run(hit: Hit) -> bool:
    """Tell whether any injector of the run has to be asked; each of those that need not is told of the hit."""
    asked = [arming.must_be_asked(hit) for arming in hit.armings]
    return any(asked)


def _moment(hit: Hit, arming: Arming, action: Action) -> Moment:
    assert hit.draw is not None
    landing = Outside(arming, hit, action)
    return Moment(hit.handle.name, arming.injector, hit, hit.value, arming.clock(hit), hit.draw, arming, landing)


def _promise(hit: Hit) -> None:
    """
    Let the next hits of this task be cheap, if it is known that nothing strikes at them.

    That is known where at most one arming is in reach, and that one has drawn how far away its next fault is.
    """
    if len(hit.seen) + sum(each.misses(hit) for each in hit.armings) < len(hit.armings) or "key" in hit:
        return
    scope = hit.scope if any(each.by_block for each in hit.armings) else None
    if not hit.seen:
        hit.handle.promise(Lull(hit.place, scope, repeat(None)), hit.armings)
    elif len(hit.seen) == 1:
        state = hit.seen[0].state(hit)
        if state.left:
            state.scope = scope
            hit.handle.promise(state, hit.armings)


def install() -> None:
    """Let handles know what to do, now that something is armed."""
    handles.here = current_place
    handles.engine = Engine()
