"""How many asyncio tasks the run's event loop may have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from chaoscore.events import IterationEnded
from chaoscore.protocols import Judgement, Moment, Scene, Violation
from chaoscore.validators.levels import OWN, Level, LevelChecker, by_name, counted
from chaoscore.validators.parameters import one_of, weight, whole
from chaoscore.verdict import Severity

if TYPE_CHECKING:
    import asyncio


@attrs.frozen
class TaskLimit:
    """
    The unfinished asyncio tasks of the run's event loop stay few, and do not keep growing in number.

    Its workers do not count, but a handful of other tasks of the run do. Loops that plain steps run for themselves are
    not seen.

    Attributes:
        limit: Tasks that there may be at any time, 1 or more; None: any number.
        growth: Tasks by which the number may grow over the whole run, 0 or more; None: any number.
        severity: What its findings weigh.
    """

    kind: ClassVar[str] = "task_limit"

    limit: int | None = attrs.field(default=None, validator=whole(1))
    growth: int | None = attrs.field(default=None, validator=whole(0))
    severity: Severity = attrs.field(default=Severity.CRITICAL, converter=weight, kw_only=True)

    def __attrs_post_init__(self) -> None:
        one_of(self, "limit", "growth")

    def start(self, scene: Scene) -> LevelChecker:
        """Return a checker for one run."""
        return _TaskChecker(scene, self.limit, self.growth)


class _TaskChecker(LevelChecker):
    """Learns in a coroutine which loop is the run's; its tasks may then be counted from any thread."""

    moments: ClassVar[frozenset[Moment]] = frozenset({Moment.BEFORE, Moment.DURING})

    def __init__(self, scene: Scene, limit: int | None, growth: int | None) -> None:
        level = Level(name="tasks", read=lambda: len(self._tasks()), show=counted("tasks"), holders=self._names)
        super().__init__(scene, level, limit, growth)
        self._loop: asyncio.AbstractEventLoop | None = None

    def observe(self, event: IterationEnded) -> Violation | None:
        return None if self._loop is None else super().observe(event)

    async def check(self, moment: Moment) -> Judgement:
        self._learn()
        return None if moment is Moment.BEFORE else self.look()

    async def conclude(self) -> Judgement:
        self._learn()
        return self.judge()

    def _learn(self) -> None:
        import asyncio  # 40 ms that whoever only lists the validators need not pay

        self._loop = asyncio.get_running_loop()

    def _tasks(self) -> list[asyncio.Task[Any]]:
        import asyncio

        return [task for task in asyncio.all_tasks(self._loop) if not task.get_name().startswith(OWN)]

    def _names(self) -> Counter[str]:
        return by_name(getattr(task.get_coro(), "__qualname__", "task") for task in self._tasks())
