"""Places follow the work; the same seed strikes at the same places, and nothing stays patched."""

import asyncio
import contextvars
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import pytest

from chaoscore.context import CURRENT, Place
from chaoscore.errors import InjectedError
from chaoscore.events import Fired
from chaoscore.injectors import delay, error
from chaoscore.points import amaybe_delay, apoint, maybe_delay, point
from chaoscore.propagation import followed
from chaoscore.scenario import Scenario
from chaoscore.spec import window
from tests.runs import Collect, Finished, HandRun, Identity, active, finish, ran, scenario

ASKS = 10
METHODS = ((threading.Thread, "start"), (ThreadPoolExecutor, "submit"), (asyncio.BaseEventLoop, "create_task"))


def patched() -> list[Any]:
    return [getattr(owner, name) for owner, name in METHODS]


ORIGINALS = patched()


@pytest.fixture
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


# -- determinism


def struck(name: str) -> None:
    for _ in range(ASKS):
        time.sleep(random.random() * 2e-4)
        with suppress(InjectedError):
            point(name)


async def astruck(name: str) -> None:
    for _ in range(ASKS):
        await asyncio.sleep(random.random() * 2e-4)
        with suppress(InjectedError):
            await apoint(name)


def in_threads(number: int) -> None:
    threads = [threading.Thread(target=struck, args=("thread",)) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def spread(_: object) -> None:
    """Spread work over tasks, threads and pools, in an order that differs each time."""
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(astruck("task")) for _ in range(8)]
    threads = [asyncio.create_task(asyncio.to_thread(struck, "to_thread")) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        jobs = [loop.run_in_executor(pool, struck, "pool") for _ in range(4)]
        await asyncio.gather(astruck("parent"), *tasks, *threads, *jobs, asyncio.to_thread(in_threads, 2))


def plain(_: object) -> None:
    """The same for a plain step, which runs a loop of its own in one of its threads."""
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(struck, "pool") for _ in range(4)]
        jobs.append(pool.submit(asyncio.run, spread(None)))
        jobs.append(pool.submit(contextvars.copy_context().run, struck, "context"))
        in_threads(2)
        struck("parent")
        for job in jobs:
            job.result()


def trial(*steps: Callable[[Any], object]) -> Scenario:
    built = scenario(steps[0], repeat=4 * 4, workers=4)
    for number, step in enumerate(steps[1:]):
        built = built.step(f"step{number}", step)
    return (
        built.inject("slow", delay("1us", "200us", probability=0.2))
        .inject("broken", error(probability=0.1))
        .inject("sometimes", error(probability=0.5), scope="task", window=window(probability=0.5))
    )


@pytest.mark.parametrize("steps", [(spread,), (plain,)], ids=["async", "plain"])
def test_one_seed_one_set_of_faults(steps: tuple[Callable[[Any], object], ...], quick_switches: None) -> None:
    """Whatever the interleaving of workers, tasks, threads and pools, one seed gives exactly one set of faults."""
    runs = [finish(trial(*steps), seed=42) for _ in range(3)]
    assert len({tuple(run.faults) for run in runs}) == 1
    assert len(runs[0].faults) > 300
    assert max(len(fault[4]) for fault in runs[0].faults) > 1
    assert len({identity(fault) for fault in runs[0].faults}) == len(runs[0].faults)


def identity(fault: Identity) -> tuple[Any, ...]:
    injector, _, _, iteration, path, n, _ = fault
    return injector, iteration, path, n


def test_another_seed_another_set(quick_switches: None) -> None:
    """Another seed strikes elsewhere, about as often, and shares no more faults than chance says."""
    one, two = (set(map(identity, finish(trial(spread), seed=seed).faults)) for seed in (42, 43))
    assert 0.8 < len(one) / len(two) < 1.25
    assert len(one & two) < 0.45 * len(one)


def test_number_of_workers_is_no_part(quick_switches: None) -> None:
    """One worker strikes at the same places as four."""
    assert finish(trial(spread).workers(1)).faults == finish(trial(spread)).faults


def test_one_iteration_alone(quick_switches: None) -> None:
    """An iteration run alone has exactly its faults of the whole run, and no other iteration is run."""
    whole = finish(trial(spread))
    for number in (0, 7, 15):
        alone = finish(trial(spread), only_iteration=number)
        assert alone.faults == [fault for fault in whole.faults if fault[3] == number]
        assert alone.report.iterations.judged == 1


