"""What is about to end this process must not tear off the reply to the request that armed it."""

from __future__ import annotations

import os
import threading

_lock = threading.RLock()


def replying() -> threading.RLock:
    """Return the block in which something is armed and the reply is sent."""
    return _lock


def after_replies() -> None:
    """Wait until no reply is under way."""
    with _lock:
        pass


def _in_child() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
