"""
A deadline for every query, kept by a thread that can end a connection from outside.

A driver's own time-outs do not help where the network swallows packets: the statement's is kept by the server, which
cannot be heard, and that of TCP by a kernel that retransmits for a quarter of an hour. Shutting the socket down wakes
whoever waits for it at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import attrs


@attrs.define(eq=False)
class Guarded:
    """
    Something that must not take longer than it may.

    Attributes:
        end: Ends it from outside; called with `lock` held, so never after it was released.
        until: When it has to be over, by the monotonic clock; None: nothing is going on.
        late: Whether it was ended.
    """

    end: Callable[[], None]
    until: float | None = None
    late: bool = False
    lock: threading.Lock = attrs.field(factory=threading.Lock)


class Watchdog:
    """Looks after guarded things with one thread, which lives while there are any."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._guarded: set[Guarded] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def guard(self, end: Callable[[], None]) -> Guarded:
        """Look after something that *end* ends."""
        guarded = Guarded(end)
        with self._changed:
            self._guarded.add(guarded)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="saga watchdog", daemon=True)
                self._thread.start()
        return guarded

    def release(self, guarded: Guarded) -> None:
        """Look after it no longer; from now on it is not ended any more."""
        with guarded.lock:
            guarded.until = None
        with self._changed:
            self._guarded.discard(guarded)
            self._changed.notify_all()

    def begin(self, guarded: Guarded) -> None:
        """Start its time; setting a number costs nothing, and the thread looks often enough."""
        guarded.until = monotonic() + self.limit_s

    def close(self) -> None:
        """Wait until the thread has ended, which it does when nothing is guarded."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._guarded:
                    self._thread = None
                    return
                guarded = list(self._guarded)
            for each in guarded:
                self._look(each)
            with self._changed:
                self._changed.wait(self.limit_s / 20)

    def _look(self, guarded: Guarded) -> None:
        until = guarded.until
        if until is None or monotonic() < until:
            return
        with guarded.lock:
            if guarded.until == until:
                guarded.until, guarded.late = None, True
                guarded.end()