def fifty(_: object) -> None:
    for _ in range(50):
        maybe_delay()


def test_injectors_do_not_depend_on_each_other() -> None:
    """An injector that is added strikes on its own, and leaves the faults of the others as they were."""
    rare = delay("1us", probability=0.3)
    one, two = ran(fifty, rare), ran(fifty, rare, rare)
    assert [fault for fault in two.faults if fault[0] == "it"] == one.faults
    assert {fault[5] for fault in two.faults if fault[0] == "it1"} != {fault[5] for fault in one.faults}


# -- places


def paths(run: Finished) -> list[tuple[int, ...]]:
    return sorted(fault.path for fault in run.fired)


def test_paths() -> None:
    """The k-th task, thread or pool job of a task has its number, whatever kind it is."""

    async def step(target: Any) -> None:
        await apoint("step")
        await asyncio.create_task(apoint("task"))
        await asyncio.to_thread(in_thread)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(point, "pool").result()
        await apoint("step")

    def in_thread() -> None:
        point("to_thread")
        thread = threading.Thread(target=point, args=("thread",))
        thread.start()
        thread.join()

    run = ran(step, error(InjectedError, probability=0), delay("1us"))
    assert [(fault.point, fault.path) for fault in run.fired] == [
        ("step", ()), ("task", (0,)), ("to_thread", (1,)), ("thread", (1, 0)), ("pool", (2,)), ("step", ()),
    ]  # fmt: skip


def test_threads_of_a_pool_are_nobodys_children() -> None:
    """Whether a pool starts another thread for a job depends on timing, and takes no number."""

    def step(target: Any) -> None:
        with ThreadPoolExecutor(5) as pool:
            for _ in range(5):
                pool.submit(point, "job").result()
                pool.submit(time.sleep, 0.001)

    assert paths(ran(step, delay("1us"))) == [(0,), (2,), (4,), (6,), (8,)]


def test_context_of_a_job_is_its_own() -> None:
    """Jobs that enter one context, one after the other, have places of their own there, and leave it as it was."""

    def step(target: Any) -> None:
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            for job in [pool.submit(context.run, point, "job") for _ in range(3)]:
                job.result()
        assert context[CURRENT] is CURRENT.get()

    assert paths(ran(step, delay("1us"))) == [(0,), (1,), (2,)]


def test_context_that_is_entered_twice() -> None:
    """A job whose context another thread is in fails as it does without us."""
    context = contextvars.copy_context()

    def inside() -> None:
        with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="already entered"):
            pool.submit(context.run, int).result()

    run = HandRun()
    with run.at(Place(run, 0, 0)), followed_alone():
        context.run(inside)


def followed_alone() -> Any:
    stack = ExitStack()
    loop = asyncio.new_event_loop()
    stack.callback(loop.close)
    stack.enter_context(followed(loop))
    return stack


def test_task_with_a_context() -> None:
    """A task that is given a context has a place of its own in it."""

    async def step(target: Any) -> None:
        contexts = [contextvars.copy_context() for _ in range(2)]
        await asyncio.gather(*(asyncio.create_task(astruck_once(), context=each) for each in contexts))
        mine = contextvars.copy_context()
        mine.run(CURRENT.set, None)
        await asyncio.create_task(astruck_once(), context=mine)

    async def astruck_once() -> None:
        await amaybe_delay()

    assert paths(ran(step, delay("1us"))) == [(0,), (1,)]


def test_variables_still_travel() -> None:
    """The user's own context variables reach tasks as they do outside a run."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    async def child() -> None:
        seen.append(variable.get())
        variable.set("changed")

    async def step(target: Any) -> None:
        variable.set("mine")
        await asyncio.create_task(child())
        await asyncio.to_thread(lambda: seen.append(variable.get()))
        seen.append(variable.get())

    assert ran(step).outcomes == ["ok"]
    assert seen == ["mine", "mine", "mine"]


def test_names_and_results_still_travel() -> None:
    """Names of tasks, arguments and results of jobs, and what they raise, pass through."""
    seen: list[Any] = []

    async def named() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def step(target: Any) -> None:
        seen.append(await asyncio.create_task(named(), name="mine"))
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(named(), name="grouped")
        seen.append(grouped.result())
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(dict, [("a", 1)], b=2).result())
            seen.append(type(pool.submit(int, "x").exception()))

    assert ran(step).outcomes == ["ok"]
    assert seen == ["mine", "grouped", {"a": 1, "b": 2}, ValueError]


# -- nothing stays patched


def test_restored() -> None:
    """After a run everything is as it was, and during the run it is not."""
    during: list[bool] = []
    run = ran(lambda target: during.append(patched() == ORIGINALS))
    assert run.outcomes == ["ok"]
    assert during == [False]
    assert patched() == ORIGINALS


def test_restored_after_a_run_in_a_loop() -> None:
    """A run inside a loop leaves that loop's task factory alone."""

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        factory = lambda loop, coroutine, **kwargs: asyncio.Task(coroutine, loop=loop, **kwargs)  # noqa: E731
        loop.set_task_factory(factory)
        await scenario(lambda target: None).arun()
        return [loop.get_task_factory() is factory, patched() == ORIGINALS]

    assert asyncio.run(main()) == [True, True]


