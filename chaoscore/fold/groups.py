"""Things that say the same but for numbers, kept together: a million of them take no more room than a few."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from msgspec.structs import replace

from chaoscore.events import Found, StepEnded
from chaoscore.report import ErrorGroup, FindingGroup
from chaoscore.verdict import Severity

T = TypeVar("T")

KINDS = 20
"""Groups that are kept apart for one owner; what says yet another thing goes into one group for all the rest."""

REST = "(and other kinds) "
"""Stands before the message of such a group."""

_COMPARED = 500
_VARYING = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|0[xX][0-9a-fA-F]+"
    r"|\d+(?:[.,:]\d+)*"
)
_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}


def shape(message: str) -> str:
    """Return *message* with ``#`` for what tells two messages of one kind apart: numbers, addresses, UUIDs."""
    return _VARYING.sub("#", message[:_COMPARED])


class Group(Generic[T]):
    """
    Things that say the same.

    Attributes:
        owner: Whose they are.
        is_rest: It holds what found no room in a group of its own.
        count: How many.
        first: The first.
        last: The last.
    """

    __slots__ = ("count", "first", "is_rest", "last", "owner")

    def __init__(self, owner: str, is_rest: bool, first: T) -> None:
        self.owner, self.is_rest, self.first = owner, is_rest, first
        self.last = first
        self.count = 0

    def add(self, thing: T) -> None:
        """Count another."""
        self.count += 1
        self.last = thing


class Groups(Generic[T]):
    """Groups by owner, class and message; for each owner and class at most `KINDS`, and one for the rest."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Hashable, Hashable], Group[T]] = {}
        self._sizes: Counter[tuple[str, Hashable]] = Counter()

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group[T]]:
        return iter(tuple(self._groups.values()))  # a reader in another thread must not meet a change

    def add(self, owner: str, kind: Hashable, message: Hashable, thing: T) -> None:
        """
        Put *thing* into its group.

        Args:
            owner: Whose it is.
            kind: A class of few members whose things never share a group with those of another class.
            message: What it says, in its `shape`.
            thing: What to keep if it is the first or the last.
        """
        group = self._groups.get((owner, kind, message)) or self._open(owner, kind, message, thing)
        group.add(thing)

    def _open(self, owner: str, kind: Hashable, message: Hashable, thing: T) -> Group[T]:
        is_rest = self._sizes[owner, kind] >= KINDS
        if not is_rest:
            self._sizes[owner, kind] += 1
        key = (owner, kind, None if is_rest else message)
        return self._groups.setdefault(key, Group(owner, is_rest, thing))


def finding_groups(groups: Groups[Found]) -> tuple[FindingGroup, ...]:
    """Return groups of findings as values, most severe first."""

    def value(group: Group[Found]) -> FindingGroup:
        first = replace(group.first, message=REST + group.first.message) if group.is_rest else group.first
        return FindingGroup(group.owner, first.severity, first.verdict, group.count, first, group.last)

    def order(group: FindingGroup) -> tuple[int, int, float]:
        return -group.verdict.rank, _SEVERITIES[group.severity], group.first.at

    return tuple(sorted(map(value, groups), key=order))


def error_groups(groups: Groups[StepEnded]) -> tuple[ErrorGroup, ...]:
    """Return groups of steps that ended with an error as values, most frequent first."""

    def value(group: Group[StepEnded]) -> ErrorGroup:
        first, error = group.first, group.first.error
        assert error is not None
        shown = replace(error, message=REST + error.message) if group.is_rest else error
        return ErrorGroup(group.owner, group.count, shown, first.iteration, first.worker, first.at, group.last.at)

    return tuple(sorted(map(value, groups), key=lambda group: (-group.count, group.first_at)))
