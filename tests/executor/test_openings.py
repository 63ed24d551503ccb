"""When injectors are open, where they strike, and the evidence that they did."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chaoscore.draw import once
from chaoscore.events import Fired, IterationEnded, Lifted, Opened
from chaoscore.injectors import cancellation, delay, error, network, panic
from chaoscore.points import current_place, maybe_delay, maybe_error, point
from chaoscore.scenario import Scenario
from chaoscore.spec import Window, window
from tests.runs import Finished, SteppedClock, finish, ran, scenario


def stepped(
    built: Window, is_open: Callable[[float], bool], *, seconds: float = 6.0, tick_s: float = 0.1, seed: int = 42
) -> Finished:
    """
    Run for so many *seconds*, one point each tick.

    Args:
        built: The window of the only injector.
        is_open: Whether it should be open at a time; nobody goes on before it is, or within 5 s of real time.
        seconds: How long.
        tick_s: Time of one iteration.
        seed: The seed.
    """
    clock = SteppedClock()

    def step(target: Any) -> None:
        wait_until(lambda: asked_here() == is_open(clock.now_s))
        point("here")
        clock.step(tick_s)

    return finish(scenario(step, delay(0), window=built, repeat=round(seconds / tick_s)), clock=clock, seed=seed)


def asked_here() -> bool:
    """Tell whether points of this run ask anybody."""
    place = current_place()
    return place is not None and bool(place.run.answering["point"])


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 5
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.0005)


def struck(run: Finished) -> list[int]:
    return [fired.iteration for fired in run.fired]


def times(run: Finished) -> int:
    """Return how often the injector was opened, and lifted."""
    opened, lifted = len(run.of(Opened)), len(run.of(Lifted))
    assert opened == lifted == run.report.injections[0].opened
    return opened


# -- windows


def test_the_whole_run() -> None:
    """Without a window an injector is open from before the first iteration until after the last."""
    run = stepped(window(), lambda _: True, seconds=1.0)
    kinds = [type(event) for event in run.events if isinstance(event, (Opened, Lifted, IterationEnded))]
    assert kinds == [Opened, *[IterationEnded] * 10, Lifted]
    assert struck(run) == list(range(10))


def test_from() -> None:
    """An injector with a start is opened then, not before, and stays open until the end."""
    run = stepped(window("2s"), lambda now_s: now_s >= 2)
    assert struck(run) == list(range(20, 60))
    assert run.of(Opened)[0].at >= 2.0
    assert times(run) == 1


def test_until() -> None:
    """An injector with an end is open from the beginning, and strikes no more when it is lifted."""
    run = stepped(window(until="2s"), lambda now_s: now_s < 2)
    assert struck(run) == list(range(20))
    assert (run.of(Opened)[0].at, times(run)) == (0.0, 1)
    assert run.lifted().at >= 2.0


def test_from_until() -> None:
    """An injector with both is open in between."""
    run = stepped(window("1s", "3s"), lambda now_s: 1 <= now_s < 3)
    assert struck(run) == list(range(10, 30))
    assert times(run) == 1


def test_every() -> None:
    """An injector that is opened every so often is lifted each time, and each opening has evidence of its own."""
    run = stepped(window(every="2s", for_="1s"), lambda now_s: now_s % 2 < 1, seconds=5.5)
    assert struck(run) == [*range(10), *range(20, 30), *range(40, 50)]
    assert [lifted.fired for lifted in run.of(Lifted)] == [10, 10, 10]
    assert (times(run), run.report.injections[0].fired) == (3, 30)


def test_every_from_until() -> None:
    """Repeated openings begin at the start and end at the end of their window."""
    run = stepped(window("1s", "3.5s", every="2s", for_="1s"), lambda now_s: 1 <= now_s < 2 or 3 <= now_s < 3.5)
    assert struck(run) == [*range(10, 20), *range(30, 35)]
    assert times(run) == 2


def test_every_with_probability() -> None:
    """Which openings take place is decided by the seed alone."""

    def opened(seed: int) -> list[int]:
        chosen = [once(seed, "it", "opening", number) < 0.5 for number in range(11)]
        run = stepped(
            window(every="1s", for_="500ms", probability=0.5),
            lambda now_s: now_s % 1 < 0.5 and chosen[int(now_s)],
            seconds=10,
            tick_s=0.25,
            seed=seed,
        )
        assert sorted(set(struck(run))) == [n for n in range(40) if n % 4 < 2 and chosen[n // 4]]
        return [number for number in range(10) if chosen[number]]

    assert opened(1) != opened(2)
    assert 0 < len(opened(1)) < 10


def test_asks_go_on() -> None:
    """Openings of a window within one task go on counting its asks, so no identity comes twice."""
    clock = SteppedClock()

    def step(target: Any) -> None:
        for number in range(40):
            wait_until(lambda is_open=number % 20 < 10: asked_here() == is_open)  # type: ignore[misc]
            point("here")
            clock.step(0.1)

    run = finish(scenario(step, delay(0), window=window(every="2s", for_="1s")), clock=clock)
    assert [fired.n for fired in run.fired] == list(range(20))


def test_never_opened() -> None:
    """A window that the run does not reach leaves no evidence, and the run is not green."""
    run = stepped(window("1h"), lambda _: False, seconds=1.0)
    assert (run.of(Opened), run.of(Lifted), run.fired) == ([], [], [])
    assert run.report.verdict == "unknown"


def test_nobody_else_is_disturbed() -> None:
    """Injectors with windows come and go, and those without stay open all the time."""
    clock = SteppedClock()

    def step(target: Any) -> None:
        wait_until(lambda: open_here() == 1 + (1 <= clock.now_s < 2))
        point("here")
        clock.step(0.1)

    def open_here() -> int:
        place = current_place()
        return 0 if place is None else len(place.run.answering["point"])

    trial = scenario(step, delay(0), repeat=40).inject("short", delay(0), window=window("1s", "2s"))
    run = finish(trial, clock=clock)
    assert [fired.iteration for fired in run.fired if fired.injector == "it"] == list(range(40))
    assert [fired.iteration for fired in run.fired if fired.injector == "short"] == list(range(10, 20))
    order = [(type(event).__name__, event.injector) for event in run.events if isinstance(event, (Opened, Lifted))]
    assert order == [("Opened", "it"), ("Opened", "short"), ("Lifted", "short"), ("Lifted", "it")]


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