def test_overlapping_runs() -> None:
    """With two runs that overlap, places are followed until the last of them ends, and then everything is as it was."""
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    runs: dict[str, Finished] = {}

    def first(target: Any) -> None:
        first_in.set()
        second_in.wait(5)

    def second(target: Any) -> None:
        second_in.set()
        first_out.wait(5)
        thread = threading.Thread(target=maybe_delay)
        thread.start()
        thread.join()

    def keep(name: str, step: Callable[[Any], None]) -> None:
        runs[name] = ran(step, delay("1us"))

    one, two = (threading.Thread(target=keep, args=each) for each in (("first", first), ("second", second)))
    one.start()
    first_in.wait(5)
    two.start()
    one.join()
    assert patched() != ORIGINALS
    first_out.set()
    two.join()
    assert patched() == ORIGINALS
    assert (runs["first"].points, runs["second"].points) == ([], ["maybe_delay"])


def test_runs_beside_each_other_in_one_loop() -> None:
    """Several runs share one loop, each with its own faults."""

    async def step(target: Any) -> None:
        await asyncio.create_task(amaybe_delay())

    async def main() -> list[Any]:
        runs = [scenario(step, *([delay("1ms")] * number), repeat=3).arun() for number in range(3)]
        return await asyncio.gather(*runs)

    reports = asyncio.run(main())
    assert [[each.fired for each in report.injections] for report in reports] == [[], [3], [3, 3]]
    assert patched() == ORIGINALS


def test_a_run_inside_a_run() -> None:
    """A run that a step of another run makes has its own faults, and the outer ones go on afterwards."""
    inner: list[Finished] = []

    def step(target: Any) -> None:
        inner.append(ran(lambda target: maybe_delay("inner"), delay("1us")))
        maybe_delay("outer")

    assert ran(step, delay("1us")).points == ["outer"]
    assert inner[0].points == ["inner"]


