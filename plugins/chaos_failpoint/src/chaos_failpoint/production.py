"""Whether this process says that it is in production, where nothing is armed from outside."""

from __future__ import annotations

import os

ENVIRONMENT = "CHAOSCORE_ENVIRONMENT"
"""Names the environment that a process is in; the same as for runs."""


def in_production() -> bool:
    """Tell whether the environment is named production."""
    return os.environ.get(ENVIRONMENT, "").strip().lower() in ("prod", "production", "live")
