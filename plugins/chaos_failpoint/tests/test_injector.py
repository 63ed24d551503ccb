"""Failpoints in scenarios: what strikes in a run, what is recorded of it, and what stays untouched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from typing import Any, ClassVar

import pytest

from chaos_failpoint import Failpoint, armed, failpoint, failpoints, registry
from chaoscore import (
    Fired,
    Injector,
    Lifted,
    Outcome,
    Recorded,
    Scenario,
    ScenarioError,
    StepEnded,
    Verdict,
    window,
)
from chaoscore.testing import FakeClock, Recording, check_injector, run_once

Identity = tuple[str, str, int, tuple[int, ...], int, str]


def value(fp: Failpoint, **tags: Any) -> object:
    returned = fp.hit(**tags)
    return None if returned is None else returned.value


def identities(recording: Recording) -> list[Identity]:
    """What struck, without the order in which it did and the worker that it hit."""
    return sorted((e.injector, e.point, e.iteration, e.path, e.n, e.detail) for e in recording.of(Fired))


def lifted(recording: Recording) -> Lifted:
    (event,) = recording.of(Lifted)
    return event


# -- what strikes


def test_strikes_in_its_run(fp: Failpoint) -> None:
    """A scenario strikes in its own steps, each fault is an event with its identity, and then it is over."""
    recording = run_once(lambda _: value(fp), inject=failpoints("db.*", "2*raise(OSError, 'gone')"), repeat=5)
    assert [each.outcome for each in recording.of(StepEnded)] == [Outcome.FAULTED] * 2 + [Outcome.OK] * 3
    fired = recording.of(Fired)
    assert [(e.injector, e.fault, e.point, e.iteration, e.path, e.n) for e in fired] == [
        ("it", "failpoint.raise", "db.commit", 0, (), 0),
        ("it", "failpoint.raise", "db.commit", 1, (), 0),
    ]
    assert fired[0].detail == '2*raise(OSError, "gone")'
    assert "test_injector.py" in fired[0].where
    assert not fp.armed


def test_values_reach_the_step(fp: Failpoint) -> None:
    """What a term returns, or makes of a value, reaches the code of the step; plain and async."""
    seen: list[object] = []

    def step(target: object) -> None:
        seen.extend([value(fp), fp.value("x"), fp.value("y")])

    async def astep(target: object) -> None:
        returned = await fp.ahit()
        seen.extend([returned and returned.value, await fp.avalue("x"), await fp.avalue("y")])

    for each in (step, astep):
        run_once(each, inject=failpoints("db.commit", "2*return(5)->1*corrupt(empty)"))
    assert seen == [5, 5, ""] * 2


def test_panic_is_known_as_injected(fp: Failpoint) -> None:
    """A panic that comes out of a step is a fault, not a real failure."""
    recording = run_once(lambda _: value(fp), inject=failpoints("*", "panic"))
    (ended,) = recording.of(StepEnded)
    assert ended.outcome is Outcome.FAULTED
    assert ended.error is not None
    assert ended.error.injected_by == "it"


def test_cancel_in_a_run(fp: Failpoint) -> None:
    """A cancellation in an async step is a fault as well."""

    async def step(target: object) -> None:
        await fp.ahit()

    for terms in ("cancel", "cancel('in words of its own')"):
        (ended,) = run_once(step, inject=failpoints("*", terms)).of(StepEnded)
        assert ended.outcome is Outcome.FAULTED


def test_sleeps_on_the_clock_of_the_run(fp: Failpoint) -> None:
    """A sleep takes the time of the run's clock."""
    clock = FakeClock()

    async def astep(target: object) -> None:
        await fp.ahit()

    run_once(lambda _: value(fp), inject=failpoints("*", "sleep(3s)"), clock=clock)
    run_once(astep, inject=failpoints("*", "sleep(4s)"), clock=clock)
    assert [each for each in clock.slept if each in (3.0, 4.0)] == [3.0, 4.0]