class Patched:
    """Somebody else's patch of the three methods, which counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.before = patched()
        self.mine = [self._around(each) for each in self.before]
        self._set(self.mine)

    def _around(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def method(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return inner(*args, **kwargs)

        return method

    def _set(self, methods: Any) -> None:
        for (owner, name), method in zip(METHODS, methods, strict=True):
            setattr(owner, name, method)

    def remove(self) -> None:
        self._set(self.before)


async def three_ways(target: Any = None) -> None:
    await asyncio.create_task(amaybe_delay())
    await asyncio.to_thread(maybe_delay)
    thread = threading.Thread(target=maybe_delay)
    thread.start()
    thread.join()


def test_patched_before_us() -> None:
    """A patch that was there before the run works during it, and is there afterwards."""
    other = Patched()
    try:
        run = ran(three_ways, delay("1us"))
        assert patched() == other.mine
        calls = other.calls
        asyncio.run(three_ways())
    finally:
        other.remove()
    assert paths(run) == [(0,), (1,), (2,)]
    assert calls >= 3
    assert other.calls > calls


def test_patched_above_us() -> None:
    """A patch that comes during a run survives it, and later runs work under and over it, each child counted once."""
    others: list[Patched] = []

    async def step(target: Any) -> None:
        if not others:
            others.append(Patched())
        await three_ways()

    try:
        assert paths(ran(step, delay("1us"))) == [(0,), (1,), (2,)]
        assert patched() == others[0].mine
        asyncio.run(three_ways())
        for _ in range(2):
            assert paths(ran(three_ways, delay("1us"))) == [(0,), (1,), (2,)]
            assert patched() == others[0].mine
        others[0].remove()
        assert paths(ran(three_ways, delay("1us"))) == [(0,), (1,), (2,)]
        asyncio.run(three_ways())
    finally:
        Patched()._set(ORIGINALS)


# -- task factories


def test_task_factory_of_the_user() -> None:
    """A task factory that the user has set makes the tasks, with their places, even one that takes no keywords."""
    made: list[str] = []

    def factory(loop: Any, coroutine: Any) -> Any:
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop)

    async def main() -> Any:
        asyncio.get_running_loop().set_task_factory(factory)
        return await scenario(three_ways, delay("1us")).arun(seed=1)

    report = asyncio.run(main())
    assert report.injections[0].fired == 3
    assert "amaybe_delay" in made


@pytest.mark.skipif(sys.version_info < (3, 12), reason="cannot run here: eager tasks came with Python 3.12")
def test_eager_tasks() -> None:
    """Tasks that begin to run while they are made have their places already then."""

    async def step(target: Any) -> None:
        await asyncio.gather(*(asyncio.create_task(amaybe_delay()) for _ in range(3)))
        await amaybe_delay()

    async def main() -> list[Any]:
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - not in 3.11
        collect = Collect()
        await scenario(step, delay("1us")).arun(seed=1, reporters=[collect])
        return [event.path for event in collect.events if isinstance(event, Fired)]

    assert asyncio.run(main()) == [(0,), (1,), (2,), ()]


class ForeignLoop(asyncio.SelectorEventLoop):
    """A loop with a `create_task` of its own, as loops that are not written in Python have."""

    def create_task(self, coroutine: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        factory = self.get_task_factory()
        if factory is None:
            return asyncio.Task(coroutine, loop=self, **kwargs)
        return factory(self, coroutine, **kwargs)


@pytest.mark.parametrize("own", [None, partial])
def test_foreign_loop(own: Any) -> None:
    """On a loop of another kind a task factory gives the tasks their places, over that of the user, and goes again."""
    made: list[Any] = []

    def factory(loop: Any, coroutine: Any, **kwargs: Any) -> Any:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    before = factory if own else None
    loop, run = ForeignLoop(), HandRun()
    loop.set_task_factory(before)
    seen: list[tuple[int, ...]] = []

    async def where() -> None:
        place = CURRENT.get()
        assert place is not None
        seen.append(place.path)

    async def main() -> None:
        await loop.create_task(where())
        with run.at(Place(run, 0, 0)):
            await loop.create_task(where())
            await loop.create_task(where(), context=contextvars.copy_context())

    try:
        with run.at(Place(run, 0, 0)), followed(loop):
            loop.run_until_complete(loop.create_task(main()))
        assert loop.get_task_factory() is before
    finally:
        loop.close()
    assert seen == [(0, 0), (0,), (1,)]
    assert len(made) == (4 if own else 0)


def test_factory_that_came_later_stays() -> None:
    """A task factory that somebody sets during a run, over ours, is left alone."""
    loop, mine = ForeignLoop(), partial(asyncio.Task)
    try:
        with followed(loop):
            loop.set_task_factory(mine)
        assert loop.get_task_factory() is mine
    finally:
        loop.close()


def test_active_without_place() -> None:
    """While runs are active, threads and jobs started outside them get no place."""
    seen: list[Any] = []
    with followed_alone():
        thread = threading.Thread(target=lambda: seen.append(CURRENT.get()))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(CURRENT.get).result())
    assert seen == [None, None]


def test_a_thread_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is started twice fails as it does without us."""
    run = HandRun()
    run.open(active())
    with run.at(Place(run, 0, 0)), followed_alone():
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        with pytest.raises(RuntimeError, match="once"):
            thread.start()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="cannot run here: no fork")
def test_a_forked_child_has_a_place_of_its_own() -> None:
    """The k-th process that a task forks is its k-th child, so it does not draw what its parent draws."""
    with HandRun().at(Place(HandRun(), 0, 7)) as place:
        paths = [forked_path() for _ in range(2)]
        assert paths == ["(0,) of iteration 7", "(1,) of iteration 7"]
        assert CURRENT.get() is place
        assert place.child().path == (2,)


def forked_path() -> str:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        place = CURRENT.get()
        os.write(writer, b"nowhere" if place is None else f"{place.path} of iteration {place.iteration}".encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()
