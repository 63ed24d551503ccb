"""Injectors that break one promise each."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any, ClassVar

import attrs

from chaoscore import Ask, Delay, Duration, Evidence, Fault, Site, Undo, seconds
from tests.testing import lost

HELD_UP = Delay(0.001)


@attrs.frozen
class Good:
    """Hold the caller up."""

    kind: ClassVar[str] = "good"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"delay", "point"})
    at: ClassVar[str | None] = None

    low_s: float = attrs.field(default=0.001, converter=seconds, alias="low")

    def answer(self, ask: Ask) -> Fault | None:
        """Return a delay."""
        return Delay(ask.between(self.low_s, self.low_s * 2))


# -- what it says of itself


class Nameless(Good):
    """Has no kind of its own that a file could write."""

    kind: ClassVar[str] = "a:b"


class Undocumented(Good):
    __doc__ = ""


class WithoutUndo(Good):
    """Does not say what takes it back."""

    undo = None  # type: ignore[assignment]


class AnswersToNobody(Good):
    """Answers to a kind of point that there is not."""

    answers: ClassVar[frozenset[str]] = frozenset({"no such kind"})


class AnswersToText(Good):
    """Forgot that it is a set."""

    answers = "delay"  # type: ignore[assignment]


class AtNumber(Good):
    """Has a glob that is none."""

    at = 5  # type: ignore[assignment]


@attrs.frozen
class DoesNothing:
    """Neither opens nor answers."""

    kind: ClassVar[str] = "nothing"
    undo: ClassVar[Undo] = Undo.KERNEL


# -- what kind of value it is


@attrs.define(unsafe_hash=True)
class Changeable:
    """Can be changed."""

    kind: ClassVar[str] = "changeable"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})
    at: ClassVar[str | None] = None

    low_s: float = attrs.field(default=0.001, converter=seconds, alias="low")

    def answer(self, ask: Ask) -> Fault:
        """Return a delay."""
        return Delay(self.low_s)


@attrs.frozen(eq=False)
class Unequal(Good):
    """Equals itself only."""

    low_s: float = attrs.field(default=0.001, converter=seconds, alias="low")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


@attrs.frozen
class BadHash(Good):
    """Has another hash than its equal."""

    def __hash__(self) -> int:
        return id(self)


@attrs.frozen
class Credulous(Good):
    """Takes any duration for granted."""

    low_s: Duration = attrs.field(default=0.001, alias="low")  # type: ignore[assignment]


def _curt(value: Duration) -> float:
    try:
        return seconds(value)
    except (TypeError, ValueError):
        raise ValueError("no") from None


@attrs.frozen
class Curt(Good):
    """Does not say what is wrong."""

    low_s: float = attrs.field(default=0.001, converter=_curt, alias="low")


def _rude(value: Duration) -> float:
    try:
        return seconds(value)
    except (TypeError, ValueError) as error:
        raise LookupError(str(error)) from None


@attrs.frozen
class Rude(Good):
    """Raises another error."""

    low_s: float = attrs.field(default=0.001, converter=_rude, alias="low")


# -- what it answers


class Silent(Good):
    """Never strikes."""

    def answer(self, ask: Ask) -> None:
        """Return nothing."""


class AnswersFive(Good):
    """Answers what is no fault."""

    def answer(self, ask: Ask) -> Any:
        """Return a number."""
        return 5


class Raises(Good):
    """Raises instead of answering."""

    def answer(self, ask: Ask) -> Fault:
        """Raise."""
        raise OSError("the disk is full")


class Sleeps(Good):
    """Applies its fault itself."""

    def answer(self, ask: Ask) -> Fault:
        """Sleep."""
        time.sleep(self.low_s)
        return HELD_UP


class Draws(Good):
    """Draws from the shared generator, for nothing."""

    def answer(self, ask: Ask) -> Fault:
        """Draw."""
        random.random()
        return HELD_UP


class StartsThreads(Good):
    """Starts a thread for each answer."""

    def answer(self, ask: Ask) -> Fault:
        """Start a thread."""
        lost.thread()
        return HELD_UP


class Whimsical(Good):
    """Follows no seed."""

    def answer(self, ask: Ask) -> Fault:
        """Return what time decides."""
        return Delay(time.perf_counter_ns() % 1000 / 1e6)


class ByWorker(Good):
    """Does not look the same from every thread."""

    def answer(self, ask: Ask) -> Fault:
        """Return what the name of the thread decides."""
        return Delay(float(threading.current_thread().name[-1:] == "1"))


class Shared(Good):
    """Counts in its class, so that runs depend on the runs before them."""

    asked: ClassVar[list[int]] = []

    def answer(self, ask: Ask) -> Fault | None:
        """Strike at every third ask of all."""
        self.asked.append(1)
        return HELD_UP if len(self.asked) % 3 == 0 else None


@attrs.frozen
class Exhausted(Good):
    """Strikes in the first run it is used in."""

    asked: list[Ask] = attrs.field(factory=list, init=False, eq=False)

    def answer(self, ask: Ask) -> Fault | None:
        """Strike until 20 asks have been answered."""
        self.asked.append(ask)
        return HELD_UP if len(self.asked) <= 20 else None


# -- what it says of what it did


class Opened:
    """What stands for an open injector."""

    answers, at = Good.answers, None

    def __init__(self, lies: int) -> None:
        self.fired, self.lies = 0, lies

    def answer(self, ask: Ask) -> Fault:
        """Strike, and count it."""
        self.fired += 1
        return HELD_UP

    def evidence(self) -> Evidence:
        """Return what it counted, or not."""
        return Evidence(fired=self.fired + self.lies)


@attrs.frozen
class Boasting(Good):
    """Claims faults that never landed."""

    @contextmanager
    def open(self, site: Site) -> Iterator[Opened]:
        """Open."""
        yield Opened(lies=5)


@attrs.frozen
class Modest(Good):
    """Claims fewer faults than landed."""

    @contextmanager
    def open(self, site: Site) -> Iterator[Opened]:
        """Open."""
        yield Opened(lies=-5)


class Deaf(Opened):
    """Raises when it is asked for evidence."""

    def evidence(self) -> Evidence:
        """Raise."""
        raise OSError("nobody knows")


@attrs.frozen
class Speechless(Good):
    """Cannot give its evidence."""

    @contextmanager
    def open(self, site: Site) -> Iterator[Opened]:
        """Open."""
        yield Deaf(lies=0)


# -- how it is lifted


def is_on(target: object) -> bool:
    """Tell whether the switch is on."""
    return lost.VARIABLE in os.environ


@attrs.frozen
class Switch:
    """Set an environment variable."""

    kind: ClassVar[str] = "switch"
    undo: ClassVar[Undo] = Undo.KERNEL

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Set it, and drop it at the end."""
        lost.variable()
        site.landed("switch", lost.VARIABLE, "on")
        try:
            yield
        finally:
            os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class AsyncSwitch(Switch):
    """Set an environment variable, with an asynchronous context."""

    @asynccontextmanager
    async def open(self, site: Site) -> Any:  # type: ignore[override]
        """Set it, and drop it at the end."""
        lost.variable()
        site.landed("switch", lost.VARIABLE, "on")
        try:
            yield
        finally:
            os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class WithoutFinally(Switch):
    """Forgets that contexts are left by exceptions as well."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Set it, and drop it after a good end."""
        lost.variable()
        site.landed("switch", lost.VARIABLE, "on")
        yield
        os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class AsyncWithoutFinally(Switch):
    """Forgets the same, asynchronously."""

    @asynccontextmanager
    async def open(self, site: Site) -> Any:  # type: ignore[override]
        """Set it, and drop it after a good end."""
        lost.variable()
        site.landed("switch", lost.VARIABLE, "on")
        yield
        os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class NeverLifted(Switch):
    """Leaves the fault behind."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Set it."""
        lost.variable()
        site.landed("switch", lost.VARIABLE, "on")
        yield


