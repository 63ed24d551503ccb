"""When injectors are open, where they strike, and the evidence that they did."""

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chaoscore.events import Event, Fired, IterationEnded, Lifted, Opened
from chaoscore.injectors import cancellation, delay, error, network, panic
from chaoscore.points import maybe_delay, maybe_error, point
from chaoscore.scenario import Scenario
from chaoscore.spec import Window, window
from tests.runs import Finished, SteppedClock, finish, ran, scenario


def stepped(built: Window, *, seconds: float = 6.0, tick_s: float = 0.1, **how: Any) -> Finished:
    """Run for so many *seconds*, one point each tick."""
    clock = SteppedClock()

    def step(target: Any) -> None:
        point("here")
        clock.step(tick_s)

    trial = scenario(step, delay(0), window=built, repeat=round(seconds / tick_s))
    return finish(trial, clock=clock, **how)


def openings(run: Finished) -> list[tuple[float, float]]:
    """Return when the injector was opened and lifted, in whole ticks."""
    pairs = zip(run.of(Opened), run.of(Lifted), strict=True)
    return [(round(opened.at, 1), round(lifted.at, 1)) for opened, lifted in pairs]


def struck(run: Finished) -> list[int]:
    return [fired.iteration for fired in run.fired]


# -- windows


def test_the_whole_run() -> None:
    """Without a window an injector is open from before the first iteration until after the last."""
    run = stepped(window(), seconds=1.0)
    kinds = [type(event) for event in run.events if isinstance(event, (Opened, Lifted, IterationEnded))]
    assert kinds == [Opened, *[IterationEnded] * 10, Lifted]
    assert struck(run) == list(range(10))


def test_from() -> None:
    """An injector with a start is opened then, not before, and stays open until the end."""
    run = stepped(window("2s"))
    ((opened, lifted),) = openings(run)
    assert 2.0 <= opened < 4.0
    assert lifted == 6.0
    assert 20 <= struck(run)[0] < 40
    assert struck(run) == list(range(struck(run)[0], 60))


def test_until() -> None:
    """An injector with an end is open from the beginning, and strikes no more when it is lifted."""
    run = stepped(window(until="2s"))
    ((opened, lifted),) = openings(run)
    assert opened == 0.0
    assert 2.0 <= lifted < 4.0
    assert struck(run)[:20] == list(range(20))
    assert len(struck(run)) < 40


def test_from_until() -> None:
    """An injector with both is open in between."""
    run = stepped(window("1s", "3s"))
    ((opened, lifted),) = openings(run)
    assert 1.0 <= opened < 3.0 <= lifted < 5.0
    assert run.report.injections[0].opened == 1


def test_every() -> None:
    """An injector that is opened every so often is lifted each time, and each opening has evidence of its own."""
    run = stepped(window(every="2s", for_="1s"), seconds=5.5)
    found = openings(run)
    assert len(found) == 3
    assert all(2.0 * number <= opened < 2.0 * number + 1 for number, (opened, _) in enumerate(found))
    assert all(2.0 * number + 1 <= lifted for number, (_, lifted) in enumerate(found))
    assert sum(lifted.fired or 0 for lifted in run.of(Lifted)) == len(run.fired)
    assert run.report.injections[0].fired == len(run.fired)


def test_every_from_until() -> None:
    """Repeated openings begin at the start and end at the end of their window."""
    found = openings(stepped(window("1s", "4s", every="2s", for_="1s")))
    assert [round(opened) for opened, _ in found] == [1, 3]


def test_every_with_probability() -> None:
    """Which openings take place is decided by the seed alone."""

    def opened(seed: int) -> list[int]:
        run = stepped(window(every="1s", for_="500ms", probability=0.5), seconds=10, tick_s=0.25, seed=seed)
        return [int(each.at) for each in run.of(Opened)]

    one, two = opened(1), opened(2)
    assert one == opened(1)
    assert one != two
    assert 0 < len(one) < 10


def test_never_opened() -> None:
    """A window that the run does not reach leaves no evidence, and the run is not green."""
    run = stepped(window("1h"), seconds=1.0)
    assert (run.of(Opened), run.of(Lifted), run.fired) == ([], [], [])
    assert run.report.verdict == "unknown"


def test_share_of_iterations() -> None:
    """With a probability per iteration, an iteration is struck at all of its points or at none, as the seed says."""

    def step(target: Any) -> None:
        thread = threading.Thread(target=point, args=("in a thread",))
        point("first")
        thread.start()
        thread.join()
        point("last")

    run = ran(step, delay(0), window=window(probability="20%"), repeat=200, workers=4)
    counts = [struck(run).count(number) for number in range(200)]
    assert set(counts) == {0, 3}
    assert 20 < counts.count(3) < 60
    assert ran(step, delay(0), window=window(probability="20%"), repeat=200).faults == run.faults


