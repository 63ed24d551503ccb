"""The validators in whole runs, through the front door."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chaoscore import Report, Scenario, Verdict, maybe_delay, maybe_panic, record_panic, record_recursion_depth
from chaoscore.injectors import delay, panic
from chaoscore.validators import (
    all_of,
    any_of,
    execution_time,
    max_errors,
    no_infinite_loop,
    no_slow_iteration,
    panic_recovery,
    recursion_depth,
    state_consistency,
    steady_state,
    success_rate,
    task_limit,
    thread_limit,
)


class Shop:
    """A system that does whatever its steps do to it."""

    def __init__(self) -> None:
        self.sold = 0
        self.enough = threading.Event()
        self.threads: list[threading.Thread] = []
        self.tasks: list[asyncio.Task[Any]] = []

    def leak_thread(self) -> None:
        thread = threading.Thread(target=self.enough.wait, name=f"leak-{len(self.threads)}", daemon=True)
        self.threads.append(thread)
        thread.start()

    def close(self) -> None:
        self.enough.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


def sell(shop: Shop) -> None:
    shop.sold += 1


def scenario(shop: Shop, step: Any = sell) -> Scenario:
    return Scenario("validators").target(shop).step("sell", step).seed(1)


def found(report: Report) -> dict[str, str]:
    """Map the names of validators to the first thing that each found."""
    return {group.validator: group.first.message for group in reversed(report.findings)}


def test_all_hold(shop: Shop) -> None:
    """A system without fault passes every validator at once."""
    report = (
        scenario(shop)
        .expect("panics", panic_recovery())
        .expect("errors", max_errors(0))
        .expect("depth", recursion_depth(100))
        .expect("threads", thread_limit(200, growth=5))
        .expect("tasks", task_limit(100, growth=5))
        .expect("loops", no_infinite_loop("5s"))
        .expect("slow", no_slow_iteration("5s"))
        .expect("time", execution_time(p50="5s", p99="5s", max="5s", mean="5s"))
        .expect("state", state_consistency(lambda shop: shop.sold == 50))
        .expect("success", success_rate(1))
        .expect("steady", steady_state(lambda shop: shop.sold >= 0, every="10ms"))
        .expect("all", all_of(max_errors(0), success_rate(1)))
        .expect("any", any_of(max_errors(0), lambda _: False))
        .repeat(50)
        .run()
    )
    assert (report.verdict, report.findings, report.troubles) == (Verdict.PASS, (), ())


def test_endless_loop(shop: Shop) -> None:
    """A step that loops for ever is found with the line it is in, and the run goes on to its end."""

    def spin(shop: Shop) -> None:
        shop.sold += 1
        while shop.sold == 2:
            pass

    expected = scenario(shop, spin).expect("loops", no_infinite_loop("100ms")).repeat(5)
    report = expected.continue_on_failure().run()
    (group,) = report.findings
    assert group.first.message == "step 'sell' did not return within 100 ms and was given up"
    assert "while shop.sold == 2" in group.first.stack
    assert group.first.iteration == 1
    assert (report.verdict, report.iterations.ok, report.iterations.stuck) == (Verdict.FAIL, 4, 1)


def test_endless_wait_of_a_task(shop: Shop) -> None:
    """A coroutine that waits for ever is found with the line it waits in."""

    async def wait(shop: Shop) -> None:
        shop.sold += 1
        if shop.sold == 2:
            await asyncio.Event().wait()

    report = scenario(shop, wait).expect("loops", no_infinite_loop("100ms")).continue_on_failure().repeat(5).run()
    assert "await asyncio.Event().wait()" in report.findings[0].first.stack
    assert (report.iterations.ok, report.iterations.stuck) == (4, 1)


def test_broken_before(shop: Shop) -> None:
    """A steady state broken before any fault makes the run unknown: nothing is injected, and no step runs."""
    report = (
        scenario(shop)
        .inject("delay", delay("1ms", at="before:sell"))
        .expect("steady", steady_state(lambda shop: "no stock"))
        .repeat(5)
        .run()
    )
    assert report.verdict is Verdict.UNKNOWN
    assert found(report) == {"steady": "no steady state before any fault: no stock"}
    assert (shop.sold, report.injections[0].opened) == (0, 0)


def test_steady_state_unknown(shop: Shop) -> None:
    """A steady state that cannot be asked for is unknown, never a pass."""

    def ask(shop: Shop) -> bool:
        raise ConnectionError("no answer")

    report = scenario(shop).expect("steady", steady_state(ask)).run()
    assert report.verdict is Verdict.UNKNOWN
    assert "no answer" in report.troubles[0].error.message


def test_not_recovered(shop: Shop) -> None:
    """A system that does not recover when the faults are lifted is found, sync or async."""

    async def ask(shop: Shop) -> bool:
        return shop.sold < 3

    report = scenario(shop).expect("steady", steady_state(ask, every=None)).repeat(5).run()
    assert found(report) == {
        "steady": "no steady state again after all faults were lifted: test_not_recovered.<locals>.ask returned False"
    }
    assert report.verdict is Verdict.FAIL


class Steady:
    """A clock that only steps move, so that they are evenly spaced however busy the machine is."""

    def __init__(self) -> None:
        self.s = 0.0

    def monotonic(self) -> float:
        return self.s

    def wall(self) -> float:
        return self.s

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing sleeps here")

    async def asleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def test_thread_leak(shop: Shop) -> None:
    """A thread that every iteration leaves behind is found by growth and by limit, and named."""
    clock = Steady()

    def leak(shop: Shop) -> None:
        shop.leak_thread()
        clock.s += 0.001

    expected = (
        scenario(shop, leak)
        .expect("growth", thread_limit(growth=10))
        .expect("limit", thread_limit(threading.active_count() + 20))
    )
    report = expected.continue_on_failure().repeat(60).run(clock=clock)
    assert report.verdict is Verdict.FAIL
    assert found(report)["growth"].startswith("threads keep growing: by 59 threads in 59 ms")
    assert "leak-# (" in found(report)["limit"]


def test_own_threads(shop: Shop) -> None:
    """Neither the threads of many workers nor those that follow the run count, however short it is."""
    here = threading.active_count()
    expected = scenario(shop).workers(32).repeat(320)
    report = expected.expect("limit", thread_limit(here)).expect("growth", thread_limit(growth=1)).run()
    assert found(report) == {}


def test_task_leak(shop: Shop) -> None:
    """A task that every iteration leaves behind is found, and named."""

    async def leak(shop: Shop) -> None:
        shop.tasks.append(asyncio.create_task(asyncio.sleep(3_600), name="leak"))

    async def run() -> Report:
        try:
            return await scenario(shop, leak).expect("tasks", task_limit(50)).repeat(60).arun()
        finally:
            for task in shop.tasks:
                task.cancel()

    report = asyncio.run(run())
    assert report.verdict is Verdict.FAIL
    assert "most are sleep (" in found(report)["tasks"]


def test_panics(shop: Shop) -> None:
    """Injected panics that the system recovers from pass; the same panics are found where they escape."""

    def recovers(shop: Shop) -> None:
        try:
            maybe_panic()
        except BaseException as error:  # noqa: BLE001 - what the test is about
            record_panic(error)

    def escapes(shop: Shop) -> None:
        maybe_panic()

    reports = [
        scenario(shop, step).inject("panic", panic(probability=0.5)).expect("panics", panic_recovery()).repeat(20).run()
        for step in (recovers, escapes)
    ]
    assert found(reports[0]) == {}
    assert found(reports[1])["panics"].startswith("a panic injected by 'panic' escaped step 'sell'")


def test_real_panic(shop: Shop) -> None:
    """A panic that nobody injected is called real."""

    class Corrupt(BaseException):
        pass

    def breaks(shop: Shop) -> None:
        raise Corrupt("ledger lost")

    report = scenario(shop, breaks).expect("panics", panic_recovery()).run()
    assert found(report)["panics"].startswith("a real panic escaped step 'sell'")


def test_recursion(shop: Shop) -> None:
    """Endless recursion is found by what it records, and by how it ends."""

    def descend(shop: Shop, depth: int = 1) -> None:
        if depth < 100:
            record_recursion_depth(depth)
        descend(shop, depth + 1)

    report = scenario(shop, descend).expect("depth", recursion_depth(50)).continue_on_failure().run()
    messages = [group.first.message for group in report.findings]
    assert "recursion went to depth 51, at most 50 allowed" in messages
    assert any(message.startswith("recursion without end in step 'sell'") for message in messages)


def test_slow(shop: Shop) -> None:
    """Injected delays make iterations slow, one by one and on the whole."""

    def slow(shop: Shop) -> None:
        maybe_delay()

    report = (
        scenario(shop, slow)
        .inject("delay", delay("5ms"))
        .expect("slow", no_slow_iteration("4ms"))
        .expect("time", execution_time(p50="4ms"))
        .continue_on_failure()
        .repeat(3)
        .run()
    )
    assert set(found(report)) == {"slow", "time"}
    assert next(group.count for group in report.findings if group.validator == "slow") == 3


def test_thresholds_decide(shop: Shop) -> None:
    """What a finding weighs may be decided by the scenario, by the validator's name."""
    expected = scenario(shop).expect("state", lambda shop: "wrong")
    assert expected.run().verdict is Verdict.FAIL
    assert expected.thresholds(warning=["state"]).run().verdict is Verdict.UNSTABLE
