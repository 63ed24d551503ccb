"""A composite finds what its parts find: any of it, or only when none of them holds."""

import asyncio
import gc
import math
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import pytest

from chaoscore.events import ErrorInfo, IterationEnded, StepEnded
from chaoscore.protocols import Moment, Validator, Violation
from chaoscore.validators import (
    all_of,
    any_of,
    max_errors,
    no_infinite_loop,
    no_slow_iteration,
    panic_recovery,
    state_consistency,
    steady_state,
    success_rate,
    task_limit,
    thread_limit,
)
from chaoscore.validators.answers import violations
from chaoscore.verdict import Severity, Verdict
from tests.validators.scenes import FakeElapsed, iteration, shown, start, step, stuck

ERROR = step(error=ErrorInfo("ValueError", "no stock"))
SLOW = iteration(2.0)
COMPOSITES = pytest.mark.parametrize("composite", [all_of, any_of])


@attrs.frozen
class Fake:
    """A validator that looks every second and answers what it is told to."""

    answer: Callable[[], Any]
    moments: frozenset[Moment] = frozenset(Moment)
    every_s: float = 1.0
    severity: Severity = Severity.CRITICAL
    kind: ClassVar[str] = "fake"

    def start(self, scene: object) -> "FakeChecker":
        return FakeChecker(self)


class FakeChecker:
    observes = (IterationEnded,)

    def __init__(self, fake: Fake) -> None:
        self.moments, self.every_s = fake.moments, fake.every_s
        self._answer = fake.answer

    def observe(self, event: object) -> Any:
        return self._answer()

    def check(self, moment: Moment) -> Any:
        return self._answer()

    def conclude(self) -> Any:
        return self._answer()


def fails() -> None:
    raise LookupError("no table")


async def afails() -> None:
    raise LookupError("no table")


def looked(checker: Any, moment: Moment) -> list[str]:
    return messages(checker.check(moment))


def concluded(checker: Any) -> list[str]:
    return messages(checker.conclude())


def messages(answer: Any) -> list[str]:
    async def wait() -> Any:
        return await answer

    return [found.message for found in (answer if isinstance(answer, list) else asyncio.run(wait()))]


def test_all_of_holds() -> None:
    """What all parts are content with is no finding."""
    checker = start(all_of(max_errors(1), no_slow_iteration(2)))
    assert shown(checker, ERROR, SLOW) == checker.conclude() == []


def test_all_of_finds() -> None:
    """What any part finds is found at once, with the part's name before it and its place kept."""
    checker = start(all_of(max_errors(0), no_slow_iteration(1), panic_recovery()))
    errors, slow = shown(checker, ERROR, SLOW)
    assert errors.message.startswith("max_errors: more than 0 real errors")
    assert slow.message == "no_slow_iteration: an iteration took 2 s, at most 1 s allowed"
    assert errors.step == "execute"


def test_any_of_holds() -> None:
    """While one alternative holds, what the others find is no finding."""
    checker = start(any_of(max_errors(0), no_slow_iteration(1)))
    assert shown(checker, ERROR, ERROR) == checker.conclude() == []


def test_any_of_finds() -> None:
    """Where none holds, nothing is said before the end, and one finding then says why."""
    checker = start(any_of(max_errors(0), no_slow_iteration(1)))
    assert shown(checker, ERROR, SLOW, SLOW) == []
    (found,) = checker.conclude()
    assert found.message.startswith("none of 2 alternatives holds: max_errors: more than 0")
    assert found.message.endswith("; no_slow_iteration: an iteration took 2 s, at most 1 s allowed")
    assert found.data == {"findings": {"1 max_errors": 1, "2 no_slow_iteration": 2}}
    assert found.verdict is None


def test_any_of_judges_at_the_end() -> None:
    """An alternative that only concludes is asked before the others are judged."""
    checker = start(any_of(max_errors(0), success_rate(0.5)))
    shown(checker, ERROR)
    (found,) = checker.conclude()
    assert found.verdict is Verdict.UNKNOWN
    assert "none of 2 alternatives is known to hold" in found.message


def test_stack() -> None:
    """The stack of a stuck step is kept by both."""
    (found,) = shown(start(all_of(no_infinite_loop(1))), stuck(stack="File ..."))
    either = start(any_of(no_infinite_loop(1)))
    shown(either, stuck(stack="File ..."))
    assert found.stack == either.conclude()[0].stack == "File ..."


def test_steady_state_before() -> None:
    """Before any fault both say at once what is broken, unless an alternative is not."""
    broken, well = steady_state(lambda _: "down"), steady_state(lambda _: True)
    assert looked(start(all_of(broken, well)), Moment.BEFORE) == [
        "steady_state: no steady state before any fault: down"
    ]
    assert len(looked(start(any_of(broken, broken)), Moment.BEFORE)) == 1
    assert looked(start(any_of(broken, well)), Moment.BEFORE) == []


def test_async_parts() -> None:
    """Async parts are awaited, after plain ones were asked where they belong."""

    async def down(_: object) -> str:
        return "down"

    checker = start(all_of(steady_state(down), state_consistency(lambda _: False), task_limit(1)))
    found = looked(checker, Moment.AFTER)
    assert [each.partition(":")[0] for each in found] == ["steady_state", "state_consistency"]
    assert concluded(checker) == []


def test_cancelled() -> None:
    """A check that is cancelled while it waits leaves no part's coroutine unawaited."""

    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        check = asyncio.ensure_future(start(all_of(steady_state(hang), steady_state(hang))).check(Moment.AFTER))
        await asyncio.sleep(0)
        check.cancel()
        await asyncio.wait([check])
        assert check.cancelled()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(run())
        gc.collect()
    assert told == []


