"""What the viewers of a page are sent: the whole state once, then what is new."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Feed:
    """
    Hands each viewer the state of a run; a slow one is sent the whole state again instead of what it has missed.

    Attributes:
        news: Held by whoever changes what the viewers are shown.
        version: Rises with each update.
    """

    def __init__(self, whole: Callable[[], str], *, over: bool = False) -> None:
        """
        Make one.

        Args:
            whole: Returns the whole state as JSON; called by the threads of viewers, while `news` is held.
            over: Nothing will change any more.
        """
        self.news = threading.Condition()
        self.version = 0
        self._whole, self._over = whole, over
        self._update = ""
        self._viewers: set[int] = set()

    @property
    def viewers(self) -> int:
        """Return how many there are."""
        return len(self._viewers)

    def publish(self, update: str) -> None:
        """Send *update*, JSON, to all viewers; call it while `news` is held."""
        self.version += 1
        self._update = update
        self.news.notify_all()

    def end(self, grace_s: float) -> bool:
        """Send what there is to send, and no more; tell whether all viewers had it within *grace_s*."""
        with self.news:
            self._over = True
            self.news.notify_all()
            return self.news.wait_for(lambda: not self._viewers, grace_s)

    def serve(self, send: Callable[[str], None]) -> None:
        """
        Send a viewer one message after the other, in the form of server-sent events, until the run is over.

        Args:
            send: Takes a message; what it raises, as for a viewer that has left, ends the serving.
        """
        me = threading.get_ident()
        with self.news:
            self._viewers.add(me)
            self.news.notify_all()
        try:
            seen, over = None, False
            while not over:
                with self.news:
                    seen, over, message = self._next(seen)
                if message:
                    send(f"id: {seen}\n{message}\n\n")
            send("event: over\ndata: {}\n\n")
        finally:
            with self.news:
                self._viewers.discard(me)
                self.news.notify_all()

    def _next(self, seen: int | None) -> tuple[int, bool, str]:
        """Wait for something to send; return its version, whether nothing follows, and the message."""
        if seen is not None:
            self.news.wait_for(lambda: self._over or self.version > seen)
        if seen is None or self.version > seen + 1:
            return self.version, self._over, f"event: whole\ndata: {self._whole()}"
        return self.version, self._over, f"event: update\ndata: {self._update}" if self.version > seen else ""
