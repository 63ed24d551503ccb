"""Memory pressure: a child process that holds touched pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.children import Children, running
from chaos_process.errors import ChildError, GoneError, ProcessError
from chaos_process.parameters import share
from chaos_process.proofs import Proofs
from chaoscore import Evidence, Site, Undo, show_bytes, size_bytes

FILL_S = 30.0
"""Seconds that the child gets to touch its pages; what it has by then counts."""
LEAST_BYTES = 1 << 20


class NoMemoryError(ProcessError, MemoryError):
    """So little memory is available that a share of it would show nothing."""

    def __init__(self, available_bytes: int, share: float) -> None:
        self.available_bytes, self.share = available_bytes, share
        allowed = f"{share:.0%} of the available {show_bytes(available_bytes)}"
        super().__init__(
            f"process.memory may take {allowed}: {show_bytes(share * available_bytes)} would show nothing; "
            "free some memory, or raise max_share"
        )


@attrs.frozen
class MemoryPressure:
    """
    Take memory away from the system under test.

    The kernel kills the child before anything else if it must kill something for want of memory.

    Attributes:
        size_bytes: Memory to hold, bytes.
        max_share: Share of the available memory that is never exceeded, above 0, up to 1; less is held instead.
    """

    size_bytes: int = attrs.field(converter=size_bytes, alias="size")
    max_share: float = attrs.field(default=0.5, converter=share)

    kind: ClassVar[str] = "process.memory"
    undo: ClassVar[Undo] = Undo.KERNEL

    def __attrs_post_init__(self) -> None:
        if self.size_bytes < LEAST_BYTES:
            raise ValueError(f"size must be 1MiB or more, not {show_bytes(self.size_bytes)}: less would show nothing")

    @contextmanager
    def open(self, site: Site) -> Iterator[Holding]:
        """Start the child, wait until it holds the memory, and end it on exit."""
        available_bytes = system.available_bytes()
        held_bytes = min(self.size_bytes, int(self.max_share * available_bytes))
        if held_bytes < LEAST_BYTES:
            raise NoMemoryError(available_bytes, self.max_share)
        with running(site, self.kind, "memory", held_bytes) as children:
            holding = Holding(site, children, self, held_bytes, available_bytes)
            children.go()
            with suppress(ChildError):  # the child was killed or is slow: the evidence says what it holds
                children.expect(b"h", FILL_S)
            holding.look()
            yield holding


class Holding:
    """
    Open memory pressure.

    Attributes:
        child: The process that holds the memory.
    """

    def __init__(
        self, site: Site, children: Children, asked: MemoryPressure, goal_bytes: int, available_bytes: int
    ) -> None:
        self._proofs = Proofs(site, MemoryPressure.kind)
        self._asked_bytes, self._goal_bytes, self._available_bytes = asked.size_bytes, goal_bytes, available_bytes
        [self.child] = children.known
        self._before_bytes = system.rss_bytes(self.child)
        if goal_bytes < asked.size_bytes:
            site.log.warning(
                "%s: holds %s instead of %s: %s are available, of which it may take %.0f %%",
                MemoryPressure.kind,
                show_bytes(goal_bytes),
                show_bytes(asked.size_bytes),
                show_bytes(available_bytes),
                100 * asked.max_share,
            )

    def look(self) -> int:
        """Return what the child really holds now, bytes."""
        held_bytes = 0
        with suppress(GoneError):
            held_bytes = max(0, system.rss_bytes(self.child) - self._before_bytes)
        if held_bytes >= 0.9 * self._goal_bytes:
            self._proofs.add(self.child, f"holds {show_bytes(held_bytes)}")
        return held_bytes

    def evidence(self) -> Evidence:
        """Return whether the child holds the memory, and how much of what was asked for."""
        held_bytes = self.look()
        detail: dict[str, object] = {
            "asked_bytes": self._asked_bytes,
            "goal_bytes": self._goal_bytes,
            "held_bytes": held_bytes,
            "available_bytes_before": self._available_bytes,
            "clipped": self._goal_bytes < self._asked_bytes,
        }
        return Evidence(fired=self._proofs.count, detail=detail)
