"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Machine:
    """
    What the figures were measured on, and when.

    Attributes:
        date: The day, in UTC.
        cores: How many this process may use.
        python: The interpreter.
        system: The operating system and the processor's architecture.
        load: How many processes wanted to run in the minute before; above 0 the figures are noisy.
    """

    date: str
    cores: int
    python: str
    system: str
    load: float

    def __str__(self) -> str:
        return f"{self.date}, {self.cores} cores, {self.python}, {self.system}, load before {self.load:.1f}"


def this_machine() -> Machine:
    """Describe this machine as it is now."""
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        load=os.getloadavg()[0],
    )
