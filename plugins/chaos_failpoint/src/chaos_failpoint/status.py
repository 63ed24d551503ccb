"""What is armed, and what came of it, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from chaos_failpoint.handles import Failpoint
from chaos_failpoint.registry import HANDLES

if TYPE_CHECKING:
    from chaos_failpoint.arming import Arming


@attrs.frozen
class ArmingStatus:
    """One thing that is armed: its *terms*, its *scope* (process, block or run), and its counts."""

    terms: str
    scope: str
    hits: int
    fired: int
    waiting: int


@attrs.frozen
class Status:
    """
    A failpoint at this moment.

    Attributes:
        name: Its name.
        declared_at: ``file:line`` of its declaration; empty where it is only armed yet.
        hits: How many hits were evaluated since it was armed.
        fired: How often a fault struck since then.
        waiting: How many threads and tasks a fault holds there.
        armings: What is armed there, in the order in which it is asked.
    """

    name: str
    declared_at: str
    hits: int
    fired: int
    waiting: int
    armings: tuple[ArmingStatus, ...]

    @property
    def terms(self) -> str:
        """Return the terms that are asked first; empty where it is not armed."""
        return self.armings[0].terms if self.armings else ""

    @property
    def scope(self) -> str:
        """Return the scope of the terms that are asked first; empty where it is not armed."""
        return self.armings[0].scope if self.armings else ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**attrs.asdict(self), "terms": self.terms, "scope": self.scope}


def status_of(handle: Failpoint) -> Status:
    """Return what is armed at *handle*, and what came of it."""
    return Status(
        name=handle.name,
        declared_at=handle.declared_at,
        hits=handle.hits,
        fired=handle.fired,
        waiting=handle.waiting,
        armings=tuple(map(_arming, handle.armings)),
    )


def statuses() -> tuple[Status, ...]:
    """Return all failpoints of this process, by name."""
    return tuple(status_of(HANDLES[name]) for name in sorted(HANDLES))


def _arming(arming: Arming) -> ArmingStatus:
    return ArmingStatus(arming.plan.text, arming.scope, arming.hits, arming.fired, arming.waiting)
