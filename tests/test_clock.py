"""The only reader of time."""

import asyncio
import time

from chaoscore.clock import Clock, SystemClock


def test_time_goes_on() -> None:
    """Time never goes back, and goes on while one sleeps, in a thread and in a task."""
    clock: Clock = SystemClock()
    began = clock.monotonic()
    clock.sleep(0.002)
    slept = clock.monotonic()
    asyncio.run(clock.asleep(0.002))
    assert began + 0.002 <= slept < clock.monotonic()


def test_wall() -> None:
    """The wall clock is the machine's."""
    assert abs(SystemClock().wall() - time.time()) < 60


def test_the_task_alone_is_suspended() -> None:
    """While a task sleeps, others run."""
    order: list[int] = []

    async def sleeping() -> None:
        await SystemClock().asleep(0.002)
        order.append(2)

    async def other() -> None:
        order.append(1)

    async def main() -> None:
        await asyncio.gather(sleeping(), other())

    asyncio.run(main())
    assert order == [1, 2]
