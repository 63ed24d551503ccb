"""Which failure to reproduce, and how."""

from __future__ import annotations

from chaoscore.events import Found, IterationEnded, Outcome, RunStarted
from chaoscore.verdict import Verdict


class FirstFailure:
    """
    Remembers the failure that is worth reproducing first.

    A finding or a failure that no fault explains comes before an injected fault that got out of a step, and one that
    knows its iteration before one that does not.
    """

    def __init__(self) -> None:
        self._iteration: int | None = None
        self._somewhere = False
        self._faulted: int | None = None

    def iteration_ended(self, event: IterationEnded) -> None:
        """Take note of an iteration that did not succeed."""
        if event.outcome is Outcome.FAULTED:
            if self._faulted is None:
                self._faulted = event.iteration
        elif event.outcome is not Outcome.CANCELLED and self._iteration is None:
            self._iteration = event.iteration

    def found(self, event: Found) -> None:
        """Take note of a finding, if it weighs anything."""
        if event.verdict is not Verdict.PASS:
            self._somewhere = True
            if self._iteration is None:
                self._iteration = event.iteration

    def commands(self, run: RunStarted) -> tuple[str | None, str | None]:
        """
        Return what reproduces it, and what runs its iteration alone where that is not the same.

        An injected fault strikes again wherever its iteration runs. Any other failure may lie in what the iterations
        before it left behind, or in how several workers took turns, which the iteration alone may then not show.
        """
        injected = self._iteration is None and not self._somewhere
        iteration = self._faulted if injected else self._iteration
        whole = run.rerun or None
        if iteration is None or not run.rerun_one:
            return whole, None
        alone = run.rerun_one.replace("{iteration}", str(iteration))
        if not whole or whole == alone or (injected and run.workers == 1):
            return alone, None
        return whole, alone
