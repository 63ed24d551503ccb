"""The injectors that patch functions, in whole runs."""

import asyncio
import inspect
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import Context
from typing import Any, ClassVar

import pytest

import chaos_patch
from chaos_patch.points import PATCHES
from chaoscore import (
    BlockingCallError,
    Ended,
    Event,
    Fired,
    InjectedError,
    InjectedPanic,
    InjectedTimeout,
    Report,
    Scenario,
    SystemClock,
    Verdict,
    injected_by,
    maybe_error,
    window,
)
from chaoscore.injectors import composite
from chaoscore.injectors import error as error_at_points

HERE = __name__


def charge(amount: int) -> int:
    LEDGER.append(amount)
    return amount


async def ship(amount: int) -> int:
    LEDGER.append(amount)
    return amount


def rows(count: int) -> Iterator[int]:
    yield from range(count)


async def arows(count: int) -> AsyncIterator[int]:
    for each in range(count):
        yield each


class Service:
    def charge(self, amount: int) -> int:
        LEDGER.append(amount)
        return amount


LEDGER: list[int] = []


class Events:
    """A reporter that keeps what happened."""

    kind: ClassVar[str] = "events"

    def __init__(self) -> None:
        self.fired: list[Fired] = []

    def follow(self, events: Any) -> None:
        self.fired += [each for each in events if isinstance(each, Fired)]


class HandClock(SystemClock):
    """Writes down for how long it should have slept, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:  # type: ignore[override]
        self.slept.append(seconds)

    async def asleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture(autouse=True)
def empty_ledger() -> Iterator[None]:
    LEDGER.clear()
    codes = [each.__code__ for each in (charge, ship, rows, arows, Service.charge)]
    yield
    assert [each.__code__ for each in (charge, ship, rows, arows, Service.charge)] == codes
    assert PATCHES.armed == ()


def run(step: Callable[[Any], object], *injectors: Any, repeat: int = 1, seed: int = 1, **options: Any) -> Report:
    scenario = Scenario("patched").target(object()).step("step", step).repeat(repeat)
    for number, each in enumerate(injectors):
        scenario = scenario.inject(f"fault {number}", each)
    return scenario.continue_on_failure().thresholds("relaxed").run(seed=seed, **options)


def one(report: Report) -> Any:
    return report.injections[0]


# -- raising


def test_an_error_is_raised_before_the_function_runs() -> None:
    """The function does not run, the error is of the given type, and it carries the injector's mark."""
    report = run(lambda _: charge(1), chaos_patch.error(f"{HERE}:charge", ConnectionResetError, ["gone"]))
    [error] = report.errors
    assert (error.first.type, error.first.message, error.first.injected_by) == (
        "ConnectionResetError",
        "gone",
        "fault 0",
    )
    assert (report.iterations.faulted, LEDGER, one(report).asked, one(report).fired) == (1, [], 1, 1)


def test_a_panic_is_not_swallowed() -> None:
    """A handler of ordinary exceptions does not see a panic."""

    def step(_: object) -> None:
        with pytest.raises(InjectedPanic, match="all hands"), suppress(Exception):
            charge(1)

    assert run(step, chaos_patch.panic(charge, message="all hands")).iterations.ok == 1


@pytest.mark.parametrize("kind", ["plain", "async", "method"])
def test_a_reply_is_lost_after_the_work_is_done(kind: str) -> None:
    """The function has done its work, and its caller sees an error all the same."""

    def step(_: object) -> None:
        with pytest.raises(ConnectionError):
            charge(1) if kind == "plain" else Service().charge(1)

    async def astep(_: object) -> None:
        with pytest.raises(ConnectionError):
            await ship(1)

    target = {"plain": "charge", "async": "ship", "method": "Service.charge"}[kind]
    injector = chaos_patch.after(f"{HERE}:{target}", "ConnectionError")
    report = run(astep if kind == "async" else step, injector)
    assert (report.iterations.ok, LEDGER, one(report).fired) == (1, [1], 1), report.errors


