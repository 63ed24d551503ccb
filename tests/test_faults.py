"""Faults as values: what happens to code, and to a task, at the point that asked."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from chaoscore.context import Fault, Place, Strike
from chaoscore.errors import InjectedError, InjectedPanic, InjectedTimeout, injected_by
from chaoscore.faults import Cancel, Delay, Raise, Several
from chaoscore.points import apoint, point
from tests.runs import HandRun, active


@pytest.fixture
def run() -> HandRun:
    return HandRun()


def plainly(run: HandRun, fault: Fault) -> None:
    run.open(active(lambda _: fault))
    with run.at(Place(run, 0, 0)):
        point("here")


def awaited(run: HandRun, fault: Fault) -> None:
    run.open(active(lambda _: fault))

    async def main() -> None:
        with run.at(Place(run, 0, 0)):
            await apoint("here")

    asyncio.run(main())


BOTH = pytest.mark.parametrize("strike", [plainly, awaited])
Way = Callable[[HandRun, Fault], None]


@BOTH
def test_delay(run: HandRun, strike: Way) -> None:
    """A delay sleeps on the run's clock for as long as it says."""
    strike(run, Delay(0.25))
    assert run.hand.slept == [0.25]


@pytest.mark.parametrize(
    "make", [Delay, lambda after: Raise(OSError, after_s=after), lambda after: Cancel(after_s=after)]
)
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), 1e30])
def test_time(make: Callable[[float], Fault], wrong: float) -> None:
    """A fault that no clock could wait for cannot be built: it would raise in the code that reached the point."""
    with pytest.raises(ValueError, match="a duration must be"):
        make(wrong)


@BOTH
def test_raise(run: HandRun, strike: Way) -> None:
    """What is raised is made anew each time, and marked."""
    errors = []
    for _ in range(2):
        with pytest.raises(OSError, match="gone") as caught:
            strike(run, Raise(lambda: OSError("gone")))
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert [injected_by(each) for each in errors] == ["it", "it"]
    assert run.hand.slept == []


@BOTH
def test_raise_after(run: HandRun, strike: Way) -> None:
    """A raise that takes time waits first."""
    with pytest.raises(TimeoutError):
        strike(run, Raise(TimeoutError, "drop", 2.0))
    assert run.hand.slept == [2.0]


@BOTH
def test_several(run: HandRun, strike: Way) -> None:
    """Several faults act in order, until one raises."""
    with pytest.raises(InjectedPanic):
        strike(run, Several((Delay(1.0), Delay(2.0), Raise(InjectedPanic, "panic"), Delay(3.0))))
    assert run.hand.slept == [1.0, 2.0]


@BOTH
def test_cancel_later(run: HandRun, strike: Way) -> None:
    """A cancellation that is not due yet lets the code go on."""
    strike(run, Cancel(5.0))
    assert run.hand.slept == []


def test_cancel_plainly(run: HandRun) -> None:
    """Code without a task gets a time-out instead of a cancellation."""
    with pytest.raises(InjectedTimeout, match="injected deadline passed"):
        plainly(run, Cancel())


def test_cancel_awaited(run: HandRun) -> None:
    """A task is cancelled at the point itself, even on a clock that never suspends."""
    reached: list[str] = []

    async def main() -> None:
        with run.at(Place(run, 0, 0)):
            await apoint("here")
            reached.append("behind the point")

    run.open(active(lambda _: Cancel()))
    with pytest.raises(asyncio.CancelledError) as caught:
        asyncio.run(main())
    assert injected_by(caught.value) == "it"
    assert reached == []


def test_cancel_in_a_callback(run: HandRun) -> None:
    """Code that a loop runs without a task gets a time-out."""
    run.open(active(lambda _: Cancel()))
    seen: list[BaseException] = []

    def callback() -> None:
        try:
            point("here")
        except InjectedTimeout as error:
            seen.append(error)

    async def main() -> None:
        with run.at(Place(run, 0, 0)):
            asyncio.get_running_loop().call_soon(callback)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(main())
    assert [injected_by(error) for error in seen] == ["it"]


def test_fault_of_a_plugin(run: HandRun) -> None:
    """A fault that neither blocks nor awaits needs `apply` alone."""

    class Note(Fault):
        kind = "note"

        def apply(self, strike: Strike) -> None:
            run.hand.slept.append(7.0)

    plainly(run, Note())
    awaited(run, Note())
    assert run.hand.slept == [7.0, 7.0]
    assert Note().describe() == ""


def test_fault_without_effect(run: HandRun) -> None:
    """A fault class without `apply` says so instead of doing nothing."""
    with pytest.raises(NotImplementedError):
        plainly(run, Fault())


@pytest.mark.parametrize(
    ("fault", "kind", "blocks", "text"),
    [
        (Delay(0.0123), "delay", True, "12.300 ms"),
        (Raise(lambda: OSError("gone")), "error", False, "OSError('gone')"),
        (Raise(TimeoutError, "drop", 1.0), "drop", True, "TimeoutError()"),
        (Cancel(), "cancel", False, "at once"),
        (Cancel(0.05), "cancel", False, "after 50.000 ms"),
        (Several((Delay(0.001), Cancel())), "delay+cancel", True, "1.000 ms, at once"),
        (Several((Cancel(), Raise(InjectedError))), "cancel+error", False, "at once, InjectedError()"),
    ],
)
def test_what_the_log_says(fault: Fault, kind: str, blocks: bool, text: str) -> None:
    """A fault says what it is, whether it blocks, and its values."""
    assert (fault.kind, fault.blocks, fault.describe()) == (kind, blocks, text)


class Unprintable(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no text")


def test_an_error_without_text(run: HandRun) -> None:
    """An error that cannot be shown is raised all the same."""
    fault = Raise(Unprintable)
    assert fault.describe() == "Unprintable"
    with pytest.raises(Unprintable):
        plainly(run, fault)


@pytest.mark.parametrize(
    ("faults", "landed"),
    [
        ([Delay(1.0)], Delay(1.0)),
        ([Cancel()], None),
        ([Cancel(1.0), Delay(1.0)], Delay(1.0)),
        ([Delay(1.0), Cancel(), Delay(2.0)], Several([Delay(1.0), Delay(2.0)])),
        ([Several([Delay(1.0), Raise(OSError)]), Delay(2.0)], Several([Delay(1.0), Raise(OSError)])),
        ([Raise(OSError), Delay(2.0)], Raise(OSError)),
        ([], None),
    ],
)
def test_prompt(faults: list[Fault], landed: Fault | None) -> None:
    """Of several faults, those land at once that nothing has to come for and that stand before none that raises."""
    assert Several(faults).prompt() == landed


@pytest.mark.parametrize("fault", [Delay(1.0), Raise(OSError), Cancel(), Several(())])
def test_frozen(fault: Any) -> None:
    """A fault is a value: nobody can change it between decision and effect."""
    with pytest.raises(AttributeError):
        fault.after_s = 5.0


def test_delay_takes_its_time() -> None:
    """On the machine's own clock a delay is never shorter than it says."""
    from chaoscore.clock import SystemClock

    run = HandRun()
    run.clock = SystemClock()
    began = time.perf_counter()
    plainly(run, Delay(0.02))
    awaited(run, Delay(0.02))
    assert time.perf_counter() - began >= 0.039
