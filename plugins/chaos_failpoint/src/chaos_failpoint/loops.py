"""Event loops, looked at without loading asyncio for code that never did."""

from __future__ import annotations

import sys
from typing import Any

from chaoscore import BlockingCallError


def running_loop() -> Any:
    """Return the event loop that runs in this thread, or None."""
    events = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def current_task() -> Any:
    """Return the asyncio task that runs here, or None."""
    loop = running_loop()
    return None if loop is None else sys.modules["asyncio"].current_task(loop)


def refuse_to_block(called: str, instead: str) -> None:
    """Raise `BlockingCallError` where an event loop runs in this thread."""
    if running_loop() is not None:
        raise BlockingCallError(called, instead)
