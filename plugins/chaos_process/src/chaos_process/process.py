"""A process, told apart from a later one with its pid."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import attrs

Args = Mapping[str, Any]
"""What an undo needs, as JSON types; written down before the fault is applied."""

SAME_START_S = 2.0
"""The kernel rounds the moment of its boot to seconds, so one process may seem to start at two times."""


class State(enum.StrEnum):
    """What a process is doing, as far as faults care."""

    ALIVE = "alive"
    STOPPED = "stopped"
    ZOMBIE = "a zombie"
    GONE = "gone"

    @property
    def ended(self) -> bool:
        """Tell whether no signal reaches it any more."""
        return self in {State.ZOMBIE, State.GONE}


@attrs.frozen
class Process:
    """
    One process, told apart from a later one with its pid.

    Attributes:
        pid: Its number.
        create_time: When it started, seconds since 1970-01-01 UTC; moves when somebody sets the clock.
        start_ticks: The same in ticks since boot, which never moves; None where the system does not say.
    """

    pid: int
    create_time: float
    start_ticks: int | None = None

    def is_same(self, other: Process) -> bool:
        """Tell whether both are one process."""
        if self.pid != other.pid:
            return False
        if self.start_ticks is not None and other.start_ticks is not None:
            return self.start_ticks == other.start_ticks
        return abs(self.create_time - other.create_time) <= SAME_START_S

    @property
    def name(self) -> str:
        """Return what stands for it, and for no later process, where two runs must not meet."""
        started = f"{self.create_time:.0f}" if self.start_ticks is None else f"{self.start_ticks} ticks after boot"
        return f"process {self.pid} started {started}"

    def as_args(self) -> dict[str, Any]:
        """Return it as JSON types, for the arguments of an undo."""
        return {"pid": self.pid, "create_time": self.create_time, "start_ticks": self.start_ticks}

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Process:
        """Return the process that the arguments of an undo name."""
        return cls(int(args["pid"]), float(args["create_time"]), args.get("start_ticks"))

    def __str__(self) -> str:
        return f"process {self.pid}"
