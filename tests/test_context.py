"""The run that a piece of code belongs to: what is asked, how often, and what is drawn."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chaoscore.context import POINT_KINDS, Active, Ask, Fault, Place, running_loop
from chaoscore.errors import BlockingCallError, InjectedError, InjectedTimeout, injected_by
from chaoscore.faults import Cancel, Delay, Raise
from tests.runs import HandRun, active


@pytest.fixture
def run() -> HandRun:
    return HandRun()


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Let the interpreter switch threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def asks(run: HandRun, place: Place, *points: str, kind: str = "point") -> None:
    for point in points:
        place.visit(kind, point)


def drawing(drawn: list[Any], draw: Callable[[Ask], Any]) -> Callable[[Ask], None]:
    return lambda ask: drawn.append(draw(ask))


# -- which points an injection may strike at


@pytest.mark.parametrize(
    ("scope", "at", "point", "struck"),
    [
        (None, None, "anything", True),
        (None, None, "", True),
        ("db", None, "db.read", True),
        ("db", None, "db.read.fast", True),
        ("db", None, "api.read", False),
        ("db", None, "dbx.read", False),
        ("db", None, "read", True),
        ("db", None, "db", True),
        ("db", None, "DB.read", False),
        (None, "db.*", "db.read", True),
        (None, "db.*", "api.read", False),
        (None, "db.*", "db", False),
        (None, "*", "x", True),
        (None, "[ab]?", "b1", True),
        (None, "READ", "read", False),
        ("db", "db.r*", "db.read", True),
        ("db", "db.r*", "db.write", False),
        ("db", "api.*", "api.read", False),
    ],
)
def test_strikes(scope: str | None, at: str | None, point: str, struck: bool) -> None:
    """A scope keeps to the points of its component and of none; a glob to the names that it matches, case and all."""
    injection = active(scope=scope, at=at)
    assert injection.strikes("point", point) is struck
    assert injection.strikes("point", point) is struck


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("network", "10.0.0.1:5432"),
        ("network", "api.example.com:443"),
        ("border", "before:db.read"),
        ("call", "patch:shop.service:pay"),
        ("value", "patch:shop.service:pay"),
        ("return", "patch:shop.service:pay"),
    ],
)
def test_strikes_without_component(kind: str, point: str) -> None:
    """The dots of a host, of a step's name and of a function's path name no component: every scope may strike there."""
    assert active(scope="orders").strikes(kind, point)


def test_strikes_forgets_names_with_data() -> None:
    """Point names with data in them do not make an injection grow for ever."""
    injection = active(at="user.*")
    assert all(injection.strikes("point", f"user.{number}") for number in range(5000))
    assert len(injection._matches) <= 1000


# -- what an injector is asked


def test_ask(run: HandRun) -> None:
    """An ask says what asks, where, with which tags, in which iteration and for the how manieth time."""
    seen: list[Any] = []
    run.open(active(drawing(seen, lambda ask: (ask.kind, ask.point, dict(ask.tags), ask.iteration, ask.n))))
    place = Place(run, 3, 7)
    place.visit("delay", "a")
    place.visit("point", "b", {"size": 5})
    place.visit("delay", "c")
    assert seen == [("delay", "a", {}, 7, 0), ("point", "b", {"size": 5}, 7, 1), ("delay", "c", {}, 7, 2)]


def test_ask_elapsed(run: HandRun) -> None:
    """An ask reads the time when the injector wants to know it."""
    seen: list[float] = []
    run.open(active(drawing(seen, lambda ask: ask.elapsed_s)))
    place = Place(run, 0, 0)
    place.visit("point", "a")
    run.hand.now_s = 2.5
    place.visit("point", "a")
    assert seen == [0.0, 2.5]


def test_chance_at_the_ends(run: HandRun) -> None:
    """Probability 0 never strikes and 1 always does, without a draw, so the next draw is the first."""
    seen: list[Any] = []
    run.open(active(drawing(seen, lambda ask: (ask.chance(0), ask.chance(1), ask.chance(-1), ask.uniform()))))
    Place(run, 0, 0).visit("point", "a")
    first: list[float] = []
    run.open(active(drawing(first, lambda ask: ask.uniform())))
    Place(run, 0, 0).visit("point", "a")
    assert seen == [(False, True, False, first[0])]


def test_between(run: HandRun) -> None:
    """A number between two is uniform in their range; where they are the same there is no draw."""
    seen: list[Any] = []
    run.open(active(drawing(seen, lambda ask: (ask.between(2, 2), ask.between(1, 3), ask.uniform()))))
    place = Place(run, 0, 0)
    for _ in range(2000):
        place.visit("point", "a")
    same, ranged, after = (list(each) for each in zip(*seen, strict=True))
    assert set(same) == {2}
    assert all(1 <= each < 3 for each in ranged)
    assert abs(sum(ranged) / 2000 - 2) < 0.05
    assert not {(each - 1) / 2 for each in ranged} & set(after)


def test_draws_of_one_ask_do_not_shift_the_next(run: HandRun) -> None:
    """How many numbers an injector draws at one ask does not change those of the next."""

    def drawn(times_at_first: int) -> float:
        seen: list[float] = []
        run.open(active(lambda ask: seen.append([ask.uniform() for _ in range(1 if ask.n else times_at_first)][-1])))
        place = Place(run, 0, 0)
        asks(run, place, "a", "a")
        return seen[1]

    assert drawn(1) == drawn(5)


def test_worker_is_no_part(run: HandRun) -> None:
    """Which worker runs an iteration is a race, so the draws do not depend on it."""
    seen: list[float] = []
    run.open(active(drawing(seen, lambda ask: ask.uniform())))
    for worker in (0, 1):
        Place(run, worker, 5).visit("point", "a")
    assert seen[0] == seen[1]


def test_tasks_draw_for_themselves(run: HandRun) -> None:
    """The place in the tree of tasks decides the draws, not the order in which tasks ask."""

    def drawn(order: tuple[int, ...]) -> dict[int, float]:
        seen: dict[int, float] = {}
        place = Place(run, 0, 0)
        children = [place.child() for _ in range(3)]
        for number in order:
            run.open(active(lambda ask, number=number: seen.__setitem__(number, ask.uniform())))  # type: ignore[misc]
            children[number].visit("point", "a")
        return seen

    assert drawn((0, 1, 2)) == drawn((2, 0, 1))
    assert len(set(drawn((0, 1, 2)).values())) == 3


def test_count(run: HandRun) -> None:
    """What an injector counts is counted for each task and each thing alone."""
    seen: list[Any] = []
    run.open(active(drawing(seen, lambda ask: (ask.count("a"), ask.count(ask.point)))))
    place = Place(run, 0, 0)
    asks(run, place, "x", "y", "x")
    asks(run, place.child(), "x")
    assert seen == [(1, 1), (2, 1), (3, 2), (1, 1)]


def test_reopened(run: HandRun) -> None:
    """When a window opens again within one task, asks and draws go on, so no identity comes twice."""
    seen: list[Any] = []
    place = Place(run, 0, 0)
    first, second = (active(drawing(seen, lambda ask: (ask.n, ask.count("a"), ask.uniform()))) for _ in range(2))
    for injection in (first, second):
        run.open(injection)
        asks(run, place, "a", "a")
    assert [(n, count) for n, count, _ in seen] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert len({drawn for *_, drawn in seen}) == 4
    assert (first.asked, second.asked) == (2, 2)


def test_share(run: HandRun) -> None:
    """An injection that is active in some iterations is asked at every point of those, and at none of the others."""
    injection = active(share=0.3)
    run.open(injection)
    asked = []
    for iteration in range(1000):
        before, place = injection.asked, Place(run, 0, iteration)
        asks(run, place, "a", "b")
        asks(run, place.child(), "a")
        asked.append(injection.asked - before)
    assert set(asked) == {0, 3}
    assert 250 < asked.count(3) < 350


# -- who is asked, in which order


def test_order(run: HandRun) -> None:
    """Every open injection of a kind is asked, in the order of the scenario, and all their faults are applied."""
    run.open(*(active(lambda _, s=s: Delay(s), name=str(s)) for s in (3.0, 1.0, 2.0)))  # type: ignore[misc]
    Place(run, 0, 0).visit("delay", "a")
    assert run.hand.slept == [3.0, 1.0, 2.0]


def test_raising_is_the_last(run: HandRun) -> None:
    """After a fault that raises, nobody else is asked at that visit."""
    later = active(name="later")
    run.open(active(lambda _: Raise(InjectedError), name="first"), later)
    with pytest.raises(InjectedError):
        Place(run, 0, 0).visit("error", "a")
    assert later.asked == 0


@pytest.mark.parametrize("kind", POINT_KINDS)
def test_kinds(run: HandRun, kind: str) -> None:
    """An injection is asked by points of its kinds and by no others."""
    injection = active()
    run.open(injection, kinds=[kind])
    for each in POINT_KINDS:
        Place(run, 0, 0).visit(each, "a")
    assert injection.asked == 1


def test_out_of_scope_is_not_asked(run: HandRun) -> None:
    """A point that an injection cannot strike at does not count as an ask."""
    injection = active(scope="db")
    run.open(injection)
    asks(run, Place(run, 0, 0), "api.read", "db.read", "api.write")
    assert (injection.asked, run.seen) == (1, [])


def test_counts_are_exact(run: HandRun, quick_switches: None) -> None:
    """With 8 threads, and a switch as often as can be, no ask and no landing is lost."""
    injection = active(lambda ask: Delay(0) if ask.n % 2 else None)
    run.hand.sleep = lambda seconds: None  # type: ignore[method-assign]
    run.open(injection)
    places = [Place(run, worker, worker) for worker in range(8)]

    def work(place: Place) -> None:
        for _ in range(5000):
            place.visit("point", "a")

    threads = [threading.Thread(target=work, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (injection.asked, injection.fired) == (40_000, 20_000)


# -- blocking


def test_blocking_on_a_loop(run: HandRun) -> None:
    """A fault that would block the running loop is refused with the awaitable form, and does not count as landed."""
    injection = active(lambda _: Delay(1.0))
    run.open(injection)

    async def main() -> None:
        Place(run, 0, 0).visit("point", "a")

    with pytest.raises(
        BlockingCallError, match=r"point\(\) would block the running event loop; write `await apoint\(\)`"
    ):
        asyncio.run(main())
    assert (injection.asked, injection.fired, run.hand.slept) == (1, 0, [])


def test_raising_on_a_loop(run: HandRun) -> None:
    """A fault that does not block strikes on a running loop as well."""
    run.open(active(lambda _: Raise(InjectedError)))

    async def main() -> None:
        Place(run, 0, 0).visit("point", "a")

    with pytest.raises(InjectedError):
        asyncio.run(main())


def test_running_loop() -> None:
    """The running loop is that of this thread, and none where none runs."""

    async def main() -> tuple[object, object]:
        return running_loop(), await asyncio.to_thread(running_loop)

    here, elsewhere = asyncio.run(main())
    assert isinstance(here, asyncio.AbstractEventLoop)
    assert elsewhere is None
    assert running_loop() is None


# -- deadlines of synchronous code


def test_deadline(run: HandRun) -> None:
    """The first point past the deadline raises a time-out that names injector and point, once."""
    run.open(active(lambda ask: Cancel(5.0) if ask.n == 0 else None))
    place = Place(run, 0, 0)
    asks(run, place, "a")
    run.hand.now_s = 4.9
    asks(run, place, "b")
    run.hand.now_s = 5.0
    assert run.seen == []
    with pytest.raises(InjectedTimeout) as caught:
        asks(run, place, "c")
    assert injected_by(caught.value) == "it"
    assert "at c" in caught.value.__notes__[0]
    asks(run, place, "d")
    assert run.seen == [("it", "a", 0)]


def test_deadline_now(run: HandRun) -> None:
    """A deadline without delay strikes at the point itself."""
    run.open(active(lambda _: Cancel()))
    with pytest.raises(InjectedTimeout):
        Place(run, 0, 0).visit("cancel", "a")


def test_deadline_is_not_put_off(run: HandRun) -> None:
    """Code that passes the point again and again does not put its deadline off."""
    injection = active(lambda _: Cancel(1.0))
    run.open(injection)
    place = Place(run, 0, 0)
    for run.hand.now_s in (0.0, 0.4, 0.8):
        asks(run, place, "loop")
    run.hand.now_s = 1.2
    with pytest.raises(InjectedTimeout):
        asks(run, place, "loop")
    assert (injection.asked, injection.armed, run.seen) == (3, 1, [("it", "loop", 0)])


def test_earlier_deadline_wins(run: HandRun) -> None:
    """Of two deadlines the earlier one strikes."""
    run.open(active(lambda ask: Cancel(5.0 - 3 * ask.n)))
    place = Place(run, 0, 0)
    asks(run, place, "a", "b")
    run.hand.now_s = 2.0
    with pytest.raises(InjectedTimeout):
        asks(run, place, "c")
    assert run.seen == [("it", "b", 1)]


def test_deadline_of_children(run: HandRun) -> None:
    """Threads that a task starts under a deadline have the same one."""
    run.open(active(lambda ask: Cancel(1.0) if ask.point == "a" else None))
    place = Place(run, 0, 0)
    asks(run, place, "a")
    child = place.child()
    run.hand.now_s = 1.0
    with pytest.raises(InjectedTimeout):
        asks(run, child, "b")


def test_lifted_before_the_deadline(run: HandRun) -> None:
    """A deadline whose injector has been lifted does not strike any more."""
    run.open(active(lambda _: Cancel(1.0)))
    place = Place(run, 0, 0)
    asks(run, place, "a")
    run.open()
    run.hand.now_s = 2.0
    asks(run, place, "b")
    assert (run.seen, place.deadline) == ([], None)


def test_left_before_the_deadline(run: HandRun) -> None:
    """A deadline ends with its step."""
    run.open(active(lambda ask: Cancel(1.0) if ask.n == 0 else None))
    place = Place(run, 0, 0)
    asks(run, place, "a")
    place.leave()
    run.hand.now_s = 2.0
    asks(run, place, "b")
    assert (run.seen, place.deadline) == ([], None)


# -- injectors with bugs


def wrong(ask: Ask) -> Any:
    return 0.5 if ask.kind == "delay" else 1 / 0


@pytest.mark.parametrize(("kind", "error"), [("point", ZeroDivisionError), ("delay", TypeError)])
def test_a_broken_answer_is_not_raised_at_the_point(run: HandRun, kind: str, error: type[Exception]) -> None:
    """An injector that cannot answer is reported once and asked no more, and the code that asked goes on."""
    run.open(active(wrong, name="bug"), active(lambda _: Delay(1.0), name="well"))
    place = Place(run, 0, 0)
    asks(run, place, "a", "b", kind=kind)
    [(name, raised)] = run.broken
    assert (name, type(raised)) == ("bug", error)
    assert run.seen == [("well", "a", 0), ("well", "b", 1)]


@pytest.mark.parametrize("error", [RecursionError, MemoryError])
def test_what_the_code_has_used_up_is_raised_at_the_point(run: HandRun, error: type[Exception]) -> None:
    """Where the stack or the memory ends inside an answer, that belongs to the code that asked."""

    def at_the_end(_: Ask) -> None:
        raise error

    run.open(active(at_the_end))
    with pytest.raises(error):
        asks(run, Place(run, 0, 0), "a")
    assert run.broken == []


# -- cancellation of tasks


async def under(run: HandRun, fault: Fault, then: Callable[[Place], None], seconds: float = 0.03) -> str:
    """Visit a point that answers *fault*, do *then*, and say how a sleep ended."""
    run.open(active(lambda _: fault))
    place = Place(run, 0, 0)
    place.visit("cancel", "a")
    then(place)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError as error:
        return f"cancelled by {injected_by(error)}"
    return "slept"


@pytest.mark.parametrize(
    ("after_s", "then", "end"),
    [
        (0.0, lambda run, place: None, "cancelled by it"),
        (0.005, lambda run, place: None, "cancelled by it"),
        (0.005, lambda run, place: place.leave(), "slept"),
        (0.005, lambda run, place: run.open(), "slept"),
        (0.005, lambda run, place: run.open(active(name="other")), "slept"),
    ],
    ids=["at once", "later", "step ended", "lifted", "another opened"],
)
def test_cancel(run: HandRun, after_s: float, then: Callable[[HandRun, Place], None], end: str) -> None:
    """The task is cancelled, at once or later, unless its step ended or the injector was lifted before."""
    assert asyncio.run(under(run, Cancel(after_s), lambda place: then(run, place))) == end
    assert run.seen == ([] if end == "slept" else [("it", "a", 0)])


def test_children_are_cancelled_alone(run: HandRun) -> None:
    """A cancellation hits the task that reached the point, and its step's end takes back what its children wait for."""
    run.open(active(lambda ask: Cancel(0.01)))

    async def child(place: Place) -> str:
        place.visit("cancel", "a")
        await asyncio.sleep(0.03)
        return "slept"

    async def main() -> list[Any]:
        root = Place(run, 0, 0)
        tasks = [asyncio.create_task(child(root.child())), asyncio.create_task(asyncio.sleep(0.02, "other"))]
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        late = asyncio.create_task(child(root.child()))
        await asyncio.sleep(0)
        root.leave()
        return [*ends, await late]

    cancelled, other, late = asyncio.run(main())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert (other, late) == ("other", "slept")
    assert len(run.seen) == 1