def test_plain_parts_stay_plain() -> None:
    """Without an async part there is nothing to await."""
    assert start(all_of(steady_state(lambda _: True))).check(Moment.AFTER) == []


def test_rhythm() -> None:
    """It looks as often as the most eager part, and asks the others no more often than they want."""
    asked = {"often": 0, "seldom": 0}

    def count(name: str) -> Callable[[object], None]:
        return lambda _: asked.update({name: asked[name] + 1})

    elapsed = FakeElapsed()
    checker = start(
        all_of(steady_state(count("often"), every=1), steady_state(count("seldom"), every=3)), elapsed_s=elapsed
    )
    for second in range(1, 10):
        elapsed.s = second
        checker.check(Moment.DURING)
    assert checker.every_s == 1
    assert asked == {"often": 9, "seldom": 3}


def test_moments() -> None:
    """It looks only when a part does, and asks only those that want to."""
    seldom = Fake(lambda: "no", moments=frozenset({Moment.BEFORE}))
    checker = start(all_of(state_consistency(lambda _: "bad"), seldom))
    assert checker.moments == {Moment.BEFORE, Moment.AFTER}
    assert looked(checker, Moment.AFTER) == ["state_consistency: bad"]
    assert start(all_of(max_errors(0))).moments == frozenset()


def test_only_wanted_events() -> None:
    """It is shown what its parts want to see, each of which sees no more."""
    checker = start(all_of(no_slow_iteration(1), Fake(lambda: "seen")))
    assert checker.observes == (IterationEnded,)
    assert StepEnded in start(all_of(no_slow_iteration(1), panic_recovery())).observes


@pytest.mark.parametrize("answer", [fails, afails])
def test_part_that_raises(answer: Callable[[], Any]) -> None:
    """A part that raises cannot tell, which is unknown; the others are asked all the same."""
    checker = start(all_of(Fake(answer), state_consistency(lambda _: "bad")))
    assert looked(checker, Moment.AFTER) == [
        "fake: could not tell, its check raised LookupError: no table",
        "state_consistency: bad",
    ]
    assert concluded(checker) == ["fake: could not tell, its conclude raised LookupError: no table"]


def test_part_that_raises_while_it_observes() -> None:
    """A part that raises at an event is shown no more of them."""
    checker = start(all_of(Fake(fails), no_slow_iteration(1)))
    found = shown(checker, SLOW, SLOW)
    assert [each.verdict for each in found] == [Verdict.UNKNOWN, None, None]


def test_alternative_that_raises() -> None:
    """Where an alternative could not tell and no other holds, the answer is unknown; where another holds, it holds."""
    (found,) = start(any_of(Fake(fails), Fake(lambda: "bad"))).conclude()
    assert found.verdict is Verdict.UNKNOWN
    assert start(any_of(Fake(fails), Fake(lambda: None))).conclude() == []


def test_nested() -> None:
    """A composite is a validator like any other."""
    checker = start(all_of(any_of(max_errors(0), no_slow_iteration(1)), no_slow_iteration(5)))
    assert shown(checker, ERROR, SLOW) == []
    (found,) = checker.conclude()
    assert found.message.startswith("any_of: none of 2 alternatives holds: max_errors: ")


@COMPOSITES
def test_limits_steps(composite: Any) -> None:
    """The smallest limit of the parts limits the steps; without any, nothing does."""
    assert composite(no_infinite_loop(5), all_of(no_infinite_loop(2)), max_errors(1)).step_limit_s == 2
    assert composite(max_errors(1)).step_limit_s == math.inf


@COMPOSITES
def test_severity(composite: Any) -> None:
    """It weighs as much as the most severe part, unless it is told."""
    warning, info = max_errors(0, severity="warning"), max_errors(0, severity="info")
    assert composite(info, warning).severity is Severity.WARNING
    assert composite(info, warning, severity="info").severity is Severity.INFO


@COMPOSITES
def test_values(composite: Any) -> None:
    """Composites of the same parts are the same value, and each run begins anew."""
    validator = composite(max_errors(0))
    assert validator == composite(max_errors(0))
    for _ in range(2):
        checker = start(validator)
        assert len([*shown(checker, ERROR), *checker.conclude()]) == 1


@COMPOSITES
def test_plain_function(composite: Any) -> None:
    """A plain function of the target stands for its state consistency, as in a scenario."""
    checker = start(composite(lambda _: "bad"))
    found = [*checker.check(Moment.AFTER), *checker.conclude()]
    assert "state_consistency: bad" in found[0].message


@COMPOSITES
@pytest.mark.parametrize("parts", [(), (max_errors,), ("thread_limit",), (None,)], ids=repr)
def test_refused(composite: Any, parts: tuple[Any, ...]) -> None:
    """No part, a class in the place of a value, and what is no validator are refused."""
    with pytest.raises((TypeError, ValueError), match=rf"{composite.kind} (needs|takes)"):
        composite(*parts)


def test_false_from_a_part() -> None:
    """A part that answers False without a sentence is broken all the same."""
    (found,) = violations(start(all_of(Fake(lambda: False))).conclude())
    assert found == Violation("fake: it does not hold")


def test_is_a_validator() -> None:
    """Both satisfy the protocol that a scenario asks for."""
    assert isinstance(all_of(thread_limit(1)), Validator)
    assert isinstance(any_of(thread_limit(1)), Validator)
