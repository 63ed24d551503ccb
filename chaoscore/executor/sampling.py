"""What this process holds: read from the kernel, a few microseconds a look."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

from chaoscore.events import Sampled

EVERY_S = 1.0

_STATUS = Path("/proc/self/status")
_DESCRIPTORS = Path("/dev/fd")
_NOBODY: Mapping[str, int] = {}


def sample(at: float, in_flight: int = 0, asked: Mapping[str, int] = _NOBODY) -> Sampled:
    """
    Return what this process holds and does now.

    Args:
        at: Seconds since the run started.
        in_flight: Iterations of which a step is under way.
        asked: How often points have asked each open injector.
    """
    status = _status()
    times = os.times()
    return Sampled(
        at,
        threads=status.get("Threads", threading.active_count()),
        cpu_s=times.user + times.system,
        rss_bytes=status["VmRSS"] * 1024 if "VmRSS" in status else None,
        descriptors=_descriptors(),
        in_flight=in_flight,
        asked=dict(asked),
    )


def _status() -> dict[str, int]:
    """Return what Linux says of this process, KiB and counts by name; elsewhere nothing."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    words = (line.split() for line in lines)
    return {
        name.rstrip(":"): int(value)
        for name, value, *_ in (each for each in words if len(each) > 1 and each[1].isdigit())
    }


def _descriptors() -> int | None:
    """Return how many descriptors are open, less the one that it takes to look."""
    try:
        return sum(1 for _ in _DESCRIPTORS.iterdir()) - 1
    except OSError:
        return None
