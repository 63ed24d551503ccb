"""Actions that end the process, as a crash would: nothing is flushed, nothing is cleaned up."""

from __future__ import annotations

import os
import signal
from typing import ClassVar

import attrs

from chaos_failpoint.actions.base import Action, Moment
from chaos_failpoint.children import is_child
from chaos_failpoint.errors import NotAllowedError
from chaos_failpoint.replies import after_replies

__chaos_hidden__ = True  # a fault is shown where the failpoint stands, not here


@attrs.frozen
class Exit(Action):
    """
    End the process with an exit code.

    Attributes:
        code: The exit code.
        allowed: Whether it may end a process that nobody started for that.
    """

    name: ClassVar[str] = "exit"
    prompt: ClassVar[bool] = False
    code: int = 1
    allowed: bool = attrs.field(default=False, kw_only=True)

    def act(self, moment: Moment) -> None:
        _check(self, self.allowed)
        moment.landing.landed()
        after_replies()
        os._exit(self.code)


@attrs.frozen
class Kill(Action):
    """
    Send the process a signal.

    Attributes:
        signal: Its number.
        allowed: Whether it may end a process that nobody started for that.
    """

    name: ClassVar[str] = "kill"
    prompt: ClassVar[bool] = False
    signal: int = getattr(signal, "SIGKILL", signal.SIGTERM)
    allowed: bool = attrs.field(default=False, kw_only=True)

    def act(self, moment: Moment) -> None:
        _check(self, self.allowed)
        moment.landing.landed()
        after_replies()
        os.kill(os.getpid(), self.signal)


def _check(action: Action, allowed: bool) -> None:
    if not allowed and not is_child():
        reason = "it would end this process, which is not a child that was started for such tests"
        raise NotAllowedError(action.name, f"{reason}; pass allow=({action.name!r},) if that is what you want")
