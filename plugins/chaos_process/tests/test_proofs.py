"""Proof that a fault landed in a process."""

from typing import Any

from chaos_process.process import Process
from chaos_process.proofs import Proofs
from chaoscore import Site


def test_each_process_is_told_once(site: Site, landed: Any) -> None:
    """A second proof for one process says nothing new; one for another does."""
    proofs = Proofs(site, "process.pause")
    for pid in (7, 8, 7):
        proofs.add(Process(pid, 1.0), "stands")
    assert landed == [("process.pause", "process 7", "stands"), ("process.pause", "process 8", "stands")]
    assert proofs.count == 2
