"""Terms as values: what a failpoint is to do, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

MOST_BYTES = 1023
"""How long the text of terms may be, as in FreeBSD."""

MOST_TERMS = 20
"""How many terms one failpoint may have, as in FreeBSD."""


@attrs.frozen
class Percent:
    """``p%``: passes with this probability, *percent* from 0 to 100."""

    percent: float


@attrs.frozen
class Most:
    """``n*``: passes at most *count* times."""

    count: int


@attrs.frozen
class Skip:
    """``n+``: lets the first *count* evaluations go by."""

    count: int


Modifier = Percent | Most | Skip


@attrs.frozen
class Filter:
    """``[tag=glob]``: only hits whose *tag* matches *glob* are evaluated; others use up nothing."""

    tag: str
    glob: str


@attrs.frozen
class Term:
    """
    One thing that a failpoint may do.

    Attributes:
        action: What, such as ``return`` or ``sleep``.
        args: With what; durations are whole nanoseconds.
        modifiers: When, in written order; all of them must pass.
        filters: For which hits; they are looked at before the modifiers.
    """

    action: str
    args: tuple[Any, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    filters: tuple[Filter, ...] = ()


Terms = tuple[Term, ...]
"""The first term that passes fires, and the evaluation ends there: ``->`` means *otherwise*, not *then*."""

Config = Mapping[str, Terms]
"""Terms by the names of failpoints."""
