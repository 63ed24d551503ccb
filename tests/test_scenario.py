"""The scenario: built up call by call, every call a new one, and no wrong one."""

import asyncio
import inspect
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import attrs
import pytest

from chaoscore.errors import BlockingCallError, DuplicateNameError, InvalidScenarioError, ScenarioError
from chaoscore.events import RunStarted
from chaoscore.injectors import composite, delay, error, panic
from chaoscore.points import maybe_delay, maybe_error, maybe_panic
from chaoscore.protocols import Undo
from chaoscore.reporters import json
from chaoscore.scenario import Scenario
from chaoscore.spec import Spec, window
from chaoscore.validators import all_of, any_of, recursion_depth, thread_limit
from chaoscore.verdict import PRESETS, Verdict
from tests.runs import SteppedClock, Target, finish


def step(target: Any) -> None:
    """A step that reaches points."""
    maybe_delay()
    maybe_panic()


class Shelf:
    """A provider of nothing."""

    kind: ClassVar[str] = "shelf"
    undo: Undo = Undo.KERNEL

    def open(self, site: Any) -> Any:
        """Return what gives nothing."""
        return nullcontext()


class Unsaid(Shelf):
    """It does not say how it is undone."""

    undo = "by hand"  # type: ignore[assignment]


@pytest.fixture
def orders() -> Scenario:
    return Scenario("orders").target(Target()).step("buy", step)


# -- building

