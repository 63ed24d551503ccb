"""Points strike inside a run, wherever its work goes, and nowhere else."""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import chaoscore
from chaoscore import points
from chaoscore.context import Place
from chaoscore.errors import BlockingCallError, InjectedError, InjectedPanic, injected_by, mark_injected
from chaoscore.faults import Delay, Raise
from chaoscore.injectors import cancellation, delay, error, network, panic
from chaoscore.points import (
    amaybe_cancel,
    amaybe_delay,
    amaybe_error,
    amaybe_network_chaos,
    amaybe_panic,
    apoint,
    aside,
    current_place,
    in_run,
    maybe_cancel,
    maybe_delay,
    maybe_error,
    maybe_network_chaos,
    maybe_panic,
    point,
    record_error,
    record_event,
    record_panic,
    record_recursion_depth,
)
from tests.runs import HandRun, active, finish, ran, scenario

PLAIN: dict[str, Callable[[], None]] = {
    "delay": maybe_delay,
    "error": maybe_error,
    "panic": maybe_panic,
    "cancel": maybe_cancel,
    "network": lambda: maybe_network_chaos("db", 5432),
    "point": lambda: point("orders.save", size=5),
}
AWAITABLE: dict[str, Callable[[], Awaitable[None]]] = {
    "delay": amaybe_delay,
    "error": amaybe_error,
    "panic": amaybe_panic,
    "cancel": amaybe_cancel,
    "network": lambda: amaybe_network_chaos("db", 5432),
    "point": lambda: apoint("orders.save", size=5),
}
RECORDS: list[Callable[[], None]] = [
    lambda: record_recursion_depth(5),
    lambda: record_panic(InjectedPanic()),
    lambda: record_error(OSError(5, "io")),
    lambda: record_event("saved", 5, order=7),
]


@pytest.fixture
def run() -> HandRun:
    return HandRun()


class Refusing(HandRun):
    """A run that must not be asked."""

    def landed(self, strike: Any) -> None:
        raise AssertionError(strike)

    def recorded(self, *args: Any) -> None:
        raise AssertionError(args)


# -- outside a run


@pytest.mark.parametrize("kind", PLAIN)
def test_outside(kind: str) -> None:
    """Outside a run a point does nothing, on a running loop as well."""
    PLAIN[kind]()

    async def main() -> str:
        PLAIN[kind]()
        await AWAITABLE[kind]()
        return "not struck"

    assert asyncio.run(main()) == "not struck"


def test_no_run_stays_behind() -> None:
    """A context that remembers a finished run strikes nothing, even while another run goes on."""
    finished, going = Refusing(), HandRun()
    finished.open()
    place = Place(finished, 0, 0)
    with finished.at(place):
        left_over = contextvars.copy_context()
    with going.at(Place(going, 0, 0)):
        for call in PLAIN.values():
            left_over.run(call)
    assert going.seen == []


def test_records_outside() -> None:
    """Outside a run a record costs nothing and looks at nothing, not even at a broken error."""
    record_recursion_depth("deep")  # type: ignore[arg-type]
    record_event("x", "y")  # type: ignore[arg-type]
    record_error(Hostile())
    record_panic(Hostile())
    for record in RECORDS:
        record()


def test_elsewhere_while_a_run_is_active() -> None:
    """Code outside any run is not struck while a run is active elsewhere in the process."""
    inside, done = threading.Event(), threading.Event()

    def step(target: Any) -> None:
        inside.set()
        done.wait(5)

    trial = scenario(step, *everything())
    reports: list[Any] = []
    running = threading.Thread(target=lambda: reports.append(finish(trial)))
    running.start()
    assert inside.wait(5)
    try:
        asyncio.run(elsewhere())
    finally:
        done.set()
        running.join()
    assert reports[0].fired == []


def everything() -> list[Any]:
    return [delay("1ms"), error(), panic(), cancellation(), network("*", refuse=1)]


async def elsewhere() -> None:
    assert not in_run()
    assert current_place() is None
    for kind in PLAIN:
        PLAIN[kind]()
        await AWAITABLE[kind]()
        await asyncio.create_task(AWAITABLE[kind]())  # type: ignore[arg-type]
        await asyncio.to_thread(PLAIN[kind])
    with ThreadPoolExecutor(1) as pool:
        for kind in PLAIN:
            pool.submit(PLAIN[kind]).result()


