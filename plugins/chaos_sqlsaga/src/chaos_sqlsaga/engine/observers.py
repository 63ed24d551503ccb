"""
Plugins of the engine: what is called with every event after it was committed.

They see what this process committed. The table of events has everything, also what a process did not live to tell.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from chaos_sqlsaga.history import SagaEvent, What
from chaoscore import Histogram, record_recursion_depth

REMEMBERED: Final = 10_000
"""So many sagas are remembered that have not ended; of more, the oldest are forgotten."""


class RollbackDepth:
    """
    How many steps rollbacks compensate: for each saga that has not ended, and the most of all.

    In a run of chaoscore the depth is recorded as recursion depth, so that its `recursion_depth` validator judges it.
    """

    def __init__(self) -> None:
        self.most, self.deepest = 0, ""
        self._depths: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, event: SagaEvent) -> None:
        if event.what is What.COMPENSATING and event.attempt == 1 and not event.detail.get("takeover"):
            record_recursion_depth(self._deeper(event.saga))
        elif event.what is What.ENDED:
            with self._lock:
                self._depths.pop(event.saga, None)

    def of(self, saga: str) -> int:
        """Return the depth of a saga that has not ended."""
        with self._lock:
            return self._depths.get(saga, 0)

    def _deeper(self, saga: str) -> int:
        with self._lock:
            depth = self._depths[saga] = self._depths.get(saga, 0) + 1
            if len(self._depths) > REMEMBERED:
                self._depths.popitem(last=False)
            if depth > self.most:
                self.most, self.deepest = depth, saga
            return depth


@attrs.frozen(kw_only=True)
class Figures:
    """
    What `Metrics` has counted.

    Attributes:
        events: Maps what happened to how often.
        ended: Maps final states to how many sagas reached them.
        step_s: Durations of attempts of handlers that succeeded or failed, seconds.
        saga_s: Durations of sagas from being put in to their end, seconds.
    """

    events: Mapping[str, int]
    ended: Mapping[str, int]
    step_s: Histogram
    saga_s: Histogram


class Metrics:
    """Counts, and takes times; its memory does not grow with the number of sagas."""

    def __init__(self) -> None:
        self._events, self._ended = Counter[str](), Counter[str]()
        self._step_s, self._saga_s = Histogram(), Histogram()
        self._began: OrderedDict[tuple[str, str | None], float] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, event: SagaEvent) -> None:
        with self._lock:
            self._events[event.what] += 1
            if event.what in (What.STARTED, What.BEGAN):
                self._began[event.saga, event.step] = event.at_s
                if len(self._began) > REMEMBERED:
                    self._began.popitem(last=False)
            elif event.what in (What.DONE, What.FAILED):
                self._took(self._step_s, event)
            elif event.what is What.ENDED:
                self._ended[event.detail["state"]] += 1
                self._took(self._saga_s, event)

    def figures(self) -> Figures:
        """Return what was counted so far."""
        with self._lock:
            return Figures(
                events=dict(self._events),
                ended=dict(self._ended),
                step_s=_copy(self._step_s),
                saga_s=_copy(self._saga_s),
            )

    def _took(self, histogram: Histogram, event: SagaEvent) -> None:
        began_s = self._began.pop((event.saga, event.step), None)
        if began_s is not None:
            histogram.record(max(0.0, event.at_s - began_s))


class AuditLog:
    """Appends every event to a file, as a line of JSON each."""

    def __init__(self, path: str | Path) -> None:
        self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - `close` closes it
        self._lock = threading.Lock()

    def __call__(self, event: SagaEvent) -> None:
        line = json.dumps(_told(event), separators=(",", ":"))
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def _told(event: SagaEvent) -> dict[str, Any]:
    return {name: value for name, value in attrs.asdict(event, recurse=False).items() if value not in (None, "", {})}


def _copy(histogram: Histogram) -> Histogram:
    copy = Histogram()
    copy.merge(histogram)
    return copy
