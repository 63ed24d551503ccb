"""Which processes a fault strikes: only those that it may, chosen by the run's seed."""

from __future__ import annotations

import os
import re
from math import floor

import attrs

from chaos_process import system
from chaos_process.children import strangers_below
from chaos_process.errors import ForbiddenProcessError
from chaos_process.parameters import (
    ChildrenOf,
    children_of,
    optional_count,
    optional_pattern,
    optional_start,
    pick,
    target_pids,
)
from chaos_process.process import Process
from chaoscore import Site


@attrs.frozen(kw_only=True)
class Chosen:
    """
    The processes that a fault strikes.

    Without *pid*, these are descendants of this process: all but those that the tool started itself, or those that *of*
    and *match* leave. A process that is none must be named by its *pid* and the time when it *started*.

    Attributes:
        pick: ``"one"``, ``"all"`` or a share of them, rounded down, but one at least; the seed decides which.
        match: Regular expression that is searched for in command lines; None: any.
        of: ``"children"``, ``"target"`` (those that its ``pid`` names) or a function of the target that returns pids.
        pid: The one process to strike.
        started: When that process started, seconds since 1970-01-01 UTC, to within 2 s; must be given with *pid*.
    """

    pick: str | float = attrs.field(default="one", converter=pick)
    match: str | None = attrs.field(default=None, converter=optional_pattern)
    of: ChildrenOf = attrs.field(default="children", converter=children_of)
    pid: int | None = attrs.field(default=None, converter=optional_count)
    started: float | None = attrs.field(default=None, converter=optional_start)

    def __attrs_post_init__(self) -> None:
        if (self.pid is None) != (self.started is None):
            raise ValueError(
                "pid and started go together: a pid alone may belong to another process by the time of the fault"
            )
        if self.pid is not None and (self.match is not None or self.of != "children"):
            raise ValueError("pid names one process; drop match and of")

    def finds(self) -> list[str]:
        """Return the process that is named, if it is there and may be struck; others are there when the run is."""
        return [] if self.pid is None else [system.title(each) for each in self._named()]

    def choose(self, site: Site) -> Choice:
        """
        Return the processes to strike now, and what to say where there are none.

        Raises:
            ForbiddenProcessError: One is named that must not be struck.
            UnknownProcessError: The target does not say which process is meant.
        """
        found = self._named() if self.pid is not None else self._below(site.target)
        candidates = [each for each in found if not system.state(each).ended]
        # in the order of starting, so that the same seed strikes the same ones again, whatever their pids
        chosen = site.choose(candidates, "process", count=how_many(self.pick, len(candidates)))
        return Choice(chosen, candidates, "" if candidates else self._none(found))

    def _named(self) -> list[Process]:
        assert self.pid is not None
        assert self.started is not None
        check_allowed(self.pid)
        process = system.look_up(self.pid)
        same = process is not None and process.is_same(Process(self.pid, self.started))
        return [process] if same and process is not None else []

    def _below(self, target: object) -> list[Process]:
        below = strangers_below(system.this_process())
        if self.of != "children":
            pids = target_pids(self.of, target)
            known = {each.pid for each in below}
            for pid in pids:
                check_allowed(pid)
                if pid not in known and system.look_up(pid) is not None:
                    raise ForbiddenProcessError(pid, "no descendant of this process", "name it by pid= and started=")
            below = [each for each in below if each.pid in pids]
        return [each for each in below if self.match is None or re.search(self.match, system.command_line(each))]

    def _none(self, ended: list[Process]) -> str:
        if ended:
            return f"every process that it might strike has ended: {', '.join(map(str, ended[:5]))}"
        if self.pid is not None:
            return f"no process {self.pid} that started {self.started} s after 1970"
        there = [system.title(each) for each in strangers_below(system.this_process())]
        wanted = "" if self.match is None else f" matches {self.match!r}"
        return f"no descendant of process {os.getpid()}{wanted}; there are {', '.join(there[:5]) or 'none'}"


@attrs.frozen
class Choice:
    """
    What was chosen.

    Attributes:
        processes: The processes to strike.
        candidates: Those among which they were chosen.
        why_none: Why there are none, with what there is; empty where there are some.
    """

    processes: tuple[Process, ...]
    candidates: list[Process]
    why_none: str

    def detail(self) -> dict[str, object]:
        """Return it as evidence."""
        detail: dict[str, object] = {"candidates": len(self.candidates), "pids": [each.pid for each in self.processes]}
        return detail | {"why_none": self.why_none} if self.why_none else detail


def how_many(pick: str | float, candidates: int) -> int:
    """Return how many of the candidates *pick* asks for: a share is rounded down, but one at least."""
    if isinstance(pick, str):
        return candidates if pick == "all" else 1
    return max(1, floor(pick * candidates + 1e-9))


def check_allowed(pid: int) -> None:
    """
    Refuse what is never struck, whoever asks for it.

    Raises:
        ForbiddenProcessError: It is the system's first process, this one, one above it, or the tool's own.
    """
    for why, forbidden in (
        ("no single process", pid <= 0),
        ("the first process of the system", pid == 1),
        ("the process that runs the scenario", pid == os.getpid()),
        ("above the process that runs the scenario", pid in system.ancestors()),
        ("a helper of the tool or of Python", _is_helper(pid)),
    ):
        if forbidden:
            raise ForbiddenProcessError(pid, why)


def _is_helper(pid: int) -> bool:
    process = system.look_up(pid)
    return process is not None and system.is_helper(process)