# -- inside


@pytest.mark.parametrize("kind", PLAIN)
def test_asks(run: HandRun, kind: str) -> None:
    """A point asks the injections of its kind, under its name, in both of its forms alike."""
    seen: list[Any] = []
    run.open(active(lambda ask: seen.append((ask.kind, ask.point, dict(ask.tags)))))
    with run.at(Place(run, 0, 0)):
        assert in_run()
        PLAIN[kind]()
        asyncio.run(AWAITABLE[kind]())  # type: ignore[arg-type]
    names = {"network": "db:5432", "point": "orders.save"}
    tags = {"network": {"host": "db", "port": 5432}, "point": {"size": 5}}
    assert seen == [(kind, names.get(kind, f"maybe_{kind}"), tags.get(kind, {}))] * 2


@pytest.mark.parametrize("kind", ["delay", "error", "panic", "cancel"])
def test_named(run: HandRun, kind: str) -> None:
    """A `maybe_*` call may have a name of its own, which makes it belong to a component."""
    seen: list[str] = []
    run.open(active(lambda ask: seen.append(ask.point), scope="db"))
    with run.at(Place(run, 0, 0)):
        getattr(points, f"maybe_{kind}")("db.read")
        getattr(points, f"maybe_{kind}")("api.read")
        asyncio.run(getattr(points, f"amaybe_{kind}")("db.write"))
    assert seen == ["db.read", "db.write"]


def test_aside(run: HandRun) -> None:
    """Inside the block no point is met, whatever is called there; after it they are, also where an error left it."""
    injection = active()
    run.open(injection)

    def step_aside() -> None:
        with aside():
            maybe_error()
            assert current_place() is None
            raise InjectedError

    with run.at(Place(run, 0, 0)):
        with pytest.raises(InjectedError):
            step_aside()
        maybe_error()
    assert injection.asked == 1


def test_tags_of_any_name(run: HandRun) -> None:
    """A point's tags may have any name, even that of its own parameter."""
    seen: list[Any] = []
    run.open(active(lambda ask: seen.append(dict(ask.tags))))
    with run.at(Place(run, 0, 0)):
        point("x", name=1, self=2, kind=3)
        asyncio.run(apoint("x", name=1, self=2, kind=3))
    assert seen == [{"name": 1, "self": 2, "kind": 3}] * 2


@pytest.mark.parametrize(
    ("call", "called", "instead"),
    [
        (maybe_delay, "maybe_delay", "amaybe_delay"),
        (PLAIN["network"], "maybe_network_chaos", "amaybe_network_chaos"),
        (PLAIN["point"], "point", "apoint"),
    ],
)
def test_blocking(run: HandRun, call: Callable[[], None], called: str, instead: str) -> None:
    """A call that would block the running loop is refused, and the awaitable form named."""
    run.open(active(lambda _: Delay(5.0)))

    async def main() -> None:
        call()

    with run.at(Place(run, 0, 0)), pytest.raises(BlockingCallError) as caught:
        asyncio.run(main())
    assert (caught.value.called, caught.value.instead) == (called, instead)
    assert run.hand.slept == []


def test_blocking_in_a_patched_function(run: HandRun) -> None:
    """A plain function without an awaitable form is named itself, with a way to call it from a loop."""
    run.open(active(lambda _: Delay(5.0)))

    async def main() -> None:
        Place(run, 0, 0).visit("call", "patch:shop:pay")

    with pytest.raises(BlockingCallError, match=r"patch:shop:pay\(\) would block .* `await asyncio.to_thread\(\)`"):
        asyncio.run(main())


@pytest.mark.parametrize("call", [maybe_delay, PLAIN["network"]])
def test_blocking_without_a_fault(run: HandRun, call: Callable[[], None]) -> None:
    """A call that could block is refused even where nothing strikes, so that the mistake shows in every run."""

    async def main() -> None:
        call()

    with run.at(Place(run, 0, 0)), pytest.raises(BlockingCallError):
        asyncio.run(main())


