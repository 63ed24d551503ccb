"""CPU stress: child processes that burn a share of a core each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.children import Children, running
from chaos_process.errors import GoneError
from chaos_process.parameters import children_count, share
from chaos_process.proofs import Proofs
from chaos_process.waiting import wait_until
from chaoscore import Evidence, Site, Undo

PROOF_S = 2.0
"""Seconds to wait for the first proof; the kernel counts CPU time in steps of 10 ms."""


@attrs.frozen
class CpuStress:
    """
    Take CPU time away from the system under test.

    The burners are processes, never threads: a burner thread holds the interpreter lock, which is another fault (the
    99th percentile of a thread's latency was 27 ms beside one such thread, and 3.6 ms beside two such processes).

    Attributes:
        load: Share of its core that each process burns, above 0, up to 1.
        processes: How many; None: one for each core that this process may use.
    """

    load: float = attrs.field(default=1.0, converter=share)
    processes: int | None = attrs.field(default=None, converter=children_count)

    kind: ClassVar[str] = "process.cpu"
    undo: ClassVar[Undo] = Undo.KERNEL

    @contextmanager
    def open(self, site: Site) -> Iterator[Burning]:
        """Start the burners, wait until they burn, and end them on exit."""
        with running(site, self.kind, "cpu", self.load, self.processes or system.usable_cores()) as children:
            burning = Burning(site, children)
            children.go()
            wait_until(burning.is_proved, PROOF_S)
            yield burning


class Burning:
    """
    Open CPU stress.

    Attributes:
        children: The burners.
    """

    def __init__(self, site: Site, children: Children) -> None:
        self._clock, self._opened_s = site.clock, site.clock.monotonic()
        self._proofs = Proofs(site, CpuStress.kind)
        self.children = tuple(children.known)
        self._before_s = {child: system.cpu_s(child) for child in self.children}  # what starting took is not stress
        self._burnt_s = dict.fromkeys(self.children, 0.0)

    def is_proved(self) -> bool:
        """Look at the CPU time of each child, and tell whether all have burnt some."""
        for child, before_s in self._before_s.items():
            with suppress(GoneError):  # it ended early: what it had burnt when last seen counts
                self._burnt_s[child] = max(0.0, system.cpu_s(child) - before_s)
        for child, burnt_s in self._burnt_s.items():
            if burnt_s > 0:
                self._proofs.add(child, f"burnt {burnt_s:.2f} s of CPU time")
        return self._proofs.count == len(self._burnt_s)

    def evidence(self) -> Evidence:
        """Return how many children burnt CPU time, and how much."""
        self.is_proved()
        burnt_s = sum(self._burnt_s.values())
        open_s = max(1e-9, self._clock.monotonic() - self._opened_s)
        detail = {
            "processes": len(self._burnt_s),
            "cpu_s": round(burnt_s, 2),
            "cores_taken": round(burnt_s / open_s, 2),
        }
        return Evidence(fired=self._proofs.count, detail=detail)
