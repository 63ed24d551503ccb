"""How many threads the process may have."""

from __future__ import annotations

import threading
from typing import ClassVar

import attrs

from chaoscore.protocols import Scene
from chaoscore.validators.levels import OWN, Level, LevelChecker, by_name, counted
from chaoscore.validators.parameters import one_of, weight, whole
from chaoscore.verdict import Severity


def _names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith(OWN)]


_THREADS = Level(
    name="threads",
    read=lambda: len(_names()),
    show=counted("threads"),
    holders=lambda: by_name(_names()),
)


@attrs.frozen
class ThreadLimit:
    """
    The threads of this process stay few, and do not keep growing in number.

    Those of the run itself, whose names begin with ``chaoscore-``, do not count.

    Attributes:
        limit: Threads that there may be at any time, 1 or more; None: any number.
        growth: Threads by which the number may grow over the whole run, 0 or more; None: any number.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "thread_limit"

    limit: int | None = attrs.field(default=None, validator=whole(1))
    growth: int | None = attrs.field(default=None, validator=whole(0))
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def __attrs_post_init__(self) -> None:
        one_of(self, "limit", "growth")

    def start(self, scene: Scene) -> LevelChecker:
        """Return a checker for one run."""
        return LevelChecker(scene, _THREADS, self.limit, self.growth)