Build = Callable[[Scenario], Scenario]
BUILDERS: dict[str, tuple[Build, Callable[[Scenario], Any], Any]] = {
    "target": (lambda s: s.target(5), lambda s: s.subject, 5),
    "step": (lambda s: s.step("pay", step, limit="5s"), lambda s: s.step_list[-1].limit_s, 5.0),
    "repeat": (lambda s: s.repeat(7), lambda s: s.workload.repeat, 7),
    "run_for": (lambda s: s.run_for("1m"), lambda s: s.workload.run_for_s, 60.0),
    "workers": (lambda s: s.workers(3), lambda s: s.workload.workers, 3),
    "rate": (lambda s: s.rate(2.5), lambda s: s.workload.rate, 2.5),
    "provide": (lambda s: s.provide("shop", Shelf()), lambda s: s.provisions[-1].name, "shop"),
    "inject": (lambda s: s.inject("slow", delay(1)), lambda s: s.injections[-1].name, "slow"),
    "inject in scope": (lambda s: s.inject("slow", delay(1), scope="db"), lambda s: s.injections[-1].name, "db.slow"),
    "inject in window": (
        lambda s: s.inject("slow", delay(1), window=window("5s")), lambda s: s.injections[-1].window.start_s, 5.0
    ),
    "scope": (lambda s: s.scope("d", {"a": delay(1), "b": error()}), lambda s: s.injections[-1].name, "d.b"),
    "expect": (lambda s: s.expect("threads", thread_limit(5)), lambda s: s.expectations[-1].name, "threads"),
    "thresholds": (lambda s: s.thresholds("strict"), lambda s: s.goals, PRESETS["strict"]),
    "continue_on_failure": (lambda s: s.continue_on_failure(), lambda s: s.fail_fast, False),
    "limit": (lambda s: s.limit(step="5s"), lambda s: (s.limits.step_s, s.limits.hook_s), (5.0, 60.0)),
    "seed": (lambda s: s.seed(5), lambda s: s.fixed_seed, 5),
    "allow": (lambda s: s.allow("10.1.0.0/16"), lambda s: s.allowed, ("10.1.0.0/16",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILDERS)
def test_every_call_is_a_new_one(orders: Scenario, name: str) -> None:
    """A builder call returns a new scenario with the change, and the old one stays as it was."""
    build, read, expected = BUILDERS[name]
    before = attrs.asdict(orders, recurse=False)
    changed = build(orders)
    assert type(changed) is Scenario
    assert changed is not orders
    assert read(changed) == expected
    assert attrs.asdict(orders, recurse=False) == before


def test_every_builder_is_tried() -> None:
    """No builder call is missing above."""
    public = {name for name, _ in inspect.getmembers(Scenario, inspect.isfunction) if not name.startswith("_")}
    inherited = {name for name, _ in inspect.getmembers(Spec, inspect.isfunction)}
    assert public - inherited - {"run", "arun", "check"} == {name.split()[0] for name in BUILDERS}


def test_frozen(orders: Scenario) -> None:
    """A scenario cannot be changed, and gets no attributes of its own."""
    for name in ("name", "workload", "other"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(orders, name, 5)


def test_calls_add_up(orders: Scenario) -> None:
    """Calls that set one thing leave what others set, in any order."""
    built = orders.repeat(5).workers(2).run_for("1m").rate(3).workers(4)
    assert built.workload.describe() == "5 iterations, at most 60 s, 4 workers, 3 per second"
    assert orders.limit(step="5s").limit(hook="2s").limits.step_s == 5.0
    assert orders.continue_on_failure().continue_on_failure(False).fail_fast


def test_branches(orders: Scenario) -> None:
    """Two scenarios built from one do not see each other's parts."""
    slow, broken = orders.inject("it", delay(0)), orders.inject("it", error())
    assert [each.injections[0].injector.kind for each in (slow, broken)] == ["delay", "error"]


def test_function_as_validator(orders: Scenario) -> None:
    """A function of the target stands for a check of its state."""
    assert orders.expect("state", lambda target: True).expectations[0].validator.kind == "state_consistency"


def test_subclass() -> None:
    """Builder calls on a subclass give the subclass."""

    class Mine(Scenario):
        """Somebody's own kind of scenario."""

    assert type(Mine("x").repeat(5)) is Mine


# -- what is wrong


@pytest.mark.parametrize(
    ("build", "place", "text"),
    [
        (lambda s: s.target(None), "target", "None is not a target; pass an object"),
        (lambda s: s.target(type("Shop", (), {"tearDown": print})()), "target", "rename it to 'teardown'"),
        (lambda s: s.step("buy", print), "step 'buy'", "there are two steps named 'buy'; give each its own name"),
        (lambda s: s.step("", print), "step ''", "its name is ''; give it a short printable name"),
        (lambda s: s.step(None, print), "step None", "its name is None"),
        (lambda s: s.step("pay", 5), "step 'pay'", "5 cannot be called; pass a function that takes the target"),
        (lambda s: s.step("pay", print, limit="soon"), "step 'pay'", "'soon' is not a duration"),
        (lambda s: s.step("pay", print, limit=0), "step 'pay'", "limit must be more than 0"),
        (lambda s: s.repeat(0), "workload", "repeat must be 1 or more, not 0; mend the value"),
        (lambda s: s.repeat("5"), "workload", "repeat must be a whole number"),
        (lambda s: s.run_for("60"), "workload", "did you mean '60s'?"),
        (lambda s: s.workers(-1), "workload", "workers must be 1 or more, not -1"),
        (lambda s: s.rate(0), "workload", "rate must be finite and more than 0"),
        (lambda s: s.inject("slow", delay), "injector 'slow'", "is not an injector; pass an injector value"),
        (lambda s: s.inject("", delay(1)), "injector ''", "its name is ''"),
        (lambda s: s.inject("", delay(1), scope="db"), "injector ''", "its name is ''"),
        (lambda s: s.inject("a", delay(1), scope=""), "injector 'a'", "its scope is ''"),
        (lambda s: s.inject("a", delay(1), scope="a.b"), "injector 'a'", "use what stands before the first dot: 'a'"),
        (lambda s: s.inject("a", delay(1), window="5s"), "injector 'a'", "'5s' is not a window; pass window(...)"),
        (lambda s: s.inject("a", delay(1)).inject("a", error()), "injector 'a'", "two injectors named 'a'"),
        (lambda s: s.inject("d.a", delay(1)).inject("a", error(), scope="d"), "injector 'a'", "injectors named 'd.a'"),
        (lambda s: s.provide("shelf", Shelf), "provider 'shelf'", "is not a provider; pass a value with `kind`"),
        (lambda s: s.provide("shelf", delay(1)), "provider 'shelf'", "is an injector, not a provider; add it with"),
        (lambda s: s.provide("shelf", Unsaid()), "provider 'shelf'", "does not say how it is undone"),
        (lambda s: s.provide("a b", Shelf()), "provider 'a b'", "give it a name that a parameter of `setup` can have"),
        (lambda s: s.provide("a", Shelf()).provide("a", Shelf()), "provider 'a'", "two providers named 'a'"),
        (lambda s: s.scope("db", delay(1)), "scope 'db'", "is no mapping; pass a dict from names to injectors"),
        (lambda s: s.scope("db", {"a": 5}), "injector 'a'", "5 is not an injector"),
        (lambda s: s.expect("a", 5), "validator 'a'", "5 is not a validator"),
        (lambda s: s.expect("", thread_limit(5)), "validator ''", "its name is ''"),
        (lambda s: s.expect("a", thread_limit(5)).expect("a", recursion_depth(5)), "validator 'a'", "two validators"),
        (lambda s: s.thresholds("lax"), "thresholds", "no thresholds preset 'lax'; have strict, default, relaxed"),
        (lambda s: s.thresholds(max_p99="fast"), "thresholds", "'fast' is not a duration"),
        (lambda s: s.thresholds(min_success_rate=95), "thresholds", "a probability lies between 0 and 1"),
        (lambda s: s.thresholds(max_failed_iterations=-1), "thresholds", "max_failed_iterations must be 0 or more"),
        (lambda s: s.thresholds(required=["a"], warning=["a"]), "thresholds", "a cannot be both required and warning"),
        (lambda s: s.limit(step=0), "limits", "step must be more than 0"),
        (lambda s: s.limit(share="150%"), "limits", "between 0 and 1"),
        (lambda s: s.seed("42"), "seed", "'42' is not a whole number; pass an int"),
        (lambda s: s.seed(True), "seed", "True is not a whole number"),
        (lambda s: s.run(seed=1.5), "seed", "1.5 is not a whole number"),
        (lambda s: s.repeat(5).run(only_iteration=5), "only_iteration", "no iteration 5; they are numbered from 0 to"),
        (lambda s: s.run(only_iteration=-1), "only_iteration", "no iteration -1; they are numbered from 0 to 0"),
        (lambda s: s.run_for(1).run(only_iteration=-1), "only_iteration", "they are numbered from 0"),
        (lambda s: s.run(only_iteration="1"), "only_iteration", "'1' is not a whole number"),
    ],
)  # fmt: skip
def test_refused(orders: Scenario, build: Callable[[Any], Any], place: str, text: str) -> None:
    """A wrong value is refused where it is given: the error names scenario, place and remedy."""
    with pytest.raises(ScenarioError, match=re.escape(text)) as caught:
        build(orders)
    assert caught.value.where == f"scenario 'orders', {place}"
    assert str(caught.value).startswith(f"scenario 'orders', {place}: ")
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["", "a\nb", None, 5])
def test_name_refused(name: Any) -> None:
    """A scenario needs a name that reports can show."""
    with pytest.raises(ScenarioError, match=r"scenario: its name is .*; give it a short printable name"):
        Scenario(name)


def test_duplicates_are_told_apart(orders: Scenario) -> None:
    """A duplicate name has an error type of its own, which says what there are two of."""
    with pytest.raises(DuplicateNameError) as caught:
        orders.step("buy", print)
    assert (caught.value.what, caught.value.name) == ("step", "buy")


def test_one_name_for_different_things(orders: Scenario) -> None:
    """A step, an injector and a validator may have the same name."""
    built = orders.inject("buy", delay(0)).expect("buy", thread_limit(500))
    assert built.check() is built


class Opener:
    """An injector that is opened and never asked."""

    kind: ClassVar[str] = "opener"
    undo = Undo.KERNEL

    def open(self, site: Any) -> Any:
        """Not reached."""


@pytest.mark.parametrize("injector", [Opener(), composite([Opener()])])
def test_share_of_what_is_not_asked(orders: Scenario, injector: Any) -> None:
    """An injector that points do not ask cannot be active by iteration, and the error says what to give instead."""
    with pytest.raises(ScenarioError, match="cannot be active by iteration; give its window every= and for_="):
        orders.inject("a", injector, window=window(probability=0.5))
    built = orders.inject("a", injector, window=window(every=2, for_=1, probability=0.5))
    assert built.injections[0].window.probability == 0.5


def test_everything_at_once() -> None:
    """A scenario that cannot be run says all that is wrong with it, and nothing of it is run."""
    trial = (
        Scenario("empty").inject("slow", delay(1, at="before:buy")).thresholds(required=["threds"], warning=["depth"])
    )
    trial = trial.expect("threads", thread_limit(5))
    with pytest.raises(InvalidScenarioError) as caught:
        trial.run()
    assert [problem.where for problem in caught.value.problems] == [
        *["scenario 'empty'"] * 4,
        "scenario 'empty', injector 'slow'",
    ]
    for text in (
        "5 problem(s)",
        "it has no target; add .target(...)",
        "it has no step; add .step(name, callable)",
        "thresholds name the expectation 'threds', which it does not have (did you mean 'threads'?)",
        "add .expect('depth', ...) or drop the name",
        "it strikes at 'before:buy', and there is no such step",
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("reporters", "problem"),
    [
        ("console", "'console' is not a list"),
        (json("-"), "is not a list"),
        ([json], "is not a reporter"),
        (["console"], "'console' is not a reporter"),
        ([object()], "is not a reporter"),
    ],
)
def test_what_is_no_reporter_is_refused(reporters: Any, problem: str) -> None:
    """Something that could show nothing is an error before the run, not a run that shows nothing."""
    with pytest.raises(ScenarioError, match=problem) as caught:
        Scenario("x").target(5).step("a", print).run(reporters=reporters)
    assert caught.value.where == "scenario 'x', reporters"


class Judging:
    def __call__(self, target: list[int]) -> bool:
        return len(target) < 2


@pytest.mark.parametrize("judge", [Judging(), partial(lambda most, target: len(target) < most, 2)])
@pytest.mark.parametrize("join", [lambda judge: judge, all_of, any_of])
@pytest.mark.parametrize(("target", "verdict"), [([1], "pass"), ([1, 2], "fail")])
def test_whatever_can_be_called_is_a_validator(
    judge: Any, join: Callable[[Any], Any], target: list[int], verdict: str
) -> None:
    """An object that can be called, or a partial function, judges the target as a function does."""
    scenario = Scenario("x").target(target).step("a", len).expect("few", join(judge))
    assert scenario.run().verdict == verdict


def test_one_iteration_is_reproduced_alone() -> None:
    """A run of one iteration that failed names that iteration in the call that reproduces it, and no other call."""
    failing = Scenario("x").target(0).step("a", lambda zero: 1 / zero).repeat(5)
    report = failing.run(seed=7, only_iteration=3)
    assert (report.reproduce, report.reproduce_alone) == ("scenario.run(seed=7, only_iteration=3)", None)


def test_arun_refuses_as_run_does() -> None:
    """The async form refuses what the plain one does."""
    with pytest.raises(InvalidScenarioError):
        asyncio.run(Scenario("empty").arun())
    complete = Scenario("x").target(5).step("a", print).repeat(2)
    with pytest.raises(ScenarioError, match="there is no iteration 2"):
        asyncio.run(complete.arun(only_iteration=2))


# -- running


def test_the_example_of_the_issue() -> None:
    """The quick start builds, runs, and finds that every fault landed."""
    from chaoscore.validators import no_infinite_loop

    engine: list[int] = []

    def execute(target: Any) -> None:
        maybe_panic()
        maybe_delay()
        target.append(1)

    report = (
        Scenario("reliability-test")
        .target(engine)
        .step("execute", execute)
        .inject("delay", delay("5us", "25us"))
        .inject("panic", panic(probability=0.05))
        .expect("threads", thread_limit(200))
        .expect("depth", recursion_depth(100))
        .expect("no-loop", no_infinite_loop("5s"))
        .repeat(100)
        .run(seed=42)
    )
    assert report.iterations.ok == len(engine) == 100 - report.iterations.faulted
    assert 0 < report.iterations.faulted < 15
    assert [each.fired for each in report.injections] == [report.iterations.ok, report.iterations.faulted]
    assert report.seed == 42


def test_a_scenario_runs_many_times(orders: Scenario) -> None:
    """One scenario runs as often as one likes; nothing of an earlier run is left in it."""
    trial = orders.inject("slow", delay(0, probability=0.5)).repeat(20)
    before = attrs.asdict(trial, recurse=False)
    first, second = finish(trial, seed=1), finish(trial, seed=1)
    assert first.faults == second.faults
    assert first.report.run_id != second.report.run_id
    assert attrs.asdict(trial, recurse=False) == before


def test_seeds(orders: Scenario) -> None:
    """The call's seed comes before the scenario's, also where it is 0; without any, each run has a new one."""
    assert orders.seed(5).run().seed == 5
    assert orders.seed(5).run(seed=0).seed == 0
    assert len({orders.run().seed for _ in range(3)}) == 3


def test_reproduce_command(orders: Scenario) -> None:
    """A run says how it is run again, whole and one iteration alone."""
    (started,) = finish(orders, seed=7).of(RunStarted)
    assert started.rerun == "scenario.run(seed=7)"
    assert started.rerun_one == "scenario.run(seed=7, only_iteration={iteration})"


def test_one_iteration_of_a_timed_run(orders: Scenario) -> None:
    """Of a run that is bounded by time, any iteration can be run alone, and only that one."""
    trial = orders.inject("it", error(probability=0.5), window=window(probability=0.5)).run_for("1h")
    run = finish(trial, only_iteration=10**6)
    assert run.report.iterations.judged == 1


def test_run_for_and_repeat(orders: Scenario) -> None:
    """With both bounds, whichever comes first ends the run."""
    clock = SteppedClock()
    ticking = Scenario("x").target(5).step("tick", lambda target: clock.step(1))
    assert finish(ticking.repeat(5).run_for("1h"), clock=clock).report.iterations.ok == 5
    assert finish(ticking.repeat(10**9).run_for("7s"), clock=clock).report.iterations.ok == 7


def test_fail_fast_and_continue(orders: Scenario) -> None:
    """By default a run stops at the first real failure, never at an injected fault; told to, it goes on."""

    def fails(target: Any) -> None:
        maybe_error()
        raise KeyError("bug")

    real = Scenario("x").target(5).step("fails", fails).repeat(20)
    assert finish(real).report.iterations.judged == 1
    assert finish(real.continue_on_failure()).report.iterations.failed == 20
    assert finish(real.inject("it", error())).report.iterations.faulted == 20


def test_in_a_thread(orders: Scenario) -> None:
    """A scenario runs off the main thread as well."""
    reports: list[Any] = []
    thread = threading.Thread(target=lambda: reports.append(orders.run()))
    thread.start()
    thread.join()
    assert reports[0].iterations.ok == 1


def test_inside_a_loop(orders: Scenario) -> None:
    """Inside a running loop the plain form is refused and names the async one, which works."""

    async def main() -> Any:
        with pytest.raises(BlockingCallError, match=re.escape("write `await scenario.arun()` here")):
            orders.run()
        return await orders.arun(seed=3)

    report = asyncio.run(main())
    assert (report.iterations.ok, report.seed) == (1, 3)


def test_verdicts(orders: Scenario) -> None:
    """A clean run passes; one in which the configured fault never lands is not green."""
    assert finish(orders).report.verdict is Verdict.PASS
    assert finish(orders.inject("it", delay(0))).report.verdict is Verdict.PASS
    assert finish(orders.inject("it", error())).report.verdict is Verdict.UNKNOWN


def test_same_parameters() -> None:
    """`run` and `arun` take the same."""
    assert list(inspect.signature(Scenario.run).parameters) == list(inspect.signature(Scenario.arun).parameters)


# -- what is provided


class Takes:
    """A target whose setup takes something."""

    def setup(self, shelf: object, other: object = None, *more: object, **rest: object) -> None: ...


class Strikes(Shelf):
    """An injector that strikes in what is provided."""

    kind: ClassVar[str] = "strikes"
    undo: Undo = Undo.PROVIDED


def test_a_setup_that_takes_what_nothing_provides_is_a_problem() -> None:
    """What a setup needs is provided before the run, or the scenario says that it is missing, and what there is."""
    scenario = Scenario("orders").target(Takes()).step("buy", step).provide("shelv", Shelf())
    [problem] = scenario.problems()
    assert str(problem) == (
        "scenario 'orders', target: its setup takes 'shelf', which nothing provides (did you mean 'shelv'?); "
        "add .provide('shelf', ...) or give it a default"
    )
    assert scenario.provide("shelf", Shelf()).problems() == []


def test_a_fault_in_nothing_provided_is_a_problem(orders: Scenario) -> None:
    """An injector that strikes in what is provided needs a scenario that provides something."""
    scenario = orders.inject("cut", Strikes())
    assert "strikes in what a scenario provides, and this one provides nothing" in str(scenario.problems()[0])
    assert scenario.provide("shelf", Shelf()).problems() == []


def test_a_setup_without_a_signature_takes_nothing() -> None:
    """A setup that does not say what it takes is no problem, and gets nothing."""
    target = type("Builtin", (), {"setup": dict.fromkeys})()
    assert Scenario("orders").target(target).step("buy", step).problems() == []
