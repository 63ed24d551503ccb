"""The validators: memory, open files and children of a process."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from chaos_process import system
from chaos_process.children import strangers_below
from chaos_process.parameters import UsageOf, optional_count, optional_whole, usage_of, weight
from chaos_process.usage import Usage, UsageChecker
from chaoscore import Scene, Severity, optional_bytes, seconds, show_bytes


def _positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.alias} must be more than 0 s")


@attrs.frozen(kw_only=True)
class Watched:
    """
    Whose usage is watched, and how.

    Attributes:
        of: ``"self"`` (the process that runs the scenario), ``"target"`` (those that its ``pid`` names) or a function
            of the target that returns one pid or several; asked anew at each look, and each process judged by itself.
        every_s: Seconds between two looks; growth takes 16 of them at least.
        severity: What the findings weigh.
    """

    of: UsageOf = attrs.field(default="self", converter=usage_of)
    every_s: float = attrs.field(default=0.5, converter=seconds, validator=_positive, alias="every")
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight)

    def _start(self, scene: Scene, usage: Usage, limit: float | None, growth: float | None) -> UsageChecker:
        return UsageChecker(scene, usage, self.of, limit, growth, self.every_s)


def _one_of(validator: MemoryLimit | FdLimit | ChildLimit, limit: object, growth: object) -> None:
    if limit is None and growth is None:
        raise ValueError(f"{validator.kind} needs at least one of limit=, growth=")


@attrs.frozen
class MemoryLimit(Watched):
    """
    The resident memory of a process stays low, and does not keep growing.

    Attributes:
        limit_bytes: Resident memory that there may be at any time, bytes; None: any.
        growth_bytes: Bytes by which it may grow over the whole run; None: any.
    """

    limit_bytes: int | None = attrs.field(default=None, converter=optional_bytes, alias="limit")
    growth_bytes: int | None = attrs.field(default=None, converter=optional_bytes, alias="growth")

    kind: ClassVar[str] = "process.memory_limit"

    def __attrs_post_init__(self) -> None:
        _one_of(self, self.limit_bytes, self.growth_bytes)

    def start(self, scene: Scene) -> UsageChecker:
        """Return a checker for one run."""
        return self._start(scene, _MEMORY, self.limit_bytes, self.growth_bytes)


@attrs.frozen
class FdLimit(Watched):
    """
    The open file descriptors of a process stay few, and do not keep growing in number.

    In the process that runs the scenario those of the run count as well: event log, event loop, two for an open fault.

    Attributes:
        limit: Descriptors that there may be at any time, 1 or more; None: any number.
        growth: Descriptors by which the number may grow over the whole run, 0 or more; None: any number.
    """

    limit: int | None = attrs.field(default=None, converter=optional_count)
    growth: int | None = attrs.field(default=None, converter=optional_whole)

    kind: ClassVar[str] = "process.fd_limit"

    def __attrs_post_init__(self) -> None:
        _one_of(self, self.limit, self.growth)

    def start(self, scene: Scene) -> UsageChecker:
        """Return a checker for one run."""
        return self._start(scene, _FILES, self.limit, self.growth)


@attrs.frozen
class ChildLimit(Watched):
    """
    The children of a process, with their own children, stay few, and do not keep growing in number.

    One that has ended and was never waited for counts: it is a leak. Those that the tool starts itself do not.

    Attributes:
        limit: Children that there may be at any time, 0 or more; None: any number.
        growth: Children by which the number may grow over the whole run, 0 or more; None: any number.
    """

    limit: int | None = attrs.field(default=None, converter=optional_whole)
    growth: int | None = attrs.field(default=None, converter=optional_whole)

    kind: ClassVar[str] = "process.child_limit"

    def __attrs_post_init__(self) -> None:
        _one_of(self, self.limit, self.growth)

    def start(self, scene: Scene) -> UsageChecker:
        """Return a checker for one run."""
        return self._start(scene, _CHILDREN, self.limit, self.growth)


def _counted(value: float) -> str:
    return f"{value:,.0f}"


_MEMORY = Usage(name="the memory", noun="of memory", read=system.rss_bytes, show=show_bytes)
_FILES = Usage(name="the number of open files", noun="open files", read=system.open_files, show=_counted)
_CHILDREN = Usage(
    name="the number of children",
    noun="child processes",
    read=lambda process: len(strangers_below(process)),
    show=_counted,
)
