"""Hooks: sync or async, each with a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, ClassVar

import pytest

from chaoscore import DeadlineError, ExitCode, Scenario, Site, Undo, Verdict
from chaoscore.executor.hooks import Lane, call
from tests.executor.parts import Diary, Door, Target, step


def in_loop(function: Any, *args: Any, deadline_s: float = 1.0) -> Any:
    """Call *function* as a hook and return what it returns."""

    async def main() -> Any:
        lane = Lane("test-hooks")
        try:
            return await call(lane, "it", "hook", deadline_s, function, *args)
        finally:
            lane.close()

    return asyncio.run(main())


def test_plain_and_async_hooks_return_their_values() -> None:
    """Also a plain function that returns an awaitable."""

    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value

    assert in_loop(lambda: 1) == 1
    assert in_loop(later, 2) == 2
    assert in_loop(lambda: later(3)) == 3


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(2), TimeoutError("own")])
def test_whatever_a_hook_raises_arrives_unchanged(error: BaseException) -> None:
    """Exceptions that would end a loop or a future included."""

    def plain() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        in_loop(plain)
    assert caught.value is error


def test_a_hook_that_does_not_return_is_given_up() -> None:
    """The error says whose hook, which, and after how long; the thread is left behind."""
    released = threading.Event()
    with pytest.raises(DeadlineError, match=r"it: hook did not return within 0\.02 s"):
        in_loop(released.wait, deadline_s=0.02)
    released.set()
    with pytest.raises(DeadlineError):
        in_loop(asyncio.sleep, 60, deadline_s=0.02)


def test_hooks_of_a_run_share_a_thread() -> None:
    """What must be used by the thread that made it can be."""
    idents = []

    class Sqlite:
        def setup(self) -> None:
            idents.append(threading.get_ident())

        teardown = setup

    Scenario("s").target(Sqlite()).step("work", lambda _: None).expect("holds", lambda target: target.setup()).run()
    assert len(idents) == 3
    assert len(set(idents)) == 1


def test_a_setup_that_hangs_ends_the_run() -> None:
    """The teardown runs in a thread that does not hang."""
    released, diary = threading.Event(), Diary()

    class Hung(Target):
        def setup(self) -> None:
            released.wait()

    report = Scenario("s").target(Hung(diary)).step("work", step(diary)).limit(hook="30ms").run()
    released.set()
    assert diary.lines == ["teardown"]
    assert report.verdict is Verdict.UNKNOWN


def test_a_lift_that_hangs_does_not_hold_the_others() -> None:
    """It is left behind as a fault, the rest is lifted."""
    released, diary = threading.Event(), Diary()

    class Hung(Door):
        @contextmanager
        def _open(self) -> Iterator[object]:
            yield None
            released.wait()

    chaos = Scenario("s").target(Target(diary)).step("work", step(diary)).limit(hook="30ms")
    report = chaos.inject("a", Door(diary, "a")).inject("hung", Hung(diary, "hung")).run()
    released.set()
    assert diary.of("lift") == ["lift a"]
    assert report.exit_code is ExitCode.FAULTS_LEFT


def test_an_open_that_comes_back_late_lifts_itself() -> None:
    """What was given up and opened all the same does not stay open."""
    released, lifted = threading.Event(), threading.Event()

    class Late:
        kind: ClassVar[str] = "late"
        undo: ClassVar[Undo] = Undo.KERNEL

        @contextmanager
        def open(self, site: Site) -> Iterator[object]:
            released.wait()
            yield None
            lifted.set()

    chaos = Scenario("s").target(object()).step("work", lambda _: None).inject("late", Late()).limit(hook="500ms")
    report = chaos.run()
    assert report.exit_code is ExitCode.UNKNOWN
    assert not lifted.is_set()
    released.set()
    assert lifted.wait(60)


def test_an_asynchronous_open_that_comes_back_late_lifts_itself() -> None:
    """Also where it ignored its cancellation."""
    released, lifted = asyncio.Event(), asyncio.Event()

    class Late:
        kind: ClassVar[str] = "late"
        undo: ClassVar[Undo] = Undo.KERNEL

        @asynccontextmanager
        async def open(self, site: Site) -> AsyncIterator[object]:
            while not released.is_set():
                with suppress(asyncio.CancelledError):
                    await released.wait()
            yield None
            lifted.set()

    class Target:
        async def teardown(self) -> None:
            released.set()
            await lifted.wait()

    async def work(_: object) -> None: ...

    chaos = Scenario("s").target(Target()).step("work", work).inject("late", Late()).limit(hook="300ms")
    report = chaos.run()
    assert report.exit_code is ExitCode.UNKNOWN
    assert [(each.who, each.hook) for each in report.troubles] == [("injector 'late'", "open")]
