"""The seed of this process, which decides what `%` means outside of runs."""

from __future__ import annotations

import os
from functools import cache

from chaos_failpoint.children import SEED


@cache
def seed() -> int:
    """
    Return the seed: that of ``$CHAOS_FAILPOINTS_SEED``, or a new one.

    Raises:
        ValueError: The variable holds something else than a whole number.
    """
    given = os.environ.get(SEED)
    if given is None:
        from secrets import randbelow

        return randbelow(2**32)
    try:
        return int(given)
    except ValueError:
        raise ValueError(f"${SEED} is {given!r}, not a whole number") from None