@attrs.frozen
class LiftedOnlyWhenUsed(Good):
    """Is lifted only where it was asked before."""

    @contextmanager
    def open(self, site: Site) -> Iterator[Opened]:
        """Set it, and drop it where it has struck, or where it was not opened by a run."""
        lost.variable()
        opened = Opened(lies=0)
        try:
            yield opened
        finally:
            if opened.fired or site.run_id == "by-hand":
                os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class Swallows(Switch):
    """Swallows what leaves its context."""

    def open(self, site: Site) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return a context that ends every exception."""
        return _Swallowing()


class _Swallowing(AbstractContextManager[None]):
    def __exit__(self, *_: object) -> bool:
        return True


@attrs.frozen
class FailsToLift(Switch):
    """Raises when it is lifted."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Raise at the end."""
        try:
            yield
        finally:
            raise OSError("it would not go away")


@attrs.frozen
class FailsToOpen(Switch):
    """Raises when it is opened."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Raise at the beginning."""
        raise OSError("there is no such thing")
        yield


@attrs.frozen
class OpensTheSame(Switch):
    """Returns one context for all openings."""

    def open(self, site: Site) -> AbstractContextManager[None]:  # type: ignore[override]
        """Return it."""
        return _ONE


_ONE: AbstractContextManager[None] = nullcontext()


@attrs.frozen
class OpensNothing(Switch):
    """Returns no context."""

    def open(self, site: Site) -> Any:
        """Return nothing."""


@attrs.frozen
class LeavesThread(Switch):
    """Leaves a thread."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Start a thread."""
        lost.thread()
        site.landed("switch", "a thread", "")
        yield


@attrs.frozen
class LeavesThreadInRuns(Switch):
    """Leaves a thread, but not where it is opened by hand."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Start a thread."""
        if site.run_id != "by-hand":
            lost.thread()
        site.landed("switch", "a thread", "")
        yield


@attrs.frozen
class LeavesFile(Switch):
    """Leaves a file."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Make a file."""
        lost.file()
        site.landed("switch", "a file", "")
        yield


@attrs.frozen
class LeavesFileOpen(Switch):
    """Leaves a file open."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Open a file."""
        lost.open_file()
        site.landed("switch", "a file", "")
        yield


@attrs.frozen
class Unproved(Switch):
    """Says nothing of what it does."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Do it in secret."""
        lost.variable()
        try:
            yield
        finally:
            os.environ.pop(lost.VARIABLE, None)


@attrs.frozen
class TooLate(Switch):
    """Takes effect when it is lifted, for a moment."""

    @contextmanager
    def open(self, site: Site) -> Iterator[None]:
        """Do nothing that can be seen."""
        site.landed("switch", lost.VARIABLE, "on")
        yield
