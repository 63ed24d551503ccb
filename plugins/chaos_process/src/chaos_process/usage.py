"""What a process uses, watched over a run: it must stay low, and must not keep growing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import ClassVar

import attrs

from chaos_process import system
from chaos_process.errors import GoneError
from chaos_process.parameters import UsageOf, target_pids
from chaos_process.process import Process
from chaoscore import Judgement, Moment, Scene, Trend, Verdict, Violation, show_seconds


@attrs.frozen(kw_only=True)
class Usage:
    """
    Something that a process uses.

    Attributes:
        name: What findings call it: ``"the number of open files"``.
        noun: What a process has an amount of: ``"open files"``.
        read: Returns how much a process uses now; raises `GoneError`.
        show: Returns an amount, or a difference, as text.
    """

    name: str
    noun: str
    read: Callable[[Process], int]
    show: Callable[[float], str]


class UsageChecker:
    """
    Watches one kind of usage in one run, for each process by itself.

    A process that is restarted is another one: the old one's growth is judged when it is gone, and forgotten. So the
    memory that this takes does not depend on how often that happens.
    """

    moments: ClassVar[frozenset[Moment]] = frozenset({Moment.DURING})

    def __init__(
        self, scene: Scene, usage: Usage, of: UsageOf, limit: float | None, growth: float | None, every_s: float
    ) -> None:
        """
        Begin.

        Args:
            scene: The run.
            usage: What to watch.
            of: Whose usage.
            limit: The most that one process may use; None: any.
            growth: The most by which that may grow over the run; None: any.
            every_s: Seconds between two looks.
        """
        self.every_s = every_s
        self._scene, self._usage, self._of = scene, usage, of
        self._limit, self._growth = limit, growth
        self._courses: dict[Process, Course] = {}
        self._seen = self._judged = False

    def check(self, moment: Moment) -> list[Violation]:
        """Look at every process, and judge those that have ended since the last look."""
        at_s = self._scene.elapsed_s()
        return [*self._look(at_s, note=True), *self._bury()]

    def conclude(self) -> Judgement:
        """Look once more, and judge the run as a whole."""
        found = [*self._look(self._scene.elapsed_s(), note=False), *self._bury()]
        for process, course in self._courses.items():
            found += self._final(process, course)
        return found or self._could_not_tell()

    def _look(self, at_s: float, *, note: bool) -> Iterator[Violation]:
        for process in self._processes():
            try:
                value = self._usage.read(process)
            except GoneError:
                continue
            self._seen = True
            course = self._courses.setdefault(process, Course())
            if note:
                course.trend.add(at_s, value)
            if self._limit is not None and course.crosses(value, self._limit):
                yield self._too_much(process, "has", value)

    def _processes(self) -> list[Process]:
        pids = (os.getpid(),) if self._of == "self" else target_pids(self._of, self._scene.target)
        found = (system.look_up(pid) for pid in pids)
        return [self._known(each) for each in found if each is not None and not system.state(each).ended]

    def _known(self, process: Process) -> Process:
        """Return the key of *process* among the courses: its wall-clock start may seem to move."""
        return next((each for each in self._courses if each.is_same(process)), process)

    def _bury(self) -> list[Violation]:
        ended = [process for process in self._courses if system.state(process).ended]
        return [violation for process in ended for violation in self._final(process, self._courses.pop(process))]

    def _final(self, process: Process, course: Course) -> list[Violation]:
        enough = course.trend.count >= Trend.FEWEST_SAMPLES
        self._judged = self._judged or enough
        found = []
        if self._limit is not None and course.peak > course.said:
            found.append(self._too_much(process, "had up to", course.peak))
        if self._growth is not None and enough and course.trend.grows(self._growth * (1 + _HAIR) + _HAIR):
            found.append(self._grew(process, course.trend))
        return found

    def _too_much(self, process: Process, has: str, value: float) -> Violation:
        assert self._limit is not None
        show, noun = self._usage.show, self._usage.noun
        message = f"{self._called(process)} {has} {show(value)} {noun}, at most {show(self._limit)} allowed"
        return Violation(message, data={"pid": process.pid, "value": value, "limit": self._limit})

    def _grew(self, process: Process, trend: Trend) -> Violation:
        assert self._growth is not None
        (first_s, first), (last_s, last) = trend.samples[0], trend.samples[-1]
        show = self._usage.show
        grew = f"by {show(trend.rise)} in {show_seconds(last_s - first_s)} (from {show(first)} to {show(last)})"
        message = f"{self._usage.name} of {self._called(process)} keeps growing: {grew}"
        return Violation(
            f"{message}, at most {show(self._growth)} allowed",
            data={"pid": process.pid, "rise": trend.rise, "growth": self._growth, "per_s": trend.slope_per_s},
        )

    def _could_not_tell(self) -> Judgement:
        if not self._seen:
            problem = f"no process of the target was ever seen, so its {self._usage.name} is unknown"
            return Violation(problem, verdict=Verdict.UNKNOWN)
        if self._growth is not None and not self._judged:
            enough_s = Trend.FEWEST_SAMPLES * self.every_s
            problem = (
                f"fewer than {Trend.FEWEST_SAMPLES} looks at one process do not show whether {self._usage.name} keeps "
                f"growing; run for {show_seconds(enough_s)} or longer, or pass a shorter every="
            )
            return Violation(problem, verdict=Verdict.UNKNOWN)
        return None

    def _called(self, process: Process) -> str:
        return "this process" if process.pid == os.getpid() else system.title(process)


_HAIR = 1e-9
"""What a trend must show beyond the growth allowed, which may be 0."""


class Course:
    """
    One process over a run.

    Attributes:
        trend: Its usage over time; bounded, however long the run.
        peak: The most that it used above the limit; 0 while it never was.
        said: The most that a finding has told.
    """

    def __init__(self) -> None:
        self.trend = Trend()
        self.peak = self.said = 0.0
        self._over = False

    def crosses(self, value: float, limit: float) -> bool:
        """Tell whether *value* is above *limit* and the one before was not."""
        was_over, self._over = self._over, value > limit
        if not self._over:
            return False
        self.peak = max(self.peak, value)
        if was_over:
            return False
        self.said = max(self.said, value)
        return True
