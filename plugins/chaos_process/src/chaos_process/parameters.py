"""Parameters of this plugin's parts, parsed and checked in one place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from chaos_process.errors import UnknownProcessError
from chaoscore import Probability, Severity, optional_bytes, probability, size_bytes

Count = Annotated[int, "count"]
"""A whole number, 1 or more."""

Whole = Annotated[int, "whole number"]
"""A whole number, 0 or more."""

Pick = Literal["one", "all"] | Probability
"""``"one"``, ``"all"``, or a share of the processes: a number with a point, up to 1.0, or text such as ``"50%"``."""

Pattern = Annotated[str, "regular expression"]
"""A regular expression that is searched for in command lines, as by ``pgrep -f``."""

Files = Annotated[int | str, "files"]
"""A whole number, or text such as ``"+4"``: so many more than are open."""

Room = Annotated[int | str, "size or +size"]
"""Bytes as by `chaoscore.Size`, or text such as ``"+64MiB"``: so many more than are in use."""

PidsOf = Callable[[Any], Any]
"""A function of the target that returns one pid, several, or None."""

UsageOf = Literal["self", "target"] | PidsOf
"""``"self"``, ``"target"`` (its ``pid``), or a function of the target."""

ChildrenOf = Literal["children", "target"] | PidsOf
"""``"children"``, ``"target"`` (its ``pid``), or a function of the target."""

KillSignal = Literal["KILL", "TERM"]
"""How a process is killed: at once, or asked to end."""

MOST_CHILDREN = 256


def share(value: Probability) -> float:
    """
    Return *value* as a number above 0, up to 1.

    Raises:
        ValueError: It lies outside.
    """
    number = probability(value)
    if not number:
        raise ValueError(f"a share lies above 0, up to 1 (or '100%'), not {value!r}: nothing would happen")
    return number


def optional_count(value: Count | None) -> int | None:
    """
    Return *value* where it is a whole number, 1 or more, or None.

    Raises:
        ValueError: It is less.
        TypeError: It is no whole number.
    """
    return _whole(value, 1)


def optional_whole(value: Whole | None) -> int | None:
    """Return *value* where it is a whole number, 0 or more, or None; raises ValueError, TypeError."""
    return _whole(value, 0)


def children_count(value: Count | None) -> int | None:
    """Return *value* where it is 1 to `MOST_CHILDREN`, or None."""
    number = optional_count(value)
    if number is not None and number > MOST_CHILDREN:
        raise ValueError(f"at most {MOST_CHILDREN} processes, not {value!r}: more would only fill the process table")
    return number


def pick(value: Pick) -> str | float:
    """
    Return ``"one"``, ``"all"`` or a share above 0, up to 1.

    Raises:
        ValueError: It is something else.
        TypeError: It is a whole number, which might mean a count or a share.
    """
    if value in ("one", "all"):
        return value
    if isinstance(value, int):
        raise TypeError(f"pick is 'one', 'all' or a share such as '50%' or 0.5; {value!r} might be a count or a share")
    try:
        return share(value)
    except ValueError as error:
        raise ValueError(f"pick is 'one', 'all' or a share such as '50%' or 0.5, not {value!r}") from error


def optional_pattern(value: Pattern | None) -> str | None:
    """Return *value* where it is a regular expression, or None; raises TypeError, ValueError."""
    if value is not None:
        if not isinstance(value, str):
            raise TypeError(f"match is a regular expression as text, not {value!r}")
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
    return value


def optional_files(value: Files | None) -> int | str | None:
    """Return a number of files, or ``"+N"``, or None; raises ValueError, TypeError."""
    if isinstance(value, str):
        if not re.fullmatch(r"\+\d+", value):
            raise ValueError(f"{value!r} is not a number of files; write a number, or '+4' for 4 more than are open")
        return value
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"open_files is a whole number, or text such as '+4', not {value!r}")
    if value is not None and value < 0:
        raise ValueError(f"open_files must not be negative: {value!r}")
    return value


def optional_room(value: Room | None) -> int | str | None:
    """Return a size in bytes, or ``"+SIZE"`` as it was given, or None; raises ValueError, TypeError."""
    if isinstance(value, str) and value.startswith("+"):
        try:
            size_bytes(value[1:])
        except ValueError as error:
            raise ValueError(f"after the + of {value!r} comes a size: {error}") from error
        return value
    return optional_bytes(value)


def optional_start(value: float | int | None) -> float | None:
    """Return *value* where it is a number of seconds since 1970, or None; raises TypeError, ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"started is a number, seconds since 1970-01-01 UTC, not {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"started is seconds since 1970-01-01 UTC, not {value!r}")
    return float(value)


def usage_of(value: UsageOf) -> UsageOf:
    """
    Return *value* where it says whose usage is meant.

    Raises:
        ValueError: It is another text.
        TypeError: It is neither text nor a function.
    """
    _check_of(value, "self")
    return value


def children_of(value: ChildrenOf) -> ChildrenOf:
    """
    Return *value* where it says which processes are meant.

    Raises:
        ValueError: It is another text.
        TypeError: It is neither text nor a function.
    """
    _check_of(value, "children")
    return value


def target_pids(of: UsageOf | ChildrenOf, target: object) -> tuple[int, ...]:
    """
    Return the pids that *target* gives: its attribute ``pid``, or what the function *of* returns for it.

    Raises:
        UnknownProcessError: It gives something else.
    """
    if callable(of):
        found, said = of(target), "of="
    else:
        found, said = getattr(target, "pid", _MISSING), f"the target, a {type(target).__name__},"
    pids = () if found is None else tuple(found) if isinstance(found, (list, tuple, set, frozenset)) else (found,)
    if found is _MISSING:
        raise UnknownProcessError(f"{said} has no `pid`")
    if not all(isinstance(pid, int) and not isinstance(pid, bool) for pid in pids):
        raise UnknownProcessError(f"{said} gave {found!r}, which is neither a pid nor a list of pids")
    return pids


_MISSING = object()


def _whole(value: object, least: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected a whole number, {least} or more, not {value!r}")
    if value < least:
        raise ValueError(f"expected a whole number, {least} or more, not {value!r}")
    return value


def _check_of(value: object, default: str) -> None:
    expected = f"of is {default!r}, 'target', or a function of the target that returns pids, not {value!r}"
    if isinstance(value, str):
        if value not in {default, "target"}:
            raise ValueError(expected)
    elif not callable(value):
        raise TypeError(expected)


def kill_signal(value: KillSignal) -> KillSignal:
    """Return *value* where it is ``"KILL"`` or ``"TERM"``; raises ValueError."""
    known = get_args(KillSignal)
    if value not in known:
        raise ValueError(f"signal is {' or '.join(map(repr, known))}, not {value!r}")
    return value


def weight(value: Severity | str) -> Severity:
    """
    Return *value* as a severity.

    Raises:
        ValueError: There is no such severity.
    """
    try:
        return Severity(value)
    except ValueError:
        raise ValueError(f"severity is one of {', '.join(Severity)}, not {value!r}") from None
