"""Holding code up."""

import asyncio
import re
from typing import Any

import pytest

from chaoscore.injectors import delay
from chaoscore.points import amaybe_delay, apoint, maybe_delay, maybe_error, point
from chaoscore.spec import window
from tests.runs import HandClock, ran


def slept(run: Any) -> list[float]:
    """Return the delays that the event log tells of, in seconds."""
    return [float(fired.detail.removesuffix(" ms")) / 1e3 for fired in run.fired]


def test_strikes() -> None:
    """A delay strikes at `maybe_delay` and `point`, plain and awaited, and nowhere else."""

    async def step(target: Any) -> None:
        await amaybe_delay("b")
        await apoint("d")
        maybe_error("e")

    def plain(target: Any) -> None:
        maybe_delay("a")
        point("c")
        maybe_error("e")

    assert ran(step, delay("1us")).points == ["b", "d"]
    assert ran(plain, delay("1us")).points == ["a", "c"]


def test_range() -> None:
    """Delays are spread over the whole range, and the seed decides them."""

    def step(target: Any) -> None:
        for _ in range(300):
            maybe_delay()

    run = ran(step, delay("5ms", "25ms"), clock=HandClock())
    drawn = slept(run)
    assert len(drawn) == 300
    assert all(0.005 <= each < 0.025 for each in drawn)
    assert min(drawn) < 0.006
    assert max(drawn) > 0.024
    assert 0.014 < sum(drawn) / 300 < 0.016
    assert slept(ran(step, delay("5ms", "25ms"), clock=HandClock())) == drawn
    assert slept(ran(step, delay("5ms", "25ms"), clock=HandClock(), seed=43)) != drawn


def test_fixed() -> None:
    """With one time only, every delay takes it."""
    clock = HandClock()
    ran(lambda target: maybe_delay(), delay(0.5), repeat=3, clock=clock)
    assert clock.slept == [0.5, 0.5, 0.5]


def test_probability() -> None:
    """A delay strikes as often as its probability says, and is asked every time."""
    run = ran(lambda target: maybe_delay(), delay(0, probability="10%"), repeat=1000)
    lifted = run.lifted()
    assert lifted.asked == 1000
    assert lifted.fired == len(run.fired)
    assert 70 < len(run.fired) < 130


def test_two_delays_both_act() -> None:
    """Two delay injectors both act, in the order of the scenario."""
    clock = HandClock()
    run = ran(lambda target: maybe_delay(), delay(2), delay(1), clock=clock)
    assert clock.slept == [2.0, 1.0]
    assert [fired.injector for fired in run.fired] == ["it", "it1"]


def test_really_held_up() -> None:
    """On the machine's own clock a step takes at least as long as its delay."""
    run = ran(lambda target: maybe_delay(), delay("20ms"))
    assert run.report.timing.max_s >= 0.02


class Crowded(HandClock):
    """A clock that counts who sleeps at the same time."""

    sleeping = most = 0

    async def asleep(self, seconds: float) -> None:
        self.sleeping += 1
        self.most = max(self.most, self.sleeping)
        await asyncio.sleep(0)
        self.sleeping -= 1


def test_the_loop_goes_on() -> None:
    """Ten tasks that are delayed at the same time wait beside each other."""

    async def step(target: Any) -> None:
        await asyncio.gather(*(amaybe_delay() for _ in range(10)))

    clock = Crowded()
    assert ran(step, delay("20ms"), clock=clock).lifted().fired == 10
    assert clock.most >= 10


class Ticking(HandClock):
    """A clock that goes on by so much with each step."""

    def __init__(self, step_s: float) -> None:
        super().__init__()
        self.step_s = step_s

    def tick(self, target: Any = None) -> None:
        self.now_s += self.step_s
        maybe_delay()


def test_interval() -> None:
    """In interval mode a delay strikes at most once in so many seconds, and the first point of all."""
    clock = Ticking(0.25)
    run = ran(clock.tick, delay(0, interval="1s"), repeat=20, clock=clock)
    assert [fired.iteration for fired in run.fired] == [0, 4, 8, 12, 16]
    assert (run.lifted().asked, run.lifted().fired) == (20, 5)


def test_interval_over_all_workers() -> None:
    """However many workers ask at once, one of them is struck per interval."""

    def step(target: Any) -> None:
        for _ in range(200):
            maybe_delay()

    assert ran(step, delay(0, interval="1h"), repeat=8, workers=8).lifted().fired == 1


def test_interval_of_another_run() -> None:
    """A second run with the same injector remembers nothing of the first."""
    injector = delay(0, interval="1h")
    for _ in range(2):
        assert ran(lambda target: maybe_delay(), injector, repeat=3).lifted().fired == 1


def test_interval_with_probability() -> None:
    """An ask that the dice let pass does not use the interval up."""
    clock = Ticking(0.01)
    run = ran(clock.tick, delay(0, interval="1s", probability=0.2), repeat=50, clock=clock)
    assert len(run.fired) == 1
    assert run.fired[0].iteration > 0


@pytest.mark.parametrize(
    ("injector", "how", "name", "asked"),
    [
        (delay(0, probability=0), {}, "it", 3),
        (delay(0, at="db.*"), {}, "it", 0),
        (delay(0), {"scope": "db"}, "db.it", 0),
        (delay(0), {"window": window(probability=0)}, "it", 0),
    ],
)
def test_evidence_absent(injector: Any, how: dict[str, Any], name: str, asked: int) -> None:
    """A delay that never strikes has no evidence, whether it was asked or not."""
    run = ran(lambda target: maybe_delay("api.read"), injector, repeat=3, **how)
    assert (run.lifted(name).asked, run.lifted(name).fired, run.fired) == (asked, 0, [])


@pytest.mark.parametrize(
    ("args", "how", "error", "text"),
    [
        (("soon",), {}, ValueError, "'soon' is not a duration"),
        ((5, 1), {}, ValueError, "high (1 s) must not be below low (5 s)"),
        ((-1,), {}, ValueError, "must be finite and not negative"),
        ((True,), {}, TypeError, "a duration is seconds"),
        ((None,), {}, TypeError, "a duration is seconds"),
        ((1,), {"probability": 2}, ValueError, "between 0 and 1"),
        ((1,), {"interval": "often"}, ValueError, "'often' is not a duration"),
        ((1,), {"at": 5}, TypeError, "a glob is text such as 'db.*', not 5"),
        ((1,), {"at": " "}, ValueError, "a glob must not be empty"),
    ],
)
def test_refused(args: tuple[Any, ...], how: dict[str, Any], error: type[Exception], text: str) -> None:
    """A wrong delay cannot be built, and the error says what is expected."""
    with pytest.raises(error, match=re.escape(text)):
        delay(*args, **how)