def test_plain_code_on_a_loop(fp: Failpoint) -> None:
    """Plain code that would block the loop of an async step is refused, which is no injected fault."""

    async def step(target: object) -> None:
        fp.hit()

    recording = run_once(step, inject=failpoints("*", "sleep(1h)"))
    (ended,) = recording.of(StepEnded)
    assert ended.outcome is Outcome.FAILED
    assert ended.error is not None
    assert "await Failpoint.ahit()" in ended.error.message
    assert recording.of(Fired) == []


@pytest.mark.parametrize("counts", ["window", "task"])
def test_counts(fp: Failpoint, counts: Any) -> None:
    """A count is that of the whole window, or that of each task alone."""
    seen: list[object] = []
    run_once(
        lambda _: seen.append([value(fp), value(fp)]), inject=failpoints("*", "1*return(5)", counts=counts), repeat=3
    )
    again = [None, None] if counts == "window" else [5, None]
    assert seen == [[5, None], again, again]


def test_filters(fp: Failpoint) -> None:
    """Terms can ask for the scenario, the worker, the thread, the task, the caller and tags of one's own."""
    seen: dict[str, object] = {}

    def step(target: object) -> None:
        for wanted in ("scenario=by *", "scenario=other", "worker=0", "worker=1", "tenant=acme", "thread=*-0", "pid 1"):
            with armed("db.commit", f"return(1)[{wanted}]"):
                seen[wanted] = value(fp, tenant="acme")

    def filtered(target: object) -> None:
        seen["in a run"] = [value(fp, tenant=each) for each in ("acme", "other")]

    run_once(step)
    run_once(filtered, inject=failpoints("*", "return(1)[tenant=a*][scenario=by hand][caller=*:value][worker 0]"))
    assert seen == {
        "scenario=by *": None,  # only an injector knows its scenario
        "scenario=other": None,
        "worker=0": 1,
        "worker=1": None,
        "tenant=acme": 1,
        "thread=*-0": 1,
        "pid 1": None,
        "in a run": [1, None],
    }


def test_filter_by_task(fp: Failpoint) -> None:
    """In tasks, terms can ask for the name of the task; in plain code there is none."""

    async def hit() -> object:
        returned = await fp.ahit()
        return returned and returned.value

    async def use() -> list[object]:
        return [await asyncio.create_task(hit(), name=name) for name in ("pay-1", "read-1")]

    with armed("db.commit", "1*off[task=pay-2]->return(1)[task=pay-*]"):
        assert asyncio.run(use()) == [1, None]
        assert fp.hit() is None


def test_component(fp: Failpoint) -> None:
    """An injector of a component strikes only at failpoints of that component, and of none."""
    other, plain = failpoint("api.call"), failpoint("plain")
    seen: list[object] = []
    scenario = Scenario("scoped").target(object()).step("step", lambda _: seen.extend(map(value, (fp, other, plain))))
    scenario.inject("it", failpoints("*", "return(1)"), scope="db").run()
    assert seen == [1, None, 1]


def test_several_injectors(fp: Failpoint) -> None:
    """Several injectors at one failpoint are asked one after the other; their faults are told apart."""
    scenario = Scenario("two").target(object()).step("step", lambda _: [value(fp) for _ in range(50)])
    scenario = scenario.inject("a", failpoints("*", "10%yield")).inject("b", failpoints("db.*", "20%yield"))
    report = scenario.repeat(20).run(seed=1)
    fired = {each.info.name: each.fired or 0 for each in report.injections}
    assert 60 < fired["a"] < 140
    assert 140 < fired["b"] < 260
    assert {each.info.name: each.asked for each in report.injections} == {"a": 1000, "b": 1000}


def test_declared_while_it_is_open() -> None:
    """A failpoint that is declared while the window is open is armed as well."""
    seen: list[object] = []
    run_once(
        lambda _: seen.append(value(failpoint("late.one"))),
        inject=failpoints("late.*", "return(5)", lazy=True),
        repeat=2,
    )
    assert seen == [5, 5]


def test_declared_too_late(fp: Failpoint) -> None:
    """A failpoint whose declaration is under way when the window closes does not stay armed."""
    seen: list[object] = []
    run_once(lambda _: seen.extend(registry.watchers), inject=failpoints("*", "panic"))
    (arm,) = seen
    arm(failpoint("too late"))  # type: ignore[operator]  # as a thread does that is in the middle of declaring it
    assert not registry.HANDLES["too late"].armed


