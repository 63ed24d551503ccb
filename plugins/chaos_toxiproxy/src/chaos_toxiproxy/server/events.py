"""What happens, told to whoever listens: which toxic struck which connection, and with how many bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chaos_toxiproxy.server.answers import encoded

Listener = Callable[[bytes], None]


class Events:
    """Tells listeners one line of JSON for each event; without listeners it costs nothing."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener: Listener) -> None:
        """Tell *listener* from now on."""
        self._listeners.add(listener)

    def discard(self, listener: Listener) -> None:
        """Tell *listener* no more."""
        self._listeners.discard(listener)

    def tell(self, event: str, **fields: Any) -> None:
        """Tell all listeners."""
        line = encoded({"event": event, "time": round(time.time(), 6), **fields}) + b"\n"
        for listener in tuple(self._listeners):
            listener(line)
