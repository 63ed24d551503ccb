"""Threads are counted, named, and found when they leak."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chaoscore.protocols import Moment
from chaoscore.validators import thread_limit
from chaoscore.validators.answers import violations
from tests.validators.scenes import FakeElapsed, iteration, shown, start


class Leak:
    """Threads that do not end until they are told to."""

    def __init__(self) -> None:
        self._enough = threading.Event()
        self._threads: list[threading.Thread] = []

    def grow(self) -> None:
        thread = threading.Thread(target=self._enough.wait, name=f"leak-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()


def others() -> int:
    """Return how many threads there are that are not the framework's own; runs of other tests may have left some."""
    return sum(not thread.name.startswith("chaoscore-") for thread in threading.enumerate())


@contextmanager
def leak(threads: int = 0) -> Iterator[Leak]:
    it = Leak()
    try:
        for _ in range(threads):
            it.grow()
        yield it
    finally:
        it.stop()


def test_limit_is_allowed() -> None:
    """As many threads as the limit says are allowed."""
    with leak(3):
        checker = start(thread_limit(others()))
        assert shown(checker, iteration()) == checker.conclude() == []


def test_one_too_many() -> None:
    """One thread more is found when an iteration ends, with the names of those there are."""
    checker = start(thread_limit(others() + 2))
    with leak(3):
        (found,) = shown(checker, iteration())
    assert "threads, at most" in found.message
    assert found.data["most"]["leak-#"] == 3


@pytest.mark.parametrize("hook", ["check", "conclude"])
def test_other_hooks(hook: str) -> None:
    """Threads are found as well while no iteration ends, and when the workload is over."""
    checker = start(thread_limit(others() + 2))
    with leak(3):
        answer = checker.check(Moment.DURING) if hook == "check" else checker.conclude()
        assert len(violations(answer)) == 1


def test_growth() -> None:
    """A thread that each iteration leaves behind is found by its trend, without any limit."""
    elapsed = FakeElapsed()
    checker = start(thread_limit(growth=5), elapsed_s=elapsed)
    with leak() as leaking:
        for number in range(30):
            leaking.grow()
            assert shown(checker, iteration(at=number * 0.01)) == []
        elapsed.s = 0.3
        (found,) = checker.conclude()
    assert "threads keep growing: by 29 threads" in found.message
    assert found.data["most"]["leak-#"] == 30


def test_fresh() -> None:
    """A second run does not remember that the limit was crossed in the first."""
    validator = thread_limit(others())
    with leak(1):
        assert [len(shown(start(validator), iteration())) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, "thread_limit needs at least one of limit=, growth="),
        ({"limit": 0}, "limit must be 1 or more, not 0"),
        ({"growth": -1}, "growth must be 0 or more, not -1"),
        ({"limit": "200"}, "limit is a whole number, not '200'"),
    ],
)
def test_refused(parameters: dict[str, Any], text: str) -> None:
    """A limit that cannot be kept, or none at all, is refused."""
    with pytest.raises((TypeError, ValueError), match=text):
        thread_limit(**parameters)