def test_window(fp: Failpoint) -> None:
    """Before its window begins, nothing is armed."""
    seen: list[bool] = []
    scenario = Scenario("window").target(object()).step("step", lambda _: seen.append(fp.armed))
    scenario.inject("it", failpoints("*", "off"), window=window("1h")).run()
    assert seen == [False]


# -- determinism


def tasks(fp: Failpoint, hits: int = 20) -> Callable[[object], None]:
    """A step that hits in itself, in threads and in jobs of a pool."""

    def hit() -> None:
        for _ in range(hits):
            fp.hit()

    def step(target: object) -> None:
        hit()
        started = [threading.Thread(target=hit) for _ in range(3)]
        for each in started:
            each.start()
        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(hit) for _ in range(3)]:
                job.result()
        for each in started:
            each.join()

    return step


@pytest.mark.parametrize("terms", ["7%yield", "3+20%yield->5%off", "2*yield", "50%2*yield"])
def test_the_same_seed_strikes_at_the_same_places(fp: Failpoint, terms: str) -> None:
    """With one seed, the same faults strike at the same hits of the same tasks, whatever the threads do."""

    def run(seed: int) -> list[Identity]:
        injector = failpoints("*", terms, counts="task")
        return identities(run_once(tasks(fp), inject=injector, repeat=12, workers=4, seed=seed))

    first = run(1)
    assert first == run(1)
    assert "%" not in terms or first != run(2)
    assert len({each[3] for each in first}) > 3


def test_one_iteration_alone(fp: Failpoint) -> None:
    """One iteration that is run alone has the faults that it had among all."""
    scenario = (
        Scenario("s").target(object()).step("step", tasks(fp)).inject("it", failpoints("*", "10%yield")).repeat(9)
    )

    def struck(**how: Any) -> list[tuple[tuple[int, ...], int]]:
        reporter = Collect()
        scenario.workers(3).run(seed=5, reporters=[reporter], **how)
        return sorted((e.path, e.n) for e in reporter.events if isinstance(e, Fired) and e.iteration == 4)

    assert struck() == struck(only_iteration=4) != []


class Collect:
    """A reporter that keeps all events."""

    kind: ClassVar[str] = "collect"

    def __init__(self) -> None:
        self.events: list[object] = []

    def follow(self, events: Sequence[object]) -> None:
        self.events += events


def test_a_key_decides_alone(fp: Failpoint) -> None:
    """With a key, what strikes depends on it and on nothing else: not on the order, the task or the iteration."""

    def struck(order: Sequence[int]) -> set[int]:
        found: set[int] = set()
        keys = iter(order)

        def step(target: object) -> None:
            for _ in range(10):
                key = next(keys)
                if value(fp, key=key):
                    found.add(key)

        run_once(step, inject=failpoints("*", "20%return(1)"), repeat=10, seed=3)
        return found

    first = struck(range(100))
    assert first == struck(range(99, -1, -1))
    assert 8 < len(first) < 35


def test_probabilities_of_failpoints_are_independent() -> None:
    """Two failpoints of one injector are not struck together."""
    one, two = failpoint("one"), failpoint("two")
    both: list[tuple[object, object]] = []
    run_once(lambda _: both.append((value(one), value(two))), inject=failpoints("*", "30%return(1)"), repeat=400)
    together = sum(pair == (1, 1) for pair in both) / 400
    assert 0.04 < together < 0.15


def test_share_of_faults(fp: Failpoint) -> None:
    """The share of hits that are struck is the probability, over iterations and tasks."""
    recording = run_once(tasks(fp, 30), inject=failpoints("*", "10%yield"), repeat=20, workers=2)
    hits = 20 * 7 * 30
    assert lifted(recording).asked == hits
    assert 0.08 * hits < len(recording.of(Fired)) < 0.12 * hits


# -- isolation


