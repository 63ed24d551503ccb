"""Pausing processes: stopped by a signal, continued when lifted."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.choice import Choice, Chosen
from chaos_process.process import Args, Process, State
from chaos_process.proofs import Proofs
from chaos_process.waiting import wait_until
from chaoscore import Evidence, Site, Undo

SEEN_S = 2.0
"""Seconds to wait until the state of a process shows a signal."""


@attrs.frozen(kw_only=True)
class Pause(Chosen):
    """
    Stop processes (SIGSTOP) and let them go on (SIGCONT) when the fault is lifted.

    One that is stopped already is left alone: whoever stopped it will want it so.
    """

    kind: ClassVar[str] = "process.pause"
    undo: ClassVar[Undo] = Undo.JOURNAL

    @contextmanager
    def open(self, site: Site) -> Iterator[Paused]:
        """Stop the chosen processes, wait until they stand, and continue them on exit."""
        choice = self.choose(site)
        paused = Paused(site, choice)
        with ExitStack() as lifting:
            for process in paused.running:
                manual = f"kill -CONT {process.pid}"
                target = f"running of {process.name}"
                lifting.enter_context(site.undoing(self.kind, process.as_args(), target=target, manual=manual))
                if system.send(process, signal.SIGSTOP):
                    paused.expect(process)
            wait_until(paused.is_proved, SEEN_S)
            yield paused


class Paused:
    """
    Open pauses.

    Attributes:
        running: Those of the chosen processes that nobody else has stopped.
    """

    def __init__(self, site: Site, choice: Choice) -> None:
        self._choice, self._proofs = choice, Proofs(site, Pause.kind)
        self.running = [each for each in choice.processes if system.state(each) is not State.STOPPED]
        self._stopped: list[Process] = []
        if choice.why_none:
            site.log.warning("%s: %s", Pause.kind, choice.why_none)

    def expect(self, process: Process) -> None:
        """Look at *process* from now on."""
        self._stopped.append(process)

    def is_proved(self) -> bool:
        """Look at the processes, and tell whether all have been seen to stand."""
        for process in self._stopped:
            if system.state(process) is State.STOPPED:
                self._proofs.add(process, system.title(process))
        return self._proofs.count == len(self._stopped)

    def evidence(self) -> Evidence:
        """Return how many processes were seen to stand."""
        self.is_proved()
        already = len(self._choice.processes) - len(self.running)
        return Evidence(fired=self._proofs.count, detail={**self._choice.detail(), "stopped_already": already})


def undo_pause(args: Args) -> str:
    """
    Let a process go on, unless it has ended or its pid belongs to another one now.

    Args:
        args: ``pid``, ``create_time`` and ``start_ticks`` of the process.

    Returns:
        A sentence that says what was found.

    Raises:
        DeniedError: It belongs to somebody else.
    """
    process = Process.from_args(args)
    # sent whatever its state: a stop that has not taken effect yet is taken back as well
    if not system.send(process, signal.SIGCONT):
        return f"{process} has ended"
    wait_until(lambda: system.state(process) is not State.STOPPED, SEEN_S)
    return f"{process} was continued"


class Continue:
    """The undo action of `Pause`."""

    undo = staticmethod(undo_pause)

    def in_effect(self, args: Args) -> bool:
        """Tell whether the process is stopped."""
        return system.state(Process.from_args(args)) is State.STOPPED