def test_no_reply_is_lost_where_nothing_worked() -> None:
    """A function that raised by itself is not asked, and its own error is what its caller sees."""

    def step(_: object) -> None:
        with pytest.raises(TypeError):
            charge()  # type: ignore[call-arg]
        with pytest.raises(ZeroDivisionError):
            Failing().fail()

    report = run(step, chaos_patch.after(Failing.fail))
    assert (report.iterations.ok, one(report).asked, one(report).fired) == (1, 0, 0)
    assert report.verdict is Verdict.UNKNOWN


class Failing:
    def fail(self) -> None:
        raise ZeroDivisionError


# -- holding up


def test_a_plain_function_is_held_up() -> None:
    """A call waits between the shortest and the longest delay, on the run's clock, and then does its work."""
    clock = HandClock()
    report = run(lambda _: charge(1), chaos_patch.delay(charge, "5ms", "25ms"), repeat=20, clock=clock)
    assert (report.iterations.ok, len(LEDGER), len(set(clock.slept))) == (20, 20, 20)
    assert all(0.005 <= each <= 0.025 for each in clock.slept)


def test_a_coroutine_is_held_up_without_blocking() -> None:
    """An `async def` function suspends its task, and other tasks go on meanwhile."""
    order: list[str] = []

    async def slow() -> None:
        await ship(1)
        order.append("slow")

    async def quick() -> None:
        order.append("quick")

    async def step(_: object) -> None:
        await asyncio.gather(slow(), quick())

    assert run(step, chaos_patch.delay(ship, "1ms")).iterations.ok == 1
    assert order == ["quick", "slow"]


def test_a_plain_function_does_not_block_a_loop() -> None:
    """On an event loop a delay of a plain function is refused, with its name, and nothing counts as landed."""

    async def step(_: object) -> None:
        with pytest.raises(BlockingCallError, match=rf"patch:{HERE}:charge\(\) would block the running event loop"):
            charge(1)

    report = run(step, chaos_patch.delay(charge, "1ms"))
    assert (report.iterations.ok, one(report).fired, LEDGER) == (1, 0, [])


@pytest.mark.parametrize(
    ("make", "error"), [(chaos_patch.delay, None), (chaos_patch.timeout, InjectedTimeout)], ids=["delay", "timeout"]
)
def test_a_plain_function_may_block_a_loop_when_asked(make: Any, error: type[Exception] | None) -> None:
    """With *on_loop* a plain function blocks the loop, as a slow one does in earnest."""
    clock = HandClock()

    async def step(_: object) -> None:
        if error is None:
            charge(1)
        else:
            with pytest.raises(error):
                charge(1)

    report = run(step, make(charge, "250ms", on_loop="block"), clock=clock)
    assert (report.iterations.ok, one(report).fired, clock.slept) == (1, 1, [0.25]), report.errors


@pytest.mark.parametrize("is_async", [False, True])
def test_a_time_out_comes_after_its_time(is_async: bool) -> None:
    """The caller waits, and then gets a time-out of the given type; the function does not run."""
    clock = HandClock()

    def step(_: object) -> None:
        with pytest.raises(TimeoutError, match="injected time-out"):
            charge(1)

    async def astep(_: object) -> None:
        with pytest.raises(TimeoutError, match="injected time-out"):
            await ship(1)

    injector = chaos_patch.timeout(ship if is_async else charge, "2s")
    report = run(astep if is_async else step, injector, clock=clock)
    assert (report.iterations.ok, clock.slept, LEDGER) == (1, [2.0], [])
    injector = chaos_patch.timeout(charge, 0, type="socket:timeout", args=["slow"])
    assert run(lambda _: charge(1), injector).errors[0].first.message == "slow"


def test_a_task_is_cancelled_where_it_calls() -> None:
    """A cancellation strikes at the call itself, and the function does not run."""

    async def step(_: object) -> None:
        with pytest.raises(asyncio.CancelledError):
            await ship(1)

    report = run(step, chaos_patch.cancel(ship))
    assert (report.iterations.ok, LEDGER, one(report).fired) == (1, [], 1), report.errors


def test_plain_code_runs_into_a_deadline() -> None:
    """Without a task, the first point after the deadline raises, and a patched function is a point."""

    def step(_: object) -> None:
        with pytest.raises(InjectedTimeout):
            charge(1)

    assert run(step, chaos_patch.cancel(charge)).iterations.ok == 1
    assert LEDGER == []