# -- places


def test_child(run: HandRun) -> None:
    """A child's path is its parent's and its number; it is in the same step, iteration and worker."""
    place = Place(run, 2, 5)
    place.step = "buy"
    first, second = place.child(), place.child()
    grandchild = second.child()
    assert [each.path for each in (place, first, second, grandchild)] == [(), (0,), (1,), (1, 0)]
    assert (grandchild.worker, grandchild.iteration, grandchild.step) == (2, 5, "buy")


def test_places_are_let_go(run: HandRun) -> None:
    """What an iteration leaves behind does not keep it alive."""

    class Watched(Place):
        __slots__ = ("__weakref__",)

    run.landed = lambda strike: None  # type: ignore[method-assign]
    run.open(active(lambda ask: Cancel(5.0)))
    place = Watched(run, 0, 0)
    asks(run, place.child(), "a")
    place.leave()
    gone = weakref.ref(place)
    del place
    gc.collect()
    assert gone() is None


def test_active_is_not_equal_to_another() -> None:
    """Two openings of the same injection are two, each with its own counts."""
    one, two = (Active("it", None, None, 1.0, lambda _: None) for _ in range(2))
    assert one != two


# -- what parts remember of a task


def test_memory(run: HandRun) -> None:
    """What parts remember of a task is its own: neither its children nor the next iteration begin with it."""
    place = Place(run, 0, 0)
    place.memory["part"] = 5
    assert place.child().memory == Place(run, 0, 1).memory == {}
    assert place.memory == {"part": 5}
