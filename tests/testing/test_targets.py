"""The conformance kit catches every broken promise of a target, and lets good ones pass."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from typing import Any

import pytest

from chaoscore.testing import ConformanceError, RecordingTarget, check_target
from tests.testing import lost


class Good:
    """A target with something to close."""

    file: Any = None

    def setup(self) -> None:
        self.file = tempfile.NamedTemporaryFile()  # noqa: SIM115

    def use(self) -> None:
        self.file.write(b"x")

    def teardown(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


class GoodAsync(Good):
    """One whose hooks are async."""

    async def setup(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().setup()

    async def teardown(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().teardown()


class GoodInOneThread(Good):
    """One that must stay in the thread it was set up in."""

    def setup(self) -> None:
        self.file = sqlite3.connect(":memory:")

    def use(self) -> None: ...


class Misspelt(Good):
    def tearDown(self) -> None: ...

    teardown = property()


class Once(Good):
    used = False

    def setup(self) -> None:
        if self.used:
            raise RuntimeError("used up")
        self.used = True
        super().setup()


class FailsToSetUp(Good):
    def setup(self) -> None:
        raise OSError("there is no such thing")


class CannotBeUsed(Good):
    def use(self) -> None:
        raise OSError("it broke")


class NeedsSetup(Good):
    def teardown(self) -> None:
        self.file.close()
        self.file = None


class NotTwice(Good):
    torn_down = False

    def setup(self) -> None:
        self.torn_down = False
        super().setup()

    def teardown(self) -> None:
        if self.torn_down:
            raise RuntimeError("already torn down")
        self.torn_down = True
        super().teardown()


class LeavesThread(Good):
    def setup(self) -> None:
        lost.thread()
        super().setup()


class LeavesFile(Good):
    def setup(self) -> None:
        lost.file()
        super().setup()


class LeavesFileOpen(Good):
    def setup(self) -> None:
        lost.open_file()
        super().setup()


class LeavesVariable(Good):
    def setup(self) -> None:
        lost.variable()
        super().setup()


class LeavesWhatAnUnfinishedUseMade(Good):
    """Closes what a use made only where the use came to its end."""

    async def use(self) -> None:  # type: ignore[override]
        lost.open_file()
        await asyncio.sleep(0)
        lost.clear()


BROKEN: list[tuple[type[Any], str, str]] = [
    (Misspelt, "whose hooks are spelt", "'tearDown', which is never called"),
    (Once, "again and again", "its setup raised RuntimeError: used up"),
    (FailsToSetUp, "again and again", "its setup raised OSError"),
    (CannotBeUsed, "again and again", "the step raised OSError: it broke"),
    (NeedsSetup, "its teardown works however far", "AttributeError"),
    (NotTwice, "its teardown works however far", "RuntimeError: already torn down"),
    (LeavesThread, "it leaves nothing behind", "thread 'lost'"),
    (LeavesFile, "it leaves nothing behind", "temporary file"),
    (LeavesFileOpen, "it leaves nothing behind", "open file"),
    (LeavesVariable, "it leaves nothing behind", f"environment variable {lost.VARIABLE}"),
]


def use(target: Any) -> None:
    target.use()


@pytest.mark.parametrize(("make", "promise", "found"), BROKEN, ids=[each[0].__name__ for each in BROKEN])
def test_a_broken_promise_is_caught(make: Any, promise: str, found: str) -> None:
    """A target that breaks a promise is refused, with the promise and what was found."""
    with pytest.raises(ConformanceError) as caught:
        check_target(make, step=use)
    assert promise in caught.value.promise
    assert found in caught.value.found


@pytest.mark.parametrize("make", [Good, GoodAsync, GoodInOneThread])
def test_a_good_one_passes(make: Any) -> None:
    """A target that keeps its promises passes, whether its hooks are plain or `async def`."""
    check_target(make, step=use)


def test_what_has_no_hooks_passes() -> None:
    """Any object is a target."""
    check_target(object)


@pytest.mark.parametrize(("hook", "found"), [("setup", "its setup raised"), ("teardown", "its teardown raised")])
def test_the_recording_target_fails_where_it_was_told_to(hook: str, found: str) -> None:
    """A hook that raises is found."""
    with pytest.raises(ConformanceError, match=found):
        check_target(lambda: RecordingTarget(failing=hook))