# -- corrupting


@pytest.mark.parametrize(
    ("how", "value"), [("none", None), ("empty", 7), ("bitflip", 6), (lambda value: value * 10, 70)], ids=str
)
def test_a_value_is_changed(how: Any, value: Any) -> None:
    """What a function returns is changed as asked, and one that cannot be is left alone and does not count."""
    got: list[Any] = []
    report = run(lambda _: got.append(charge(7)), chaos_patch.corrupt(charge, how))
    if how == "bitflip":
        assert (got[0] ^ 7).bit_count() == 1
    else:
        assert got == [value]
    assert one(report).fired == (0 if how == "empty" else 1)
    assert LEDGER == [7]


def test_generators_are_corrupted_value_by_value() -> None:
    """Each value that a generator yields may be struck by itself, plain or asynchronous."""
    got: list[list[Any]] = []

    def step(_: object) -> None:
        got.append(list(rows(40)))

    async def astep(_: object) -> None:
        got.append([each async for each in arows(40)])

    report = run(step, chaos_patch.corrupt(rows, probability=0.3), seed=7)
    run(astep, chaos_patch.corrupt(arows, probability=0.3), seed=7)
    assert got[0] == got[1]
    assert [each for each in got[0] if each is not None] == [i for i in range(40) if got[0][i] is not None]
    assert one(report).asked == 40
    assert 3 < one(report).fired == got[0].count(None) < 25


def test_a_generator_fails_when_it_is_exhausted() -> None:
    """A generator that has yielded everything may lose its reply at the end."""
    got: list[int] = []

    def step(_: object) -> None:
        with pytest.raises(InjectedError):
            got.extend(rows(3))

    assert run(step, chaos_patch.after(rows)).iterations.ok == 1
    assert got == [0, 1, 2]


# -- where, when, how often


def test_a_seed_decides_which_calls_are_struck() -> None:
    """The same seed strikes the same calls, whatever the workers, and another seed others."""

    def struck(seed: int, workers: int) -> set[tuple[int, int]]:
        def step(_: object) -> None:
            for number in range(5):
                with suppress(InjectedError):
                    charge(number)

        events = Events()
        scenario = Scenario("seeds").target(object()).step("step", step).repeat(10).workers(workers)
        scenario.inject("it", chaos_patch.error(charge, probability=0.3)).run(seed=seed, reporters=[events])
        return {(each.iteration, each.n) for each in events.fired}

    assert struck(1, 1) == struck(1, 4) != struck(2, 1)


def test_only_code_of_the_run_is_struck() -> None:
    """Other threads and contexts pass through while an injector is open; threads that a step starts are struck."""
    outcome: dict[str, Any] = {}

    def attempt(where: str) -> None:
        try:
            outcome[where] = charge(1)
        except InjectedError:
            outcome[where] = "struck"

    class Outside:
        def setup(self) -> None:
            self.go, self.over = threading.Event(), threading.Event()
            self.thread = threading.Thread(target=self.work)
            self.thread.start()

        def work(self) -> None:
            self.go.wait(10)
            attempt("thread from before")
            self.over.set()

        def teardown(self) -> None:
            self.thread.join()

    def step(target: Outside) -> None:
        attempt("step")
        thread = threading.Thread(target=attempt, args=["thread of the step"])
        thread.start()
        thread.join()
        Context().run(attempt, "empty context")
        target.go.set()
        target.over.wait(10)

    scenario = Scenario("scoped").target(Outside()).step("step", step).inject("it", chaos_patch.error(charge))
    scenario.run(seed=1)
    assert outcome == {
        "step": "struck",
        "thread of the step": "struck",
        "thread from before": 1,
        "empty context": 1,
    }


