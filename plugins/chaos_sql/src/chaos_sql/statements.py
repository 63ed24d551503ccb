"""Which statements a fault strikes: a pattern, a count, a chance."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Any

from chaoscore import Ask

SHOWN_CHARS = 60


@lru_cache(maxsize=100)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(" ".join(glob.split())), re.IGNORECASE)


def matches(ask: Ask, glob: str) -> bool:
    """Tell whether *ask* is about a statement that *glob* matches; case and spacing do not count."""
    statement = ask.tags.get("statement")
    return isinstance(statement, str) and (glob == "*" or _pattern(glob).match(" ".join(statement.split())) is not None)


def strikes(injector: Any, ask: Ask) -> bool:
    """Tell whether *injector* strikes at *ask*: as often as its `nth` and `probability` say."""
    if injector.nth is not None and ask.count(id(injector)) != injector.nth:
        return False
    return ask.chance(injector.probability)


def shown(ask: Ask) -> str:
    """Return the statement that *ask* is about, on one line and shortened."""
    text = " ".join(str(ask.tags.get("statement", "")).split())
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 3]}..."
