"""Whether this process says that it is in production, where nothing is armed from outside."""

from __future__ import annotations

import os
import re

ENVIRONMENT = "CHAOSCORE_ENVIRONMENT"
"""Names the environment that a process is in; the same as for runs."""


def in_production() -> bool:
    """Tell whether a word of the environment's name says production, as in "prod-eu-1", by the rule for runs."""
    words = set(re.split(r"[\W_\d]+", os.environ.get(ENVIRONMENT, "").lower()))
    return not words.isdisjoint(("prod", "prd", "production", "live")) and words.isdisjoint(("non", "not", "no", "pre"))
