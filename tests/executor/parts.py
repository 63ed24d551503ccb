"""Parts of scenarios that write down what happens to them, and fail where they are told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, ClassVar

from chaoscore import Event, Evidence, Judgement, Moment, Report, Scene, Severity, Site, Undo


class PlannedError(Exception):
    """What a part raises where it is told to."""


class Diary:
    """What happened, in order, and where to raise."""

    def __init__(self, *failing: str) -> None:
        self.lines: list[str] = []
        self.failing = set(failing)

    def note(self, line: str) -> None:
        """Write *line* down, and raise if it is among those that fail."""
        self.lines.append(line)
        if line in self.failing:
            raise PlannedError(line)

    def of(self, *verbs: str) -> list[str]:
        """Return the lines that begin with one of *verbs*."""
        return [line for line in self.lines if line.startswith(verbs)]


class Target:
    """A target whose hooks may be async."""

    name = "diarist"

    def __init__(self, diary: Diary, is_async: bool = False) -> None:
        self.diary = diary
        if is_async:
            self.setup, self.teardown = self._asetup, self._ateardown  # type: ignore[method-assign]

    def setup(self) -> Any:
        self.diary.note("setup")

    def teardown(self) -> Any:
        self.diary.note("teardown")

    async def _asetup(self) -> None:
        await asyncio.sleep(0)
        self.diary.note("setup")

    async def _ateardown(self) -> None:
        await asyncio.sleep(0)
        self.diary.note("teardown")


class Door:
    """An injector that is opened and lifted."""

    kind: ClassVar[str] = "door"
    undo: ClassVar[Undo] = Undo.KERNEL

    def __init__(self, diary: Diary, name: str, is_async: bool = False) -> None:
        self.diary, self.name, self.is_async = diary, name, is_async

    def open(self, site: Site) -> AbstractContextManager[object] | AbstractAsyncContextManager[object]:
        """Return the context manager that writes down its entry and exit."""
        return self._aopen() if self.is_async else self._open()

    @contextmanager
    def _open(self) -> Iterator[object]:
        self.diary.note(f"open {self.name}")
        try:
            yield OpenDoor(self)
        finally:
            self.diary.note(f"lift {self.name}")

    @asynccontextmanager
    async def _aopen(self) -> AsyncIterator[object]:
        await asyncio.sleep(0)
        self.diary.note(f"open {self.name}")
        try:
            yield OpenDoor(self)
        finally:
            await asyncio.sleep(0)
            self.diary.note(f"lift {self.name}")


class OpenDoor:
    """A door that stands open."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def evidence(self) -> Evidence:
        """Say that one fault landed."""
        self.door.diary.note(f"evidence {self.door.name}")
        return Evidence(fired=1)


class Looker:
    """A validator that looks at all moments and at events."""

    kind: ClassVar[str] = "looker"
    severity = Severity.CRITICAL

    def __init__(self, diary: Diary, name: str, is_async: bool = False, says: Judgement = None) -> None:
        self.diary, self.name, self.is_async, self.says = diary, name, is_async, says

    def start(self, scene: Scene) -> LookingChecker:
        """Start to look."""
        self.diary.note(f"start {self.name}")
        return LookingChecker(self)


class LookingChecker:
    """A looker in one run."""

    observes: tuple[type[Event], ...] = (Event,)
    moments = frozenset(Moment)
    every_s = 0.001

    def __init__(self, looker: Looker) -> None:
        self.looker = looker

    def observe(self, event: Event) -> Judgement:
        """See nothing."""
        return None

    def check(self, moment: Moment) -> Any:
        """Look, perhaps later."""
        return self._later(moment) if self.looker.is_async else self._look(moment)

    async def _later(self, moment: Moment) -> Judgement:
        await asyncio.sleep(0)
        return self._look(moment)

    def _look(self, moment: Moment) -> Judgement:
        self.looker.diary.note(f"check {self.looker.name} {moment}")
        return None

    def conclude(self) -> Judgement:
        """Say what it was told to say."""
        self.looker.diary.note(f"conclude {self.looker.name}")
        return self.looker.says


class Collect:
    """A reporter that keeps everything, and fails where it is told to."""

    kind: ClassVar[str] = "collect"

    def __init__(self, diary: Diary | None = None, name: str = "collect") -> None:
        self.events: list[Event] = []
        self.reports: list[Report] = []
        self._diary, self._name = diary or Diary(), name

    def follow(self, events: Sequence[Event]) -> None:
        """Keep *events*."""
        self._diary.note(f"follow {self._name}")
        self.events += events

    def report(self, report: Report) -> None:
        """Keep *report*."""
        self._diary.note(f"report {self._name}")
        self.reports.append(report)

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the events of one type."""
        return [event for event in self.events if isinstance(event, kind)]


def step(diary: Diary, is_async: bool = False) -> Callable[[Any], Any]:
    """Return a step that writes itself down."""

    async def awork(_: Any) -> None:
        await asyncio.sleep(0)
        diary.note("step")

    return awork if is_async else lambda _: diary.note("step")