def test_blocking_in_a_run() -> None:
    """In a run, a blocking call on the loop is a real failure that names the awaitable form."""

    async def step(target: Any) -> None:
        maybe_delay()

    run = ran(step, delay("1ms"))
    (info,) = run.errors
    assert info is not None
    assert info.injected_by is None
    assert "await amaybe_delay()" in info.message
    assert run.fired == []


def test_awaitable_forms_never_block(run: HandRun) -> None:
    """While a task is held up at a point, the loop goes on."""
    order: list[str] = []

    async def step(target: Any) -> None:
        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        await amaybe_delay()
        order.append("delayed")
        await task

    assert ran(step, delay("5ms")).lifted().fired == 1
    assert order == ["other", "delayed"]


# -- wherever the work goes


def in_thread() -> None:
    thread = threading.Thread(target=maybe_delay)
    thread.start()
    thread.join()


def in_subclassed_thread() -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            maybe_delay()

    worker = Worker()
    worker.start()
    worker.join()


def in_nested_thread() -> None:
    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()


def in_timer() -> None:
    timer = threading.Timer(0, maybe_delay)
    timer.start()
    timer.join()


def in_copied_context() -> None:
    thread = threading.Thread(target=contextvars.copy_context().run, args=(maybe_delay,))
    thread.start()
    thread.join()


def in_pool() -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(maybe_delay).result()


def in_pool_map() -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(maybe_delay, ["only"]))


def in_pool_with_context() -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(contextvars.copy_context().run, maybe_delay).result()


def in_own_loop() -> None:
    asyncio.run(amaybe_delay())


@pytest.mark.parametrize(
    "work",
    [
        in_thread,
        in_subclassed_thread,
        in_nested_thread,
        in_timer,
        in_copied_context,
        in_pool,
        in_pool_map,
        in_pool_with_context,
        in_own_loop,
    ],
)
def test_threads(work: Callable[[], None]) -> None:
    """Work that a step hands to threads, pools and loops of its own is in the run."""
    assert ran(lambda target: work(), delay("1us"), repeat=3).lifted().fired == 3


def test_older_pools() -> None:
    """A pool whose threads are older than the run strikes for the jobs of the run, and for no other."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        assert ran(lambda target: pool.submit(maybe_delay).result(), delay("1us"), repeat=3).lifted().fired == 3
        assert pool.submit(current_place).result() is None


async def in_to_thread() -> None:
    await asyncio.to_thread(maybe_delay)


async def in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, maybe_delay)


async def in_executor_with_arguments() -> None:
    await asyncio.get_running_loop().run_in_executor(None, maybe_delay, "named")


async def in_task() -> None:
    await asyncio.create_task(amaybe_delay())


async def in_gather() -> None:
    await asyncio.gather(amaybe_delay())


async def in_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(amaybe_delay())


async def in_nested_tasks() -> None:
    await asyncio.create_task(in_task())


async def in_task_with_context() -> None:
    await asyncio.create_task(amaybe_delay(), context=contextvars.copy_context())


async def in_wait_for() -> None:
    await asyncio.wait_for(amaybe_delay(), 5)


async def in_thread_of_task() -> None:
    await asyncio.create_task(asyncio.to_thread(in_pool))


@pytest.mark.parametrize(
    "work",
    [
        in_to_thread,
        in_executor,
        in_executor_with_arguments,
        in_task,
        in_gather,
        in_group,
        in_nested_tasks,
        in_task_with_context,
        in_wait_for,
        in_thread_of_task,
    ],
)
def test_tasks(work: Callable[[], Awaitable[None]]) -> None:
    """Work that an async step hands to tasks and threads is in the run."""

    async def step(target: Any) -> None:
        await work()

    assert ran(step, delay("1us"), repeat=3).lifted().fired == 3


def test_steps_of_both_kinds() -> None:
    """Plain and `async def` steps of one scenario are both in the run."""

    async def asynchronous(target: Any) -> None:
        await amaybe_delay("async")

    trial = scenario(lambda target: maybe_delay("plain"), delay("1us")).step("async", asynchronous)
    assert finish(trial).points == ["plain", "async"]


def test_hooks_are_outside() -> None:
    """The target's own hooks are not struck, and neither is what the validators call."""

    class Hooked:
        def setup(self) -> None:
            maybe_panic()

        def teardown(self) -> None:
            maybe_panic()

        def health(self) -> None:
            maybe_panic()

    trial = scenario(lambda target: None, panic(), target=Hooked())
    run = finish(trial.expect("state", lambda target: maybe_panic()))
    assert (run.fired, run.lifted().asked) == ([], 0)


