"""Killing processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.choice import Choice, Chosen
from chaos_process.parameters import KillSignal, kill_signal
from chaos_process.process import Process
from chaos_process.proofs import Proofs
from chaos_process.waiting import wait_until
from chaoscore import Evidence, Site, Undo

SEEN_S = 2.0
"""Seconds to wait until a process is seen to have ended."""


@attrs.frozen(kw_only=True)
class Kill(Chosen):
    """
    Kill processes, once, when the fault is opened; with a window's ``every``, again and again.

    Nothing takes this back: whoever supervises the process has to start it again. That is what `Undo.MANUAL` says.

    Attributes:
        signal: ``"KILL"``, which cannot be refused, or ``"TERM"``, which asks.
    """

    signal: KillSignal = attrs.field(default="KILL", converter=kill_signal)

    kind: ClassVar[str] = "process.kill"
    undo: ClassVar[Undo] = Undo.MANUAL

    @contextmanager
    def open(self, site: Site) -> Iterator[Killed]:
        """Kill the chosen processes, and wait a while until they have ended."""
        choice = self.choose(site)
        number = signal.Signals[f"SIG{self.signal}"]
        killed = Killed(site, choice, [each for each in choice.processes if system.send(each, number)], number)
        wait_until(killed.is_proved, SEEN_S)
        yield killed


class Killed:
    """
    Processes that were sent a signal.

    None of them is waited for as a child: its exit status belongs to the system under test, which started it.
    """

    def __init__(self, site: Site, choice: Choice, signalled: list[Process], number: signal.Signals) -> None:
        self._choice, self._proofs = choice, Proofs(site, Kill.kind)
        self._signalled, self._number = signalled, number
        if choice.why_none:
            site.log.warning("%s: %s", Kill.kind, choice.why_none)

    def is_proved(self) -> bool:
        """Look at the processes, and tell whether all have ended."""
        for process in self._signalled:
            if system.state(process).ended:
                self._proofs.add(process, self._number.name)
        return self._proofs.count == len(self._signalled)

    def evidence(self) -> Evidence:
        """Return how many processes ended after the signal."""
        self.is_proved()
        return Evidence(fired=self._proofs.count, detail={**self._choice.detail(), "signalled": len(self._signalled)})