def test_the_framework_is_not_struck_between_steps() -> None:
    """A function that a run's own machinery awaits between steps is struck in the steps alone."""

    async def step(_: object) -> None:
        with pytest.raises(InjectedError):
            await asyncio.sleep(0)

    scenario = Scenario("sleep").target(object()).step("step", step).repeat(5).rate(1000)
    report = scenario.inject("it", chaos_patch.error("asyncio:sleep")).run(seed=1)
    assert (report.iterations.ok, one(report).asked) == (5, 5), report

    async def cancelled(_: object) -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)

    scenario = Scenario("sleep").target(object()).step("step", cancelled).repeat(5)
    report = scenario.inject("it", chaos_patch.cancel("asyncio:sleep")).run(seed=1)
    assert (report.iterations.ok, one(report).asked) == (5, 5), report


def test_two_runs_do_not_disturb_each_other() -> None:
    """Of two runs at once, each meets only its own injectors on one function, and the last to end restores it."""
    barrier = threading.Barrier(2, timeout=10)
    reports: dict[str, Report] = {}
    got: dict[str, list[Any]] = {"left": [], "right": []}

    def live(name: str, injector: Any) -> None:
        def step(_: object) -> None:
            barrier.wait()
            got[name].append(charge(1))
            barrier.wait()

        reports[name] = run(step, injector, repeat=5)

    ways = {"left": lambda value: "left", "right": lambda value: "right"}
    threads = [
        threading.Thread(target=live, args=(name, chaos_patch.corrupt(charge, way))) for name, way in ways.items()
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert got == {"left": ["left"] * 5, "right": ["right"] * 5}
    assert [one(report).asked for report in reports.values()] == [5, 5]


def test_several_injectors_on_one_function_all_act_in_order() -> None:
    """Injectors on one function are asked in the scenario's order, under whatever name each knows it."""
    got: list[Any] = []
    report = run(
        lambda _: got.append(charge(1)),
        chaos_patch.corrupt(charge, lambda value: [value, "first"]),
        chaos_patch.corrupt(f"{HERE}:charge", lambda value: [value, "second"]),
        chaos_patch.delay(charge, 0),
    )
    assert got == [[[1, "first"], "second"]]
    assert [each.fired for each in report.injections] == [1, 1, 1]


def test_a_composite_of_patches_acts_as_one() -> None:
    """Patches inside a composite strike together, and are put back together."""
    got: list[Any] = []
    parts = [chaos_patch.corrupt(charge, "none"), chaos_patch.delay(charge, 0)]
    report = run(lambda _: got.append(charge(1)), composite(parts))
    assert (got, one(report).fired) == ([None], 2)


def charge_and_point(_: object) -> None:
    charge(1)
    maybe_error()


def test_other_injectors_do_not_strike_at_patched_functions() -> None:
    """An injector of the core without a name to match does not strike inside a function that another one patched."""
    report = run(charge_and_point, error_at_points(probability=0), chaos_patch.delay(charge, 0))
    assert [each.asked for each in report.injections] == [1, 1]


def test_a_scope_does_not_hide_a_target() -> None:
    """A patch that belongs to a component strikes at its target, whatever that is called."""
    scenario = Scenario("scoped").target(object()).step("step", lambda _: charge(1))
    report = scenario.inject("it", chaos_patch.delay(charge, 0), scope="payments").run(seed=1)
    assert one(report).fired == 1


def test_a_window_by_iteration() -> None:
    """With a window the function is patched all the time, and struck in some iterations only."""
    scenario = Scenario("window").target(object()).step("step", lambda _: charge(1)).repeat(40)
    scenario = scenario.inject("it", chaos_patch.delay(charge, 0), window=window(probability=0.5))
    report = scenario.run(seed=1)
    assert 5 < (one(report).fired or 0) < 35


def test_a_glob_strikes_everywhere_and_says_what_nobody_called(module: Any) -> None:
    """The evidence of a glob names what it reached, and the functions that were never called."""
    home = module(
        "patched_globbed", "def one(): return 1\ndef two(): return 2\nclass C:\n    def three(self): return 3\n"
    )
    report = run(lambda _: (home.one(), home.C().three()), chaos_patch.delay("patched_globbed:*", 0))
    detail = one(report).detail
    assert (one(report).fired, detail["patched"], detail["names"]) == (2, 3, 2)
    assert detail["never called"] == ["patched_globbed:two"]
    assert detail["reached"]["patched_globbed:one"] == ["patched_globbed.one"]


def test_a_glob_does_not_answer_for_others(module: Any) -> None:
    """A glob leaves a function alone that it did not patch, though its name matches and another injector patched it."""
    home = module("patched_special", "class C:\n    def __init__(self): pass\n    def method(self): return 1\n")
    glob, special = chaos_patch.error("patched_special:C.*"), chaos_patch.delay("patched_special:C.__init__", 0)
    report = run(lambda _: home.C(), glob, special)
    assert [each.fired for each in report.injections] == [0, 1]


def test_a_patch_that_nobody_meets_is_visible() -> None:
    """A function that is never called makes the run unknown, with the reason."""
    report = run(lambda _: None, chaos_patch.error(charge))
    assert (report.verdict, one(report).asked, one(report).fired) == (Verdict.UNKNOWN, 0, 0)
    assert one(report).detail["never called"] == [f"{HERE}:charge"]
    assert "no step came to where it strikes" in report.reasons[0].text


def test_the_event_says_where(module: Any) -> None:
    """A fault that landed is told with the function's point, its file and line."""
    events = Events()
    run(lambda _: charge(1), chaos_patch.delay(charge, "1ms"), reporters=[events])
    [fired] = events.fired
    assert (fired.point, fired.fault) == (f"patch:{HERE}:charge", "delay")
    assert fired.where == f"{__file__}:{charge.__code__.co_firstlineno} in charge"
    assert fired.detail.startswith("1.000 ms")


# -- re-entrancy


def test_a_fault_that_calls_a_patched_function_does_not_recurse() -> None:
    """A user's function that calls the patched one by itself meets the original."""
    calls: list[Any] = []

    def redo(value: Any) -> Any:
        calls.append(value)
        return json.loads(json.dumps([value]))

    got: list[Any] = []
    report = run(lambda _: got.append(json.dumps({"a": 1})), chaos_patch.corrupt("json:dumps", redo))
    assert (len(calls), got, one(report).asked) == (1, [['{"a": 1}']], 1)


def test_an_error_that_logs_through_a_patched_function_does_not_recurse() -> None:
    """An exception whose constructor calls the patched function is raised once."""

    def step(_: object) -> None:
        with pytest.raises(Logging):
            json.dumps(1)

    report = run(step, chaos_patch.error("json:dumps", Logging, ["b"]))
    assert (report.iterations.ok, one(report).fired) == (1, 1), report.errors


class Logging(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(json.dumps({"text": text}))

    def __repr__(self) -> str:
        return json.dumps(self.args)


# -- functions in C


def test_a_function_in_c_is_struck_by_every_name(module: Any) -> None:
    """A function of the standard library in C is struck in the modules that imported it, and restored."""
    home = module("patched_uses_c", "from math import sqrt\ndef root(number): return sqrt(number)\n")
    import math

    before, got = math.sqrt, []
    report = run(lambda _: got.append((home.root(4), math.sqrt(9))), chaos_patch.corrupt("math:sqrt", "nan"))
    assert [str(each) for each in got] == ["(nan, nan)"]
    assert {"math:sqrt", "patched_uses_c.sqrt"} <= set(one(report).detail["reached"]["math:sqrt"])
    assert math.sqrt is home.sqrt is before


def test_a_conflict_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign patch that is still there when the injector is lifted is left alone, and the run says so."""
    code = charge.__code__

    def step(_: object) -> None:
        charge(1)
        charge.__code__ = foreign.__code__

    report = run(step, chaos_patch.delay(charge, 0))
    try:
        assert report.verdict is Verdict.FAIL
        assert "patched by somebody else in the meantime" in report.troubles[0].error.message
        assert charge.__code__ is foreign.__code__
    finally:
        charge.__code__ = code


def foreign(amount: int) -> int:
    return -amount


def test_signatures_are_true_during_a_run() -> None:
    """Frameworks that look at functions while they are patched see what they saw before."""
    seen: list[Any] = []

    def step(_: object) -> None:
        seen.extend((inspect.signature(ship), inspect.iscoroutinefunction(ship), inspect.isasyncgenfunction(arows)))

    before = inspect.signature(ship)
    run(step, chaos_patch.delay(ship, 0), chaos_patch.delay(arows, 0))
    assert seen == [before, True, True]


def test_prepared_targets_are_struck_as_others(module: Any) -> None:
    """What was prepared before the load keeps its trampoline through the run, until it is restored."""
    code = charge.__code__
    chaos_patch.prepare(charge, f"{HERE}:Service.*")
    prepared = charge.__code__
    report = run(lambda _: charge(1), chaos_patch.delay(charge, 0))
    assert one(report).fired == 1
    assert charge.__code__ is code  # its last hook has left, and here the code may change
    assert prepared is not code
    chaos_patch.restore()


def test_marks_survive() -> None:
    """An error that a patched function let out is known as injected, by name."""
    caught: list[BaseException] = []

    def step(_: object) -> None:
        try:
            charge(1)
        except InjectedError as error:
            caught.append(error)

    run(step, chaos_patch.error(charge))
    assert injected_by(caught[0]) == "fault 0"
    assert isinstance(Ended(0.0), Event)


# -- values


def wrong(value: Any) -> Any:
    """A value that no type checker would let pass."""
    return value


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: chaos_patch.error(charge, "NoSuchError"), "no builtin exception 'NoSuchError'"),
        (lambda: chaos_patch.error(charge, wrong(KeyboardInterrupt)), "not an Exception class"),
        (lambda: chaos_patch.error(charge, UnicodeDecodeError), "UnicodeDecodeError cannot be made with args"),
        (lambda: chaos_patch.error(charge, args=wrong(5)), "args must be a list of arguments, not 5"),
        (lambda: chaos_patch.error(charge, probability=2), "between 0 and 1"),
        (lambda: chaos_patch.error(charge, most=0), "most is a whole number from 1, not 0"),
        (lambda: chaos_patch.error(charge, unwrap=wrong("yes")), "unwrap is true or false, not 'yes'"),
        (lambda: chaos_patch.panic(charge, message=""), "message is text with something in it, not ''"),
        (lambda: chaos_patch.after(charge, "NoSuchError"), "no builtin exception"),
        (lambda: chaos_patch.delay(charge, "5 parsecs"), "5 parsecs"),
        (lambda: chaos_patch.delay(charge, "5ms", "1ms"), r"high \(0.001 s\) must not be below low \(0.005 s\)"),
        (lambda: chaos_patch.delay(charge, 1, on_loop=wrong("wait")), "on_loop is 'refuse' or 'block', not 'wait'"),
        (lambda: chaos_patch.timeout(charge, -1), "must be finite and not negative"),
        (lambda: chaos_patch.cancel(charge, "soon"), "soon"),
        (
            lambda: chaos_patch.corrupt(charge, wrong("melt")),
            "how is one of 'none', 'bitflip', .* or a function of the value, not",
        ),
    ],
)
def test_a_wrong_value_cannot_be_built(make: Callable[[], object], problem: str) -> None:
    """A value out of range is refused with what is expected."""
    with pytest.raises((ValueError, TypeError), match=problem):
        make()


@pytest.mark.parametrize("name", ["len", "isinstance", "min"])
@pytest.mark.parametrize("is_async", [False, True], ids=["thread", "task"])
def test_the_run_is_not_struck_by_its_own_faults(name: str, is_async: bool) -> None:
    """Builtins that the executor calls as well fail in the steps alone: each iteration is driven, judged and told."""
    import builtins

    def step(_: object) -> None:
        getattr(builtins, name)([1], list)

    async def astep(_: object) -> None:
        step(_)

    chaos = Scenario("own").target(object()).step("step", astep if is_async else step).thresholds("relaxed")
    report = chaos.inject("it", chaos_patch.error(f"builtins:{name}")).repeat(20).run(seed=1)
    assert (report.iterations.faulted, report.injections[0].fired, report.troubles) == (20, 20, ())


def test_an_injector_says_what_it_would_strike() -> None:
    """The functions that its target stands for now, by name."""
    assert chaos_patch.error(f"{HERE}:*arge").finds() == (f"{HERE}:Service.charge", f"{HERE}:charge")
    assert chaos_patch.error(Service.charge).finds() == (f"{HERE}:Service.charge",)