def test_only_a_run_that_is_told_to() -> None:
    """A run with `inject=False` asks nobody."""
    run = finish(scenario(lambda target: maybe_panic(), panic()), inject=False)
    assert run.fired == []
    assert run.report.injections == ()


# -- records


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_records(run: HandRun) -> None:
    """What code says of itself reaches the run with its values."""
    with run.at(Place(run, 0, 0)):
        for record in RECORDS:
            record()
    assert run.notes == [
        ("recursion_depth", 5.0, {}, False),
        ("panic", None, {"type": "InjectedPanic", "message": ""}, False),
        ("error", None, {"type": "OSError", "message": "[Errno 5] io"}, False),
        ("saved", 5.0, {"order": 7}, False),
    ]


def test_records_tell_injected_from_real(run: HandRun) -> None:
    """A recorded error says whether an injector raised it."""
    marked, wrapped = OSError(), ValueError()
    mark_injected(marked, "it", "a")
    wrapped.__cause__ = marked
    with run.at(Place(run, 0, 0)):
        for each in (marked, wrapped, OSError()):
            record_error(each)
            record_panic(each)
    assert [injected for *_, injected in run.notes] == [True, True, True, True, False, False]


def test_records_of_a_hostile_error(run: HandRun) -> None:
    """An error that cannot say its text is recorded without harm to the code that handled it."""
    with run.at(Place(run, 0, 0)):
        record_error(Hostile())
    assert run.notes == [("error", None, {"type": "Hostile", "message": "<its __str__ raised RuntimeError>"}, False)]


def test_record_event_with_any_detail(run: HandRun) -> None:
    """An event's detail may have any name but that of its value, and its value must be a number."""
    with run.at(Place(run, 0, 0)):
        record_event("a", name="b", self=object)
        with pytest.raises((TypeError, ValueError)):
            record_event("a", "many")  # type: ignore[arg-type]
    assert run.notes == [("a", None, {"name": "b", "self": object}, False)]


def test_records_say_where() -> None:
    """A record from a thread of a step says worker, iteration and step."""

    def step(target: Any) -> None:
        thread = threading.Thread(target=record_event, args=("seen", 5))
        thread.start()
        thread.join()

    recorded = ran(step, repeat=2).of(chaoscore.Recorded)
    assert [(each.name, each.value, each.worker, each.iteration, each.step) for each in recorded] == [
        ("seen", 5.0, 0, 0, "step"),
        ("seen", 5.0, 0, 1, "step"),
    ]


# -- panics and errors


def test_a_panic_is_not_swallowed() -> None:
    """`except Exception` does not swallow a panic, and does swallow an error."""

    def step(target: Any) -> None:
        for call in (maybe_error, maybe_panic):
            try:
                call()
            except Exception as caught:  # noqa: BLE001 - what this is about
                record_error(caught)

    run = ran(step, error(), panic())
    assert [each.injected for each in run.of(chaoscore.Recorded)] == [True]
    (info,) = run.errors
    assert info is not None
    assert (info.type, info.injected_by, info.panic) == ("chaoscore.errors.InjectedPanic", "it1", True)


def test_every_fault_is_marked(run: HandRun) -> None:
    """What a point raises names its injector and its point."""
    run.open(active(lambda _: Raise(InjectedError)))
    with run.at(Place(run, 0, 0)), pytest.raises(InjectedError) as caught:
        point("orders.save")
    assert injected_by(caught.value) == "it"
    assert caught.value.__notes__ == ["[chaos] injected by 'it' at orders.save"]


def test_forms() -> None:
    """Every blocking call has an awaitable form with the same parameters and an a in front."""
    for name in ("maybe_delay", "maybe_error", "maybe_panic", "maybe_cancel", "maybe_network_chaos", "point"):
        plain, awaitable = getattr(chaoscore, name), getattr(chaoscore, f"a{name}")
        assert inspect.signature(plain) == inspect.signature(awaitable)
        assert inspect.iscoroutinefunction(awaitable)
        assert not inspect.iscoroutinefunction(plain)
