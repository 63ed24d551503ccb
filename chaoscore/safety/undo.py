"""How what a journal lists is taken back: by the run itself, by its watchdog, or by `chaoscore recover`."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress

import attrs

from chaoscore.errors import StateError, UndoError, text_of
from chaoscore.protocols import UndoAction
from chaoscore.safety.identity import boot_id
from chaoscore.safety.journal import Journal
from chaoscore.safety.records import Contents, Failed, Intent, Undone

Actions = Mapping[str, UndoAction]
"""Maps the names that journals use to what takes those faults back."""

PAUSES_S = (0.05, 0.2, 0.8)
"""How long a run waits between its attempts to take one fault back: what is unreachable now may come back."""

ROUNDS_S = ((0.0, 0.5), (0.25, 2.0), (1.0, 5.0))
"""
How long to wait before each round of healing, and in it for each fault; one that hangs holds up the others no longer.
"""

TEXT_CHARS = 200
"""What plugins say is cut off there in the journal, whose space for it is limited."""


@attrs.frozen
class Healing:
    """
    What became of one open fault.

    Attributes:
        intent: The fault.
        how: How it was taken back, in words; None where it was not.
        error: What went wrong; None where it was taken back.
    """

    intent: Intent
    how: str | None
    error: str | None


def insist(journal: Journal, intent: Intent, actions: Actions, by: str) -> str:
    """Take one fault back, and try again for about a second where that fails; otherwise as `take_back`."""
    for pause_s in PAUSES_S:
        with suppress(UndoError):
            return take_back(journal, intent, actions, by)
        time.sleep(pause_s)
    return take_back(journal, intent, actions, by)


def take_back(journal: Journal, intent: Intent, actions: Actions, by: str) -> str:
    """
    Take one fault back, see that it is not in effect any more, and put that on disk.

    Returns:
        How, in words.

    Raises:
        UndoError: It is in effect, or nobody can tell.
        StateError: It is not in effect any more, but the journal cannot say so.
    """
    try:
        how = _undo(intent, actions)
    except UndoError as error:
        with suppress(StateError):  # the fault stays open all the same
            journal.append(Failed(intent.id, by, error.reason[:TEXT_CHARS]))
        raise
    journal.append(Undone(intent.id, by, how))
    return how


def heal(contents: Contents, actions: Actions, by: str) -> tuple[Healing, ...]:
    """
    Open a journal and take back what it lists, as `heal_in` does; nothing where another process was quicker.

    Raises:
        StateError: The journal cannot be written.
    """
    try:
        journal = Journal(contents.path)
    except StateError:
        if contents.path.exists():
            raise
        return ()
    return heal_in(journal, contents, actions, by)


def heal_in(journal: Journal, contents: Contents, actions: Actions, by: str) -> tuple[Healing, ...]:
    """
    Take back what an open *journal* lists, the last first, and close it.

    What fails or hangs is tried again, later and with more patience, when all others had their turn.

    Returns:
        What became of each, in the order in which they were first tried.

    Raises:
        StateError: The journal cannot be written.
    """
    rebooted = bool(contents.header.boot) and contents.header.boot != boot_id()
    attempts = [_Attempt(journal, intent, actions, by, rebooted) for intent in reversed(contents.open)]
    try:
        for pause_s, patience_s in ROUNDS_S:
            undone = all(attempt.healing.how is not None for attempt in attempts)
            time.sleep(0 if undone else pause_s)
            for attempt in attempts:
                attempt.make(patience_s)
    finally:
        journal.close()
    return tuple(attempt.healing for attempt in attempts)


class _Attempt:
    """One open fault, and a thread that tries to take it back."""

    def __init__(self, journal: Journal, intent: Intent, actions: Actions, by: str, rebooted: bool) -> None:
        self._journal, self._intent, self._actions, self._by = journal, intent, actions, by
        self._over_with_boot = rebooted and not intent.survives_boot
        self._thread: threading.Thread | None = None
        self.healing = Healing(intent, None, "it was not tried")

    def make(self, patience_s: float) -> None:
        """Try, unless it is done; a try that still hangs from the last round is waited for, not made twice."""
        if self.healing.how is not None:
            return
        if self._thread is None or not self._thread.is_alive():
            name = f"chaoscore-undo-{self._intent.id}"
            self._thread = threading.Thread(target=self._try, name=name, daemon=True)
            self._thread.start()
        self._thread.join(patience_s)
        if self._thread.is_alive():
            self.healing = Healing(self._intent, None, f"{self._intent.undo} did not return within {patience_s:g} s")

    def _try(self) -> None:
        try:
            self.healing = Healing(self._intent, self._take_back(), None)
        except (UndoError, StateError) as error:
            self.healing = Healing(self._intent, None, str(error))

    def _take_back(self) -> str:
        if not self._over_with_boot:
            return take_back(self._journal, self._intent, self._actions, self._by)
        how = "the machine was started again since"
        self._journal.append(Undone(self._intent.id, self._by, how))
        return how


def _undo(intent: Intent, actions: Actions) -> str:
    """Take one fault back and return how, shortened."""
    action = actions.get(intent.undo)
    if action is None:
        reason = "no installed plugin offers this undo action; install the one that did"
        raise UndoError(intent.undo, reason, intent.manual)
    try:
        how = str(action.undo(intent.args))[:TEXT_CHARS]
        stays = action.in_effect(intent.args)
    except BaseException as error:  # others' code: not even its `sys.exit` may end this
        raise UndoError(intent.undo, f"{type(error).__name__}: {text_of(error)}", intent.manual) from error
    if stays:
        raise UndoError(intent.undo, f"it said {how!r}, but the fault is still in effect", intent.manual)
    return how