def test_runs_beside_each_other(fp: Failpoint) -> None:
    """Two runs at the same time arm one failpoint differently, and neither notices the other."""
    seen: dict[str, list[object]] = {"a": [], "b": [], "c": []}
    together = threading.Barrier(3)

    def run(name: str, injector: Injector | None) -> None:
        def step(target: object) -> None:
            together.wait()
            seen[name].extend(value(fp) for _ in range(20))
            together.wait()

        run_once(step, inject=injector, repeat=5)

    threads = [
        threading.Thread(target=run, args=("a", failpoints("*", "return(1)"))),
        threading.Thread(target=run, args=("b", failpoints("*", "return(2)"))),
        threading.Thread(target=run, args=("c", None)),
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {name: set(each) for name, each in seen.items()} == {"a": {1}, "b": {2}, "c": {None}}
    assert {len(each) for each in seen.values()} == {100}


@pytest.mark.parametrize("everywhere", [False, True])
def test_code_outside_of_the_run(fp: Failpoint, everywhere: bool) -> None:
    """Code that belongs to no run is struck only on request; then each fault is an event as well."""
    seen: list[object] = []

    class Server:
        """Has a thread of its own, which was there before the run."""

        def __init__(self) -> None:
            self.asked, self.answered, self.over = threading.Event(), threading.Event(), False
            self.thread = threading.Thread(target=self.serve)
            self.thread.start()

        def serve(self) -> None:
            while self.asked.wait() and not self.over:
                self.asked.clear()
                seen.append(value(fp))
                self.answered.set()

        def ask(self) -> None:
            self.answered.clear()
            self.asked.set()
            self.answered.wait()

        def close(self) -> None:
            self.over = True
            self.asked.set()
            self.thread.join()

    server = Server()
    try:
        injector = failpoints("*", "3*return(5)", everywhere=everywhere)
        recording = run_once(Server.ask, target=server, inject=injector, repeat=5)
    finally:
        server.close()
    assert seen == ([5, 5, 5, None, None] if everywhere else [None] * 5)
    struck = [(e.fault, e.point, e.where, e.n, e.detail) for e in recording.of(Fired)]
    assert struck == [
        ("failpoint.return", "outside", "db.commit", n, "3*return(5)") for n in range(3 if everywhere else 0)
    ]
    assert lifted(recording).fired == (3 if everywhere else 0)


def test_a_block_inside_a_run(fp: Failpoint) -> None:
    """A block inside a step strikes its own code, seeded by the run; what strikes is in the event log."""
    seen: list[list[object]] = []

    def step(target: object) -> None:
        with armed("db.commit", "30%return(1)"):
            seen.append([value(fp) for _ in range(20)])

    recordings = [run_once(step, repeat=3, seed=7) for _ in range(2)]
    assert seen[:3] == seen[3:]
    assert seen[0] != seen[1]
    notes = [each for each in recordings[0].of(Recorded) if each.name == "failpoint.fired"]
    assert len(notes) == sum(each.count(1) for each in seen[:3])
    assert notes[0].detail == {"name": "db.commit", "action": "return", "terms": "30%return(1)"}


def test_a_run_inside_a_block(fp: Failpoint) -> None:
    """A block around a run strikes in its steps as well, since they belong to it."""
    seen: list[object] = []
    with armed("db.commit", "return(5)"):
        run_once(lambda _: seen.append(value(fp)))
    assert seen == [5]


def test_a_block_comes_before_the_run(fp: Failpoint) -> None:
    """What a block has armed is asked before the run, and where it fires the run is not asked."""
    seen: list[object] = []

    def step(target: object) -> None:
        with armed("db.commit", "1*return(1)->1*off"):
            seen.extend(value(fp) for _ in range(3))

    recording = run_once(step, inject=failpoints("*", "return(2)"))
    assert seen == [1, None, 2]
    assert lifted(recording).asked == 1


def test_tasks_of_an_async_step(fp: Failpoint) -> None:
    """Tasks of a step are struck each for itself, and the same in every run."""

    async def hit() -> None:
        for _ in range(20):
            await fp.ahit()
            await asyncio.sleep(0)

    async def step(target: object) -> None:
        await asyncio.gather(*(hit() for _ in range(5)))

    runs = [identities(run_once(step, inject=failpoints("*", "10%yield"), repeat=5, workers=3)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert {each[3] for each in runs[0]} == {(number,) for number in range(5)}


# -- evidence


def test_evidence(fp: Failpoint) -> None:
    """The evidence says how often hits were asked about and struck, and which failpoints were not reached."""
    failpoint("db.idle")
    failpoint("db.unhit")
    failpoint("api.used")
    failpoint("api.unused")

    def step(target: object) -> None:
        fp.hit()
        failpoint.hit("db.idle", {"key": 1})
        failpoint.hit("api.used")

    event = lifted(run_once(step, inject=failpoints("db.*", "yield[key=2]->1*yield[caller=*:*.step]"), repeat=2))
    assert (event.asked, event.fired) == (4, 2)
    assert event.detail == {
        "fired": {"db.commit": 1, "db.idle": 1},
        "never_hit": ["db.unhit"],
        "unreached": ["api.unused"],
    }


@pytest.mark.parametrize(
    "terms", ["cancel", "corrupt(nan)", "call(asyncio:sleep)", "raise(UnicodeDecodeError)", "exit", "kill"]
)
@pytest.mark.parametrize("everywhere", [False, True])
def test_no_evidence_of_what_cannot_be_done(fp: Failpoint, terms: str, everywhere: bool) -> None:
    """What ends with an error of its own fails the step for real, and is no fault that has landed."""

    def step(target: object) -> None:
        if everywhere:
            Context().run(fp.hit)  # as code that does not belong to the run
        else:
            fp.hit()

    recording = run_once(step, inject=failpoints("*", terms, everywhere=everywhere))
    assert [each.outcome for each in recording.of(StepEnded)] == [Outcome.FAILED]
    assert (fp.hits, lifted(recording).fired, recording.of(Fired)) == (1, 0, [])
    assert lifted(recording).detail == {"never_fired": ["db.commit"]}


async def await_nothing(fp: Failpoint) -> None:
    fp.hit()


async def await_later(fp: Failpoint) -> None:
    fp.hit()
    await asyncio.sleep(0)


async def await_there(fp: Failpoint) -> None:
    await fp.ahit()


async def in_a_child(fp: Failpoint) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.create_task(await_nothing(fp))


CANCELLATIONS = [(await_nothing, False), (await_later, True), (await_there, True), (in_a_child, True)]


@pytest.mark.parametrize(("use", "struck"), CANCELLATIONS)
def test_evidence_of_a_cancellation(fp: Failpoint, use: Callable[[Failpoint], Awaitable[None]], struck: bool) -> None:
    """A cancellation has landed when it reaches its task; one whose step ends first was armed, which proves nothing."""

    uses = [use, await_later]

    async def step(target: object) -> None:
        await uses.pop(0)(fp)

    recording = run_once(step, inject=failpoints("*", "1*cancel"), repeat=2)
    fired = recording.of(Fired)
    assert [(each.fault, each.point, each.iteration, each.n) for each in fired] == [
        ("failpoint.cancel", "db.commit", 0, 0)
    ] * struck
    assert all("test_injector.py" in each.where for each in fired)
    assert (lifted(recording).armed, lifted(recording).fired, fp.fired) == (1, struck, struck)
    assert recording.of(StepEnded)[1].outcome is Outcome.OK
    assert (recording.report.verdict is Verdict.UNKNOWN) is not struck


@pytest.mark.parametrize(("use", "struck"), CANCELLATIONS)
def test_cancelled_by_a_block(fp: Failpoint, use: Callable[[Failpoint], Awaitable[None]], struck: bool) -> None:
    """The same holds in the steps of a run for a block, which the run was not asked about."""
    blocks: list[Any] = []

    async def step(target: object) -> None:
        with armed("db.commit", "cancel") as it:
            blocks.append(it)
            await use(fp)

    recording = run_once(step)
    notes = [each.detail["action"] for each in recording.of(Recorded) if each.name == "failpoint.fired"]
    assert ([(it.hits, it.fired) for it in blocks], notes) == ([(1, struck)], ["cancel"] * struck)


def test_evidence_of_what_never_fired(fp: Failpoint) -> None:
    """A failpoint that was hit and never struck is named, and the run is not called green for it."""
    recording = run_once(lambda _: [value(fp) for _ in range(10)], inject=failpoints("*", "0%panic"))
    assert lifted(recording).detail == {"never_fired": ["db.commit"]}
    assert lifted(recording).asked == 10
    assert recording.report.verdict is Verdict.UNKNOWN


def test_a_failpoint_is_watched_for_one_hit_only(fp: Failpoint) -> None:
    """To see which failpoints a run reaches costs each of the others one hit: then it is off again."""
    other = failpoint("other")
    seen: list[bool] = []

    def step(target: object) -> None:
        seen.append(other.armed)
        other.hit()
        seen.append(other.armed)

    run_once(step, inject=failpoints("db.*", "off"))
    assert seen == [True, False]


def test_many_names_are_not_all_shown() -> None:
    """Of very many failpoints, the evidence names fifty."""
    for number in range(60):
        failpoint(f"many.{number:02}", shared=True)
    detail = lifted(run_once(inject=failpoints("many.*", "off"))).detail
    assert len(detail["never_hit"]) == 51
    assert detail["never_hit"][-1] == "... and 10 more"


# -- what cannot be


def test_unknown_names_end_the_run(fp: Failpoint) -> None:
    """A glob that no declared failpoint matches ends the run as unknown, with the nearest name."""
    recording = run_once(inject=failpoints("db.comit", "panic"))
    (trouble,) = recording.report.troubles
    assert trouble.hook == "open"
    assert "no failpoint is named like 'db.comit' (did you mean 'db.commit'?)" in trouble.error.message
    assert recording.report.verdict is Verdict.UNKNOWN
    assert recording.of(Fired) == []


def test_a_missing_target_ends_the_run(fp: Failpoint) -> None:
    """So does a term whose exception cannot be found."""
    (trouble,) = run_once(inject=failpoints("*", "raise(no_such:Thing)")).report.troubles
    assert "there is no module 'no_such'" in trouble.error.message


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"at": "", "terms": "off"}, "at is a glob"),
        ({"at": "a=b", "terms": "off"}, "at is a glob"),
        ({"at": 5, "terms": "off"}, "at is a glob"),
        ({"at": "*", "terms": "3%panik"}, "did you mean 'panic'"),
        ({"at": "*", "terms": 3}, "terms are text"),
        ({"at": "*", "terms": "off", "counts": "run"}, "'window' or 'task'"),
        ({"at": "*", "terms": "off", "allow": ["call"]}, "a list of 'exit' and 'kill'"),
        ({"at": "*", "terms": "off", "allow": "exit"}, "a list of 'exit' and 'kill'"),
    ],
)
def test_wrong_parameters(parts: dict[str, Any], message: str) -> None:
    """A wrong value cannot be built, and a scenario says where it was."""
    with pytest.raises((TypeError, ValueError), match=message):
        failpoints(**parts)


