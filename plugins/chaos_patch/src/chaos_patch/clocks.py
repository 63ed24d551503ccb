"""A clock that is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ClassVar

import attrs

from chaos_patch.errors import UnsupportedError
from chaos_patch.parameters import offset
from chaoscore import Site, Undo

TOLERANCE_S = 1.0
_one_at_a_time = threading.Lock()


@attrs.frozen
class Clock:
    """
    Let this process see another time of day: `time.time`, `datetime.now` and the like, under all their names.

    It needs the extra ``chaos-patch[clock]``. It is not confined to the run, and changes neither `time.monotonic` nor
    sleeping.

    Attributes:
        offset_s: How far the clock is ahead: seconds, or text such as ``"1h"``; negative: behind.
    """

    kind: ClassVar[str] = "patch.clock"
    undo: ClassVar[Undo] = Undo.KERNEL

    offset_s: float = attrs.field(converter=offset, alias="offset")

    def examine(self) -> str:
        """Skew the clock of this process for a moment."""
        return skewed_for_a_moment()

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Skew the clock, see that it shows, and let it be right again on exit."""
        with skewed(self.offset_s) as seen_s:
            site.landed(self.kind, "this process", f"time.time() is {seen_s:+.0f} s off")
            yield


@contextmanager
def skewed(offset_s: float) -> Iterator[float]:
    """
    Skew the clock and yield by how much, as `time.time` shows it.

    Raises:
        UnsupportedError: time-machine is not installed, has no effect, or the clock is skewed already.
    """
    travel = _time_machine().travel
    if not _one_at_a_time.acquire(blocking=False):
        raise UnsupportedError(Clock.kind, "another one is open in this process", "open one at a time")
    try:
        began, wall = time.perf_counter(), time.time()
        with travel(wall + offset_s, tick=True):
            seen_s = time.time() - wall - (time.perf_counter() - began)
            if abs(seen_s - offset_s) > TOLERANCE_S:
                raise UnsupportedError(Clock.kind, f"time.time() is {seen_s:.3f} s off", "see what time-machine needs")
            yield seen_s
    finally:
        _one_at_a_time.release()


def skewed_for_a_moment() -> str:
    """Skew the clock by an hour, and say what `time.time` shows."""
    with skewed(3600.0) as seen_s:
        pass
    return f"time.time() was {seen_s:.0f} s ahead, and is right again"


def _time_machine() -> Any:
    try:
        return import_module("time_machine")
    except ImportError as error:
        remedy = 'run `pip install "chaos-patch[clock]"`'
        raise UnsupportedError(Clock.kind, "it needs time-machine", remedy) from error
