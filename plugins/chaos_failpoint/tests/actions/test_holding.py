"""Actions that hold the caller up, and never anybody else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import pytest

from chaos_failpoint import Failpoint, Moment, NotFiredError, arm, armed, disarm, failpoint
from chaos_failpoint.actions import MISSING, Action
from chaos_failpoint.actions.holding import Wait
from chaos_failpoint.arming import Outside
from chaos_failpoint.hits import Hit
from chaoscore import BlockingCallError, SystemClock

ENOUGH_S = 10.0
"""How long to wait for what must happen at once."""


@contextmanager
def held(fp: Failpoint, threads: int = 1) -> Iterator[list[threading.Thread]]:
    """So many threads that are held at *fp*; they must be free at the end."""
    started = [threading.Thread(target=fp.hit) for _ in range(threads)]
    for each in started:
        each.start()
    assert fp.wait_until_fired(threads, ENOUGH_S) == threads
    yield started
    for each in started:
        each.join(ENOUGH_S)
        assert not each.is_alive()


# -- pause


def test_pause_until_disarmed(fp: Failpoint) -> None:
    """Who is paused goes on when the failpoint is disarmed; meanwhile it is seen to wait."""
    arm("db.commit", "pause")
    with held(fp, threads=3):
        assert (fp.hits, fp.fired, fp.waiting) == (3, 3, 3)
        disarm("db.commit")
    assert fp.waiting == 0


def test_pause_until_armed_anew(fp: Failpoint) -> None:
    """Arming anew lets go whom the old terms have paused, and pauses the next."""
    arm("db.commit", "pause")
    with held(fp) as first:
        arm("db.commit", "pause")
        first[0].join(ENOUGH_S)
        assert not first[0].is_alive()
        with held(fp):
            assert fp.waiting == 1
            disarm("db.commit")


def test_a_block_lets_go(fp: Failpoint) -> None:
    """The end of a block lets go whom it has paused."""
    with armed("db.commit", "pause", scope="process") as it:
        holding = held(fp)
        holding.__enter__()
        assert it.waiting == 1
    holding.__exit__(None, None, None)


def test_a_pause_holds_nobody_else(fp: Failpoint) -> None:
    """While one thread is paused, others can hit, arm, disarm and look at the same failpoint."""
    arm("db.commit", "1*pause->return(5)")
    with held(fp):
        returned = fp.hit()
        assert returned is not None
        assert fp.status().waiting == 1
        disarm("db.commit")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_pause_has_a_cap(fp: Failpoint, caplog: pytest.LogCaptureFixture, is_async: bool) -> None:
    """A pause ends by itself after its cap, and the log says so."""
    with armed("db.commit", "pause(1ms)"), caplog.at_level(logging.WARNING, "chaos_failpoint"):
        assert (asyncio.run(fp.ahit()) if is_async else fp.hit()) is None
    assert [each.getMessage() for each in caplog.records] == ["failpoint db.commit: pause gave up after 0.001 s"]


def test_a_paused_task(fp: Failpoint) -> None:
    """A task that is paused leaves the loop to others, and goes on when another thread disarms."""

    async def use() -> list[str]:
        log = []

        async def hit() -> None:
            await fp.ahit()
            log.append("went on")

        task = asyncio.create_task(hit())
        assert await fp.await_until_fired(1, ENOUGH_S) == 1
        log.append(f"{fp.waiting} waiting")
        await asyncio.to_thread(disarm, "db.commit")
        await task
        return log

    arm("db.commit", "pause")
    assert asyncio.run(use()) == ["1 waiting", "went on"]
    assert fp.waiting == 0


def test_a_paused_task_can_be_cancelled(fp: Failpoint) -> None:
    """A task that is cancelled while it is paused is not counted as waiting any more."""

    async def use() -> None:
        task = asyncio.create_task(fp.ahit())
        await fp.await_until_fired(1, ENOUGH_S)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with armed("db.commit", "pause"):
        asyncio.run(use())
        assert fp.waiting == 0


# -- wait


def test_wait_for_another(fp: Failpoint) -> None:
    """Who waits for another failpoint goes on when that one fires, and at once if it has."""
    other = failpoint("other")
    arm("other", "1*off->return(1)")
    arm("db.commit", "wait(other)")
    with held(fp) as (thread,):
        other.hit()
        assert thread.is_alive()
        other.hit()
    assert fp.hit() is None
    disarm("other")
    disarm("db.commit")


def test_waiting_tasks(fp: Failpoint) -> None:
    """Tasks can wait for another failpoint as well."""
    other = failpoint("other")

    async def use() -> list[str]:
        log = []

        async def second() -> None:
            await fp.ahit()
            log.append("second")

        task = asyncio.create_task(second())
        await fp.await_until_fired(1, ENOUGH_S)
        log.append("first")
        await other.ahit()
        await task
        return log

    with armed("other", "yield"), armed("db.commit", "wait(other)"):
        assert asyncio.run(use()) == ["first", "second"]


def test_disarming_ends_a_wait(fp: Failpoint) -> None:
    """Disarming lets go who waits for what never comes."""
    failpoint("other")
    arm("db.commit", "wait(other)")
    with held(fp):
        assert fp.waiting == 1
        disarm("db.commit")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_wait_has_a_cap(fp: Failpoint, caplog: pytest.LogCaptureFixture, is_async: bool) -> None:
    """Who waits for what never comes goes on after the cap, and the log says so."""
    failpoint("other")
    action: Action = Wait("other", cap_s=0.001)
    with armed("db.commit", "off") as it, caplog.at_level(logging.WARNING, "chaos_failpoint"):
        landing = Outside(it, Hit(fp, {}, None), action)
        moment = Moment("db.commit", "it", {}, MISSING, SystemClock(), lambda: 0.5, it, landing)
        result = asyncio.run(action.aact(moment)) if is_async else action.act(moment)
    assert result is None
    assert [each.getMessage() for each in caplog.records] == ["failpoint db.commit: wait(other) gave up after 0.001 s"]


# -- sleep and delay


def test_sleep(fp: Failpoint) -> None:
    """A sleep takes the time that it was given, for the caller alone."""
    with armed("db.commit", "sleep(20)"):
        began = perf_counter()
        fp.hit()
        assert perf_counter() - began >= 0.02


def test_sleepers_sleep_side_by_side(fp: Failpoint) -> None:
    """Several callers sleep at the same time, and disarming waits for none of them."""
    arm("db.commit", "sleep(30)")
    with held(fp, threads=8):
        assert fp.waiting == 8
        disarm("db.commit")
        assert fp.waiting == 8


@pytest.mark.parametrize("terms", ["sleep(20)", "delay(20)"])
def test_a_task_that_is_held_leaves_the_loop(fp: Failpoint, terms: str) -> None:
    """While a task sleeps, or is busy, other tasks go on."""

    async def use() -> int:
        with armed("db.commit", terms):
            task = asyncio.create_task(fp.ahit())
            turns = 0
            while not task.done():
                await asyncio.sleep(0)
                turns += 1
        return turns

    assert asyncio.run(use()) > 3


def test_delay(fp: Failpoint) -> None:
    """A delay takes the time that it was given."""
    with armed("db.commit", "delay(5)"):
        began = perf_counter()
        fp.hit()
        assert perf_counter() - began >= 0.005


def test_yield(fp: Failpoint) -> None:
    """A yield lets another task go first."""

    async def use() -> list[str]:
        log: list[str] = []

        async def other() -> None:
            log.append("other")

        task = asyncio.create_task(other())
        with armed("db.commit", "yield"):
            fp.hit()
            log.append("plain")
            await fp.ahit()
        log.append("awaited")
        await task
        return log

    assert asyncio.run(use()) == ["plain", "other", "awaited"]


@pytest.mark.parametrize("terms", ["sleep(1h)", "delay(1h)", "pause", "wait(db.commit)"])
def test_plain_code_does_not_block_a_loop(fp: Failpoint, terms: str) -> None:
    """What would block a running loop is refused, and the error says what to write instead."""

    async def use() -> None:
        with armed("db.commit", terms) as it:
            with pytest.raises(BlockingCallError, match=r"await Failpoint\.ahit\(\)"):
                fp.hit()
            assert (it.fired, it.waiting) == (0, 0)

    asyncio.run(use())


# -- waiting for a failpoint, from outside


def test_wait_until_fired_in_vain(fp: Failpoint) -> None:
    """Waiting in vain ends with an error that says how often it fired, and in how many hits."""
    with armed("db.commit", "1*off->1*yield"):
        for _ in range(3):
            fp.hit()
        with pytest.raises(
            NotFiredError, match=r"fired 1 of 2 times within 0\.001 s, in 3 hits that counted"
        ) as caught:
            fp.wait_until_fired(2, "1ms")
    assert (caught.value.fired, caught.value.hits) == (1, 3)
    assert isinstance(caught.value, TimeoutError)


def test_await_until_fired_in_vain(fp: Failpoint) -> None:
    """So does a task that waits."""
    with armed("db.commit", "off"), pytest.raises(NotFiredError):
        asyncio.run(fp.await_until_fired(1, 0.001))


def test_wait_until_fired_blocks_no_loop(fp: Failpoint) -> None:
    """Plain waiting in a task is refused."""

    async def use() -> None:
        with pytest.raises(BlockingCallError, match="await_until_fired"):
            fp.wait_until_fired()

    asyncio.run(use())


def test_wait_until_fired_by_others(fp: Failpoint) -> None:
    """Several may wait for several counts of one failpoint, each is told when its own is reached."""
    seen: list[int] = []
    waiting = [threading.Thread(target=lambda n=n: seen.append(fp.wait_until_fired(n, ENOUGH_S))) for n in (1, 3, 3)]
    with armed("db.commit", "yield", scope="process"):
        for each in waiting:
            each.start()
        fp.hit()
        waiting[0].join(ENOUGH_S)
        assert seen == [1]
        fp.hit()
        fp.hit()
        for each in waiting:
            each.join(ENOUGH_S)
    assert seen == [1, 3, 3]
