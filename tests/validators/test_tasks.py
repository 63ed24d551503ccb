"""Asyncio tasks are counted where they run, named, and found when they leak."""

import asyncio
from typing import Any

import pytest

from chaoscore.protocols import Moment, Violation
from chaoscore.validators import task_limit
from chaoscore.validators.answers import violations
from tests.validators.scenes import FakeElapsed, iteration, shown, start


async def forgotten(enough: asyncio.Event) -> None:
    await enough.wait()


async def looked(validator: Any, tasks: int, *, grow: bool = False) -> list[list[Violation]]:
    """Return what each look finds with *tasks* beside this one, started at once or one by one; the end comes last."""
    enough, elapsed = asyncio.Event(), FakeElapsed()
    checker = start(validator, elapsed_s=elapsed)
    found = []
    async with asyncio.TaskGroup() as group:
        for number in range(tasks):
            group.create_task(forgotten(enough))
            elapsed.s = number * 0.02
            if grow or number == tasks - 1:
                found.append(violations(await checker.check(Moment.DURING)))
        found.append(await checker.conclude())
        enough.set()
    return found


def test_limit_is_allowed() -> None:
    """As many tasks as the limit says, this one among them, are allowed."""
    assert asyncio.run(looked(task_limit(4), 3)) == [[], []]


def test_one_too_many() -> None:
    """One task more is a finding that names the coroutines."""
    during, after = asyncio.run(looked(task_limit(3), 3))
    assert during[0].message == "4 tasks, at most 3 tasks allowed; most are forgotten (3), looked (1)"
    assert after == []


def test_growth() -> None:
    """A task left behind after each look is found by its trend, without any limit."""
    *during, after = asyncio.run(looked(task_limit(growth=5), 30, grow=True))
    assert not any(during)
    assert "tasks keep growing: by 29 tasks" in after[0].message


def test_no_growth() -> None:
    """Tasks that were there from the beginning do not grow."""
    validator = task_limit(growth=0)

    async def steady() -> list[Violation]:
        elapsed = FakeElapsed()
        checker = start(validator, elapsed_s=elapsed)
        for number in range(30):
            elapsed.s = number * 0.02
            await checker.check(Moment.DURING)
        found: list[Violation] = await checker.conclude()
        return found

    assert asyncio.run(steady()) == []


def test_as_iterations_end() -> None:
    """Once it knows the loop, tasks are counted as iterations end, in whatever thread they do."""

    async def run() -> list[list[Violation]]:
        checker, enough = start(task_limit(2)), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(forgotten(enough))
            group.create_task(forgotten(enough))
            unknown = shown(checker, iteration())
            before = violations(await checker.check(Moment.BEFORE))
            during = await asyncio.to_thread(shown, checker, iteration())
            enough.set()
        return [unknown, before, during]

    unknown, before, (during,) = asyncio.run(run())
    assert unknown == before == []
    assert during.message.startswith("3 tasks, at most 2 tasks allowed")


@pytest.mark.parametrize("parameters", [{}, {"limit": 0}, {"growth": 0.5}])
def test_refused(parameters: dict[str, Any]) -> None:
    """A limit that cannot be kept, or none at all, is refused."""
    with pytest.raises((TypeError, ValueError), match=r"limit|growth"):
        task_limit(**parameters)
