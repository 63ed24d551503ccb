"""How what a journal lists is taken back: by the run itself, by its watchdog, or by `chaoscore recover`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue

import attrs

from chaoscore.errors import DeadlineError, UndoError
from chaoscore.protocols import UndoAction
from chaoscore.safety.identity import boot_id
from chaoscore.safety.journal import Contents, Failed, Intent, Journal, Undone

Actions = Mapping[str, UndoAction]
"""Maps the names that journals use to what takes those faults back."""

TRIES = 3
PAUSE_S = 0.05
"""Between the first try and the second; twice as long before each further one."""

DEADLINE_S = 5.0
"""For one try; one that does not return is left behind, so that it cannot hold up the others."""


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


def take_back(journal: Journal, intent: Intent, actions: Actions, by: str) -> str:
    """
    Take one fault back, see that it is not in effect any more, and put that on disk.

    Returns:
        How, in words.

    Raises:
        UndoError: It is in effect, or nobody can tell.
    """
    try:
        how = _undo(intent, actions)
    except UndoError as error:
        journal.append(Failed(intent.id, by, error.reason))
        raise
    journal.append(Undone(intent.id, by, how))
    return how


def heal(contents: Contents, actions: Actions, by: str) -> Iterator[Healing]:
    """Take back what is open in a journal, the last first, each within its deadline; one that fails holds up no other."""
    journal = Journal(contents.path)
    rebooted = bool(contents.header.boot) and contents.header.boot != boot_id()
    try:
        for intent in reversed(contents.open):
            if rebooted and not intent.survives_boot:
                how = "the machine was started again since"
                journal.append(Undone(intent.id, by, how))
                yield Healing(intent, how, None)
            else:
                yield _patiently(journal, intent, actions, by)
    finally:
        journal.close()


def _patiently(journal: Journal, intent: Intent, actions: Actions, by: str) -> Healing:
    pause_s, error = PAUSE_S, ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause_s)
            pause_s *= 2
        try:
            return Healing(intent, _within(DEADLINE_S, intent, lambda: take_back(journal, intent, actions, by)), None)
        except (UndoError, DeadlineError) as failure:
            error = str(failure)
    return Healing(intent, None, error)


def _within(deadline_s: float, intent: Intent, function: Callable[[], str]) -> str:
    answers: SimpleQueue[str | UndoError] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put(function())
        except UndoError as error:
            answers.put(error)

    thread = threading.Thread(target=answer, name=f"chaoscore-undo-{intent.id}", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if thread.is_alive():
        raise DeadlineError(intent.undo, "undo", deadline_s)
    result = answers.get()
    if isinstance(result, UndoError):
        raise result
    return result


def _undo(intent: Intent, actions: Actions) -> str:
    action = actions.get(intent.undo)
    if action is None:
        reason = "no installed plugin offers this undo action; install the one that did"
        raise UndoError(intent.undo, reason, intent.manual)
    try:
        how = action.undo(intent.args)
        stays = action.in_effect(intent.args)
    except Exception as error:
        raise UndoError(intent.undo, f"{type(error).__name__}: {error}", intent.manual) from error
    if stays:
        raise UndoError(intent.undo, f"it said {how!r}, but the fault is still in effect", intent.manual)
    return how
