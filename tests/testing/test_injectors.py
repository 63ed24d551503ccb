"""The conformance kit catches every broken promise of an injector, and lets good ones pass."""

from __future__ import annotations

from typing import Any

import pytest

from chaoscore import apoint, injectors, point
from chaoscore.testing import ConformanceError, check_injector
from tests.testing import broken_injectors as broken
from tests.testing import lost

SEEN: dict[str, Any] = {"in_effect": broken.is_on}

BROKEN: list[tuple[type[Any], str, str, dict[str, Any]]] = [
    (broken.Nameless, "says what it is", "kind is 'a:b'", {}),
    (broken.Undocumented, "says what it is", "no docstring", {}),
    (broken.WithoutUndo, "declares", "undo is None", {}),
    (broken.AnswersToNobody, "declares", "no such kind", {}),
    (broken.AnswersToText, "declares", "answers is 'delay'", {}),
    (broken.AtNumber, "declares", "at is 5", {}),
    (broken.DoesNothing, "declares", "neither opens nor answers", {}),
    (broken.Changeable, "it is a value", "let itself be changed", {}),
    (broken.Unequal, "it is a value", "they differ", {}),
    (broken.BadHash, "it is a value", "the hashes differ", {}),
    (broken.Credulous, "a wrong value cannot be built", "it was accepted", {}),
    (broken.Curt, "a wrong value cannot be built", "does not say what is wrong", {}),
    (broken.Rude, "a wrong value cannot be built", "another error", {}),
    (broken.Silent, "it strikes where it can", "asked 20 times, it says that 0 faults landed", {}),
    (broken.AnswersFive, "its answer is a fault or None", "it returned 5", {}),
    (broken.Raises, "its answer is a fault or None", "OSError: the disk is full", {}),
    (broken.Sleeps, "its answer is a fault or None", "it slept", {}),
    (broken.Draws, "its answer is a fault or None", "drew from `random`", {}),
    (broken.StartsThreads, "its answer is a fault or None", "thread 'lost'", {}),
    (broken.Whimsical, "the same seed", "the answers differ", {}),
    (broken.ByWorker, "the same seed", "faults differ, such as delay", {}),
    (broken.Shared, "the same seed", "differ", {}),
    (broken.Exhausted, "the same seed", "nothing landed there any more", {"deterministic": False}),
    (broken.Boasting, "its evidence is true", "it says that 5 faults landed", {}),
    (broken.Modest, "its evidence is true", "it says that 15 faults landed, and 20 did", {}),
    (broken.Speechless, "its hooks do not raise", "its evidence raised OSError: nobody knows", {}),
    (broken.WithoutFinally, "lifts its fault", "the fault is still in effect", SEEN),
    (broken.AsyncWithoutFinally, "lifts its fault", "the fault is still in effect", SEEN),
    (broken.WithoutFinally, "lifts its fault", f"environment variable {lost.VARIABLE}", {}),
    (broken.NeverLifted, "lifts its fault", "the fault is still in effect", SEEN),
    (broken.LiftedOnlyWhenUsed, "lifts its fault", "still in effect when it had been lifted", SEEN),
    (broken.Swallows, "lets the exception through", "PlannedError was swallowed", {}),
    (broken.FailsToLift, "lifts its fault", "OSError: it would not go away", {}),
    (broken.FailsToOpen, "its hooks do not raise", "OSError: there is no such thing", {}),
    (broken.OpensTheSame, "an opening of its own", "the same object twice", {}),
    (broken.OpensNothing, "an opening of its own", "it returned None, which is no context manager", {}),
    (broken.LeavesThread, "lifts its fault", "thread 'lost'", {}),
    (broken.LeavesThreadInRuns, "lifts its fault", "thread 'lost'", {}),
    (broken.LeavesFile, "lifts its fault", "temporary file", {}),
    (broken.LeavesFileOpen, "lifts its fault", "open file", {}),
    (broken.Unproved, "it strikes where it can", "it says that 0 faults landed", {}),
    (broken.TooLate, "in effect while it is open", "in_effect was false all the time", SEEN),
]


@pytest.mark.parametrize(("make", "promise", "found", "how"), BROKEN, ids=[each[0].__name__ for each in BROKEN])
def test_a_broken_promise_is_caught(make: Any, promise: str, found: str, how: dict[str, Any]) -> None:
    """An injector that breaks a promise is refused, with the promise and what was found."""
    with pytest.raises(ConformanceError) as caught:
        check_injector(make, **how)
    assert promise in caught.value.promise
    assert found in caught.value.found


@pytest.mark.parametrize("make", [broken.Good, broken.Switch, broken.AsyncSwitch])
def test_a_good_one_passes(make: Any) -> None:
    """An injector that keeps its promises passes, whether it answers or opens, sync or async."""
    check_injector(make, in_effect=None if make is broken.Good else broken.is_on)


def test_wrong_combinations_are_tried() -> None:
    """What is passed as wrong= must be refused by the class."""
    check_injector(lambda: injectors.delay("5ms"), wrong=[{"low": "2s", "high": "1s"}])
    with pytest.raises(ConformanceError, match="made one with low='1s'"):
        check_injector(lambda: injectors.delay("5ms"), wrong=[{"low": "1s"}])


def test_a_strike_of_ones_own() -> None:
    """A strike= that is passed is the step in which the injector must land."""
    check_injector(lambda: injectors.delay("5ms", at="db.*"), strike=lambda target: point("db.read"))
    with pytest.raises(ConformanceError, match="asked 0 times, it says that 0 faults landed"):
        check_injector(lambda: injectors.delay("5ms", at="db.*"), strike=lambda target: point("cache.read"))


def test_what_is_only_armed_is_no_strike() -> None:
    """A cancellation whose step ends before it is due has struck nothing, and the kit says what to pass instead."""
    with pytest.raises(ConformanceError, match="armed 20 times, it says that 0 faults landed") as caught:
        check_injector(lambda: injectors.cancellation(after="1h"))
    assert "let that step last until it has" in caught.value.remedy


def test_a_strike_may_be_async() -> None:
    """A strike= may be `async def`."""

    async def strike(target: object) -> None:
        await apoint("db.read")

    check_injector(lambda: injectors.delay("5ms", at="db.*"), strike=strike)


def test_a_strike_is_asked_for_where_none_can_be_made() -> None:
    """Where no name can be found for a glob, the error asks for strike=."""
    with pytest.raises(TypeError, match="pass strike="):
        check_injector(lambda: injectors.delay("5ms", at="[!a]b"))


def test_an_occasion_that_is_none_may_be_passed() -> None:
    """An idle= in which faults land shows that the injector is told something else than was meant."""
    with pytest.raises(ConformanceError, match="gives it no occasion"):
        check_injector(lambda: injectors.delay("5ms"), idle=lambda target: point("x"))


def test_the_error_says_everything() -> None:
    """The error names the part, the promise, how it was tried, what was found and what to do, each on its line."""
    with pytest.raises(ConformanceError) as caught:
        check_injector(broken.Silent)
    first, tried, found, remedy = str(caught.value).splitlines()
    assert first == "Silent ('good') breaks a promise: it strikes where it can, and has evidence of it"
    assert tried == "  tried: ran the step 20 times under it"
    assert found == "  found: asked 20 times, it says that 0 faults landed"
    assert remedy.startswith("  to do: let `make` return one that strikes every time")


def test_what_is_in_effect_without_any_fault_is_no_proof() -> None:
    """An in_effect= that is true before the fault is opened shows nothing, and is refused."""
    with pytest.raises(ConformanceError, match="true before it was opened"):
        check_injector(broken.Good, in_effect=lambda target: True)