def test_nobody_else_is_disturbed() -> None:
    """Injectors with windows come and go, and those without stay open all the time."""
    clock = SteppedClock()

    def step(target: Any) -> None:
        point("here")
        clock.step(0.1)

    trial = scenario(step, delay(0), repeat=40).inject("short", delay(0), window=window("1s", "2s"))
    run = finish(trial, clock=clock)
    assert [fired.iteration for fired in run.fired if fired.injector == "it"] == list(range(40))
    events: list[Event] = [event for event in run.events if isinstance(event, (Opened, Lifted))]
    order = [(type(event).__name__, event.injector) for event in events if isinstance(event, (Opened, Lifted))]
    assert order == [("Opened", "it"), ("Opened", "short"), ("Lifted", "short"), ("Lifted", "it")]


# -- scopes


def visit(target: Any) -> None:
    for name in ("db.read", "db.write", "api.read", "plain"):
        maybe_delay(name)


def test_scopes() -> None:
    """An injector of a scope strikes at the points of its component and of none; one without strikes everywhere."""
    trial = (
        scenario(visit)
        .scope("db", {"slow": delay(0), "reads": delay(0, at="*.read")})
        .inject("slow", delay(0), scope="api")
        .inject("all", delay(0))
    )
    run = finish(trial)
    points = {
        name: [f.point for f in run.fired if f.injector == name] for name in ("db.slow", "db.reads", "api.slow", "all")
    }
    assert points == {
        "db.slow": ["db.read", "db.write", "plain"],
        "db.reads": ["db.read"],
        "api.slow": ["api.read", "plain"],
        "all": ["db.read", "db.write", "api.read", "plain"],
    }
    assert [each.scope for each in (info.info for info in run.report.injections)] == ["db", "db", "api", None]


# -- borders


def test_borders() -> None:
    """An injector at a border strikes there, once per visit of the step, and at no point inside."""
    trial = scenario(lambda target: maybe_delay("inside"), delay(0, at="before:step"), delay(0, at="after:*"), repeat=2)
    run = finish(trial.step("other", lambda target: maybe_delay("inside")))
    assert run.points == ["before:step", "after:step", "after:other"] * 2


def test_error_at_a_border() -> None:
    """An error before a step keeps it from running, and counts as its outcome."""
    done: list[int] = []
    run = ran(lambda target: done.append(1), error(at="before:step"))
    assert (run.outcomes, done) == (["faulted"], [])


# -- evidence


@pytest.fixture
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_evidence_is_exact(quick_switches: None) -> None:
    """With 8 workers in 8 threads, asked, fired and where are exact: by count, by event and in the report."""

    def step(target: Any) -> None:
        for number in range(100):
            try:
                maybe_error("first" if number % 4 else "fourth")
            except OSError:
                continue

    run = ran(step, error(OSError, probability=0.25), error(OSError, probability=0), repeat=64, workers=8)
    fired = len(run.fired)
    (it, other) = run.report.injections
    assert (it.asked, it.fired, other.asked, other.fired) == (6400, fired, 6400 - fired, 0)
    assert 1400 < fired < 1800
    assert {each.where for each in run.fired} == {
        f"{__file__}:{step.__code__.co_firstlineno + 3} in {step.__qualname__}"
    }
    assert sum(count for _, count in it.where) == fired


def test_where() -> None:
    """A fault says the line of the code that it struck, whichever way that code came to run."""

    def own() -> None:
        maybe_error()

    def step(target: Any) -> None:
        thread = threading.Thread(target=maybe_delay)
        thread.start()
        thread.join()
        own()

    run = ran(step, delay(0), error())
    inside, threaded = run.fired[1].where, run.fired[0].where
    assert inside == f"{__file__}:{own.__code__.co_firstlineno + 1} in {own.__qualname__}"
    assert "threading.py" in threaded


@pytest.mark.parametrize("injector", [delay(0), error(), panic(), cancellation(), network(refuse=1)])
def test_evidence_absent(injector: Any) -> None:
    """Where no point is reached there is no evidence, and the run is not green."""
    run = ran(lambda target: None, injector)
    assert (run.lifted().asked, run.lifted().fired, run.of(Fired)) == (0, 0, [])
    assert (run.report.injections[0].fired, run.report.injections[0].where) == (0, ())
    assert run.report.verdict == "unknown"


def test_order_of_lifting() -> None:
    """What was opened last is lifted first."""
    built: Scenario = scenario(lambda target: None, delay(0), delay(1), delay(2))
    run = finish(built)
    assert [event.injector for event in run.of(Opened)] == ["it", "it1", "it2"]
    assert [event.injector for event in run.of(Lifted)] == ["it2", "it1", "it"]