def test_no_window_by_iteration(fp: Failpoint) -> None:
    """Probabilities belong into the terms, not into the window of an injector that is opened for a time."""
    with pytest.raises(ScenarioError, match="cannot be active by iteration"):
        Scenario("s").inject("it", failpoints("*", "off"), window=window(probability=0.5))


# -- conformance


def test_conforms(fp: Failpoint) -> None:
    """The injector keeps what every run relies on; so the kit for plugin authors says."""
    check_injector(
        lambda: failpoints("db.commit", "return(1)"),
        strike=lambda _: fp.hit(),
        in_effect=lambda _: fp.armed,
        wrong=[{"terms": "oops"}, {"at": ""}, {"counts": "x"}, {"allow": ("call",)}],
    )


def test_conforms_in_tasks(fp: Failpoint) -> None:
    """So does it in async steps, with probabilities."""

    async def strike(target: object) -> None:
        await fp.ahit()

    check_injector(lambda: failpoints("*", "60%raise(OSError)", counts="task"), strike=strike)


def test_it_says_what_it_would_arm(fp: Failpoint) -> None:
    """What is declared now, by name, and nothing that does not match."""
    other = failpoint(f"other-than-{fp.name}")
    assert failpoints("db.*", "panic").finds() == (fp.name,)
    assert other.name in failpoints("*", "panic").finds()
    assert failpoints("nothing-*", "panic").finds() == ()
