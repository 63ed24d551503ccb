"""Several injectors as one."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from typing import Any, ClassVar

import attrs
import pytest

from chaoscore.context import Ask
from chaoscore.errors import InjectedError, InjectedPanic
from chaoscore.events import Fired, Outcome
from chaoscore.faults import Delay
from chaoscore.injectors import cancellation, composite, delay, error, network, panic
from chaoscore.points import (
    amaybe_delay,
    maybe_cancel,
    maybe_delay,
    maybe_error,
    maybe_network_chaos,
    maybe_panic,
    point,
)
from chaoscore.protocols import Evidence, Injector, Site, Undo
from tests.runs import HandClock, finish, ran, scenario


@attrs.frozen
class Opening:
    """An injector that is opened, writes that down, and may fail."""

    kind: ClassVar[str] = "opening"

    diary: list[str]
    name: str
    is_async: bool = False
    undo: Undo = Undo.KERNEL
    fails: bool = False
    proof: Evidence | None = None
    answers: frozenset[str] = frozenset()
    at: str | None = None

    def open(self, site: Site) -> AbstractContextManager[object] | AbstractAsyncContextManager[object]:
        return self._aopen(site) if self.is_async else self._open(site)

    @contextmanager
    def _open(self, site: Site) -> Iterator[object]:
        self.diary.append(f"open {self.name}")
        if self.fails:
            raise OSError(self.name)
        site.landed("opened", self.name, "")
        try:
            yield Proof(self.proof) if self.proof else None
        finally:
            self.diary.append(f"lift {self.name}")

    @asynccontextmanager
    async def _aopen(self, site: Site) -> AsyncIterator[object]:
        with self._open(site) as fault:
            yield fault


class Proof:
    def __init__(self, proof: Evidence) -> None:
        self._proof = proof

    async def evidence(self) -> Evidence:
        return self._proof


def test_all_act() -> None:
    """All injectors of a composite act, in order, as one fault."""
    clock = HandClock()
    run = ran(lambda target: point("here"), composite([delay(2), delay(1), error()]), clock=clock)
    assert clock.slept == [2, 1]
    (fired,) = run.fired
    assert (fired.fault, fired.injector) == ("delay+delay+error", "it")
    assert run.outcomes == [Outcome.FAULTED]


def test_each_at_its_own_points() -> None:
    """Each injector of a composite strikes at the kinds and names of points that are its own."""

    def step(target: Any) -> None:
        for call in (maybe_delay, maybe_error, maybe_panic):
            with suppress(InjectedError, InjectedPanic):
                call("db.read")
        maybe_delay("api.read")
        with suppress(ConnectionRefusedError):
            maybe_network_chaos("db", 1)

    parts: list[Injector] = [delay("1us", at="db.*"), error(), panic(), network("db", refuse=1)]
    run = ran(step, composite(parts))
    assert [(fired.point, fired.fault) for fired in run.fired] == [
        ("db.read", "delay"),
        ("db.read", "error"),
        ("db.read", "panic"),
        ("db:1", "refuse"),
    ]
    assert ran(step, composite(parts, at="api.*")).points == []


def test_one_chance_for_all() -> None:
    """With a probability of its own, a composite strikes with all of its injectors or with none."""
    run = ran(lambda target: point("here"), composite([delay(0), delay(0)], probability=0.3), repeat=300)
    assert {fired.fault for fired in run.fired} == {"delay+delay"}
    assert 60 < len(run.fired) < 120
    assert run.lifted().asked == 300


def test_each_decides_for_itself() -> None:
    """Where the composite strikes, each injector still has its own probability, drawn independently."""
    both_halves = composite([delay(0, probability=0.5), delay(1, probability=0.5)])
    run = ran(lambda target: point("here"), both_halves, repeat=400, clock=HandClock())
    counts = [sum(fired.detail == text for fired in run.fired) for text in ("0.000 ms", "1000.000 ms")]
    both = sum(fired.fault == "delay+delay" for fired in run.fired)
    assert all(70 < count < 130 for count in (*counts, both))


def test_what_comes_before_an_error() -> None:
    """What stands behind an injector that raises does not strike, and there is no evidence that it did."""
    clock = HandClock()
    run = ran(lambda target: point("here"), composite([delay(2), composite([error(), delay(1)])]), clock=clock)
    assert (clock.slept, [fired.fault for fired in run.fired]) == ([2], ["delay+error"])


@pytest.mark.parametrize("lasts_s", [1, 5])
def test_one_that_strikes_later(lasts_s: float) -> None:
    """Of a composite with a deadline, the rest lands at the point; the deadline when it strikes, if it does."""
    clock = HandClock()

    def step(target: Any) -> None:
        maybe_cancel()
        maybe_cancel()
        clock.now_s += lasts_s
        maybe_error()

    inner = composite([Opening([], "a", proof=Evidence(fired=4)), cancellation(after=3)])
    run = ran(step, composite([inner, delay(2, at="x")]), clock=clock)
    struck = [("cancel", "maybe_cancel", 0)] * (lasts_s > 3)
    assert [(fired.fault, fired.point, fired.n) for fired in run.fired if fired.point != "outside"] == struck
    assert (run.lifted().asked, run.lifted().armed, run.lifted().fired) == (2, 1, 4 + len(struck))


def test_rest_lands_at_once() -> None:
    """Of a composite that is to cancel later, the delay has landed all the same when its step ends first."""
    run = ran(lambda target: point("here"), composite([delay(0), cancellation(after=3)]), clock=HandClock())
    assert [(fired.fault, fired.detail) for fired in run.fired] == [("delay", "0.000 ms")]
    assert (run.lifted().armed, run.lifted().fired) == (1, 1)


def test_nested() -> None:
    """A composite may hold composites."""
    clock = HandClock()
    ran(lambda target: point("here"), composite([composite([delay(1)]), composite([delay(2), delay(3)])]), clock=clock)
    assert clock.slept == [1, 2, 3]


def test_interval_does_not_disturb_others() -> None:
    """Beside an injector that looks at the time, the others still strike where the seed says."""

    def struck(step_s: float) -> list[int]:
        clock = HandClock()

        def step(target: Any) -> None:
            clock.now_s += step_s
            try:
                point("here")
            except OSError:
                return

        parts: list[Injector] = [delay(0, interval="1s", probability=0.5), error(OSError, probability=0.2)]
        run = ran(step, composite(parts), repeat=60, clock=clock)
        return [fired.iteration for fired in run.fired if "error" in fired.fault]

    assert struck(0.0) == struck(0.3) == struck(5.0) != []


@pytest.mark.parametrize("injector", [delay("1us"), cancellation(), composite([delay("1us")], at="before:step")])
def test_at_a_border(injector: Any) -> None:
    """A composite strikes at the border of a step with all that it has."""
    run = ran(lambda target: point("inside"), composite([injector], at="before:step"), repeat=3)
    assert run.points == ["before:step"] * 3


def test_at_two_borders() -> None:
    """Injectors that keep to one border of those that the composite is at strike there alone."""
    parts = [delay("1us", at="before:one"), delay("1us", at="before:two")]
    run = finish(
        scenario(lambda target: None, composite(parts, at="before:*")).step("one", nothing).step("two", nothing)
    )
    assert run.points == ["before:one", "before:two"]


def nothing(target: Any) -> None:
    """A step that does nothing."""


# -- opening and lifting


@pytest.mark.parametrize("is_async", [False, True])
def test_order(is_async: bool) -> None:
    """The injectors of a composite are opened in order and lifted last first, plain and `async` ones mixed."""
    diary: list[str] = []
    parts: list[Injector] = [Opening(diary, "a"), Opening(diary, "b", is_async), delay(0), Opening(diary, "c")]
    run = ran(lambda target: diary.append("step"), composite(parts))
    assert diary == ["open a", "open b", "open c", "step", "lift c", "lift b", "lift a"]
    assert [(fired.fault, fired.where) for fired in run.of(Fired)] == [
        ("opened", "a"),
        ("opened", "b"),
        ("opened", "c"),
    ]


@pytest.mark.parametrize("is_async", [False, True])
def test_one_does_not_open(is_async: bool) -> None:
    """Where one does not open, those opened before it are lifted, and no step runs."""
    diary: list[str] = []
    parts = [
        Opening(diary, "a", is_async=is_async),
        Opening(diary, "b"),
        Opening(diary, "c", fails=True),
        Opening(diary, "d"),
    ]
    report = scenario(lambda target: diary.append("step"), composite(parts)).run()
    assert diary == ["open a", "open b", "open c", "lift b", "lift a"]
    assert report.verdict == "unknown"
    assert [trouble.error.message for trouble in report.troubles] == ["c"]


class Yielding:
    """An injector whose open fault answers at points, though the injector itself does not."""

    kind: ClassVar[str] = "yielding"
    undo = Undo.KERNEL

    @contextmanager
    def open(self, site: Site) -> Iterator[object]:
        yield delay(0)


def test_opened_faults_answer() -> None:
    """What an injector opened answers at the points that it asks for."""
    assert ran(lambda target: maybe_delay(), composite([Yielding()])).points == ["maybe_delay"]


# -- evidence


def test_evidence_of_points() -> None:
    """What a composite proves by itself is what landed at points."""
    run = ran(lambda target: point("here"), composite([delay(0), delay(0)], probability=0.5), repeat=20)
    assert run.lifted().fired == len(run.fired)
    assert run.lifted().asked == 20


def test_evidence_of_what_was_opened() -> None:
    """What injectors say has landed outside any point counts as well."""
    run = ran(lambda target: point("here"), composite([Opening([], "a"), delay(0)]), repeat=3)
    assert (run.lifted().asked, run.lifted().fired) == (3, 1 + 3)


def test_evidence_of_parts() -> None:
    """Where injectors have evidence of their own, a composite adds it up."""
    proofs = [Evidence(fired=5, detail={"bytes": 5}), Evidence(fired=2, detail={"files": 1})]
    parts: list[Injector] = [Opening([], "a", proof=proofs[0]), delay(0), Opening([], "b", True, proof=proofs[1])]
    lifted = ran(lambda target: point("here"), composite(parts), repeat=3).lifted()
    assert (lifted.asked, lifted.fired, lifted.detail) == (3, 10, {"bytes": 5, "files": 1})


def test_evidence_beside_what_landed_at_points() -> None:
    """A part whose evidence only explains what landed at points adds nothing to the count."""
    parts: list[Injector] = [Opening([], "a", proof=Evidence(fired=None, detail={"reached": 2})), delay(0)]
    lifted = ran(lambda target: point("here"), composite(parts), repeat=3).lifted()
    assert (lifted.fired, lifted.detail) == (1 + 3, {"reached": 2})


@pytest.mark.parametrize(
    "injector", [composite([delay(0), error()], probability=0), composite([delay(0, probability=0)])]
)
def test_evidence_absent(injector: Any) -> None:
    """A composite that never strikes has no evidence."""
    lifted = ran(lambda target: point("here"), injector, repeat=3).lifted()
    assert (lifted.asked, lifted.fired) == (3, 0)


def test_evidence_of_a_refused_fault() -> None:
    """A fault that was refused because it would block the loop has not landed."""

    async def step(target: Any) -> None:
        point("here")

    run = ran(step, composite([delay(1)]))
    assert (run.outcomes, run.lifted().fired) == ([Outcome.FAILED], 0)


def test_awaited() -> None:
    """A composite suspends a task for each of its delays."""
    clock = HandClock()

    async def step(target: Any) -> None:
        await amaybe_delay()

    ran(step, composite([delay(1), delay(2)]), clock=clock)
    assert clock.slept == [1, 2]


# -- what it is


@pytest.mark.parametrize(
    ("undos", "worst"),
    [
        ([Undo.KERNEL], Undo.KERNEL),
        ([Undo.KERNEL, Undo.JOURNAL, Undo.TTL], Undo.JOURNAL),
        ([Undo.MANUAL, Undo.TTL], Undo.MANUAL),
    ],
)
def test_undo(undos: list[Undo], worst: Undo) -> None:
    """A composite is undone as the worst of its injectors, also where it stands in another one."""
    one = composite([Opening([], "a", undo=undo) for undo in undos])
    assert one.undo is worst
    assert composite([delay(0), one]).undo is worst
    assert type(one).undo is Undo.KERNEL


def test_kinds() -> None:
    """A composite answers the kinds of points of all its injectors."""
    assert composite([delay(0), network(refuse=1), panic()]).answers == {"delay", "network", "panic", "point"}
    assert composite([Opening([], "a")]).answers == frozenset()


class Odd:
    kind = "odd"
    undo = Undo.KERNEL
    answers = frozenset({"delya"})
    at = None

    def answer(self, ask: Ask) -> Delay | None:
        return None


@pytest.mark.parametrize(
    ("injectors", "how", "kind", "text"),
    [
        ([], {}, ValueError, "injectors must be a list of one or more injectors, not ()"),
        (delay(0), {}, TypeError, "injectors must be a list of one or more injectors, not DelayInjector("),
        ([delay], {}, ValueError, "is not an injector"),
        ([5], {}, ValueError, "5 is not an injector"),
        ("delay", {}, ValueError, "'d' is not an injector"),
        ([Odd()], {}, ValueError, "answers 'delya', which nothing asks (did you mean 'delay'?)"),
        ([delay(0)], {"probability": 5}, ValueError, "between 0 and 1"),
        ([delay(0)], {"at": 5}, TypeError, "a glob is text"),
        ([delay(0, at="before:x")], {}, ValueError, "give at='before:x' to the composite"),
        ([delay(0, at="before:x")], {"at": "db.*"}, ValueError, "delay strikes at 'before:x', the composite elsewhere"),
        (
            [Opening([], "a", undo=Undo.JOURNAL), Opening([], "b", undo=Undo.MANUAL)],
            {},
            ValueError,
            "cannot be one; inject them one by one",
        ),
    ],
)
def test_refused(injectors: Any, how: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A composite of something else than injectors, or of such that can never strike together, cannot be built."""
    with pytest.raises(kind, match=re.escape(text)):
        composite(injectors, **how)
