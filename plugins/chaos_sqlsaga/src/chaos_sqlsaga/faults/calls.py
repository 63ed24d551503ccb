"""Handlers and compensations that fail, and leases that are not renewed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial
from typing import ClassVar

import attrs

from chaos_sqlsaga.parameters import is_count, is_flag, is_glob
from chaoscore import Ask, InjectedError, Raise, Undo, probability


@attrs.frozen(kw_only=True)
class _CallError:
    """
    What the faults around calls have in common.

    Attributes:
        step: Glob that the step's name must match.
        definition: Glob that the name of the saga's definition must match.
        nth: Only the n-th matching call of a worker, from 1; None: any of them.
        probability: Chance that a call fails, 0 to 1.
        done: Whether the work was done, and only nobody hears of it; otherwise it is not begun.
    """

    kind: ClassVar[str]
    before: ClassVar[str]
    after: ClassVar[str]
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})

    step: str = attrs.field(default="*", validator=is_glob)
    definition: str = attrs.field(default="*", validator=is_glob)
    nth: int | None = attrs.field(default=None, validator=is_count)
    probability: float = attrs.field(default=1.0, converter=probability)
    done: bool = attrs.field(default=False, validator=is_flag)

    @property
    def at(self) -> str:
        """Return the name of its points."""
        return self.after if self.done else self.before

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a call of a step that matches."""
        if not _is_about(ask, self.definition, self.step):
            return None
        if self.nth is not None and ask.count(id(self)) != self.nth:
            return None
        if not ask.chance(self.probability):
            return None
        what = "done, and nobody hears of it" if self.done else "not begun"
        return Raise(partial(InjectedError, f"{ask.tags['step']} of saga {ask.tags.get('saga')}: {what}"))


@attrs.frozen
class HandlerError(_CallError):
    """Let handlers of steps fail, before they are called or after they have done their work."""

    kind: ClassVar[str] = "saga.handler_error"
    before: ClassVar[str] = "saga.handler"
    after: ClassVar[str] = "saga.handled"


@attrs.frozen
class CompensationError(_CallError):
    """Let compensations fail, before they are called or after they have done their work."""

    kind: ClassVar[str] = "saga.compensation_error"
    before: ClassVar[str] = "saga.compensation"
    after: ClassVar[str] = "saga.compensated"


@attrs.frozen(kw_only=True)
class LeaseError:
    """
    Let renewals of leases fail, so that another worker may take the step over while the first still works.

    Attributes:
        step: Glob that the step's name must match.
        probability: Chance that a renewal fails, 0 to 1.
    """

    kind: ClassVar[str] = "saga.lease_error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})
    at: ClassVar[str] = "saga.lease"

    step: str = attrs.field(default="*", validator=is_glob)
    probability: float = attrs.field(default=1.0, converter=probability)

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error for a renewal."""
        if not _is_about(ask, "*", self.step) or not ask.chance(self.probability):
            return None
        return Raise(
            partial(InjectedError, f"the lease on {ask.tags['step']} of saga {ask.tags.get('saga')}: not renewed")
        )


def _is_about(ask: Ask, definition: str, step: str) -> bool:
    about = ask.tags.get("step")
    return (
        isinstance(about, str) and fnmatchcase(about, step)
        and fnmatchcase(str(ask.tags.get("definition", "")), definition)
    )  # fmt: skip
