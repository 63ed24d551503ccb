"""Proof that a fault landed in a process, told once for each."""

from __future__ import annotations

from chaos_process.process import Process
from chaoscore import Site


class Proofs:
    """
    Which processes a fault landed in so far.

    Attributes:
        fault: What the event log calls it.
    """

    def __init__(self, site: Site, fault: str) -> None:
        self._site, self.fault = site, fault
        self._proved: set[int] = set()

    def add(self, process: Process, detail: str) -> None:
        """Tell the run that the fault landed in *process*; a second time says nothing new."""
        if process.pid not in self._proved:
            self._proved.add(process.pid)
            self._site.landed(self.fault, str(process), detail)

    @property
    def count(self) -> int:
        """Return in how many it landed."""
        return len(self._proved)
