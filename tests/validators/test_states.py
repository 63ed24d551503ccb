"""What a function of the target says about its state becomes findings, once and with its place in the run."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

import pytest

from chaoscore.protocols import Moment, Violation
from chaoscore.validators import state_consistency, steady_state
from chaoscore.validators.answers import violations
from tests.validators.scenes import start

BEFORE, DURING, AFTER = Moment.BEFORE, Moment.DURING, Moment.AFTER


class Shop:
    """A target whose state is whatever *says* says."""

    def __init__(self, *says: Any) -> None:
        self.says = list(says)

    def look(self) -> Any:
        return self.says.pop(0)


async def alook(shop: Shop) -> Any:
    await asyncio.sleep(0)
    return shop.look()


def checked(checker: Any, moment: Moment) -> list[str]:
    """Return the messages of one check, awaited where it has to be."""

    async def wait(answer: Any) -> Any:
        return await answer

    answer = checker.check(moment)
    return [found.message for found in violations(asyncio.run(wait(answer)) if isawaitable(answer) else answer)]


def later(shop: Shop) -> Any:
    """Look like a plain function, and return something to wait for."""
    return alook(shop)


@pytest.mark.parametrize("look", [Shop.look, alook, later])
@pytest.mark.parametrize(
    ("answer", "messages"),
    [
        (None, []),
        (True, []),
        ([], []),
        ("", []),
        ("job 7 has 3 owners", ["job 7 has 3 owners"]),
        (["job 7", "job 8"], ["job 7", "job 8"]),
        (Violation("job 9"), ["job 9"]),
    ],
)
def test_consistency(look: Callable[[Shop], Any], answer: Any, messages: list[str]) -> None:
    """A plain and an async function are understood alike: nothing for well, sentences for broken."""
    assert checked(start(state_consistency(look), target=Shop(answer)), AFTER) == messages


def test_false() -> None:
    """A function that only returns False is named in the finding."""
    assert checked(start(state_consistency(Shop.look), target=Shop(False)), AFTER) == ["Shop.look returned False"]


@pytest.mark.parametrize("answer", [0, 3, {"job": 7}, [None], [""], b"x"], ids=repr)
def test_unclear_answers(answer: Any) -> None:
    """An answer that is neither well nor broken is an error that shows it, never a pass."""
    with pytest.raises(TypeError, match="expected"):
        checked(start(state_consistency(Shop.look), target=Shop(answer)), AFTER)


def test_raises() -> None:
    """A function that raises is not caught here: the executor makes *unknown* of it."""
    with pytest.raises(IndexError):
        checked(start(state_consistency(Shop.look), target=Shop()), AFTER)


def test_many_sentences() -> None:
    """A function that returns a million sentences brings a hundred findings and the number of the others."""
    found = checked(start(state_consistency(lambda _: (f"row {n}" for n in range(1_000_000)))), AFTER)
    assert len(found) == 101
    assert found[-1] == "... and 999900 more"


def test_when_consistency_is_checked() -> None:
    """It is asked when all faults are lifted, and during the workload only with *every*."""
    assert start(state_consistency(Shop.look)).moments == {AFTER}
    often = start(state_consistency(Shop.look, every="250ms"))
    assert (often.moments, often.every_s) == ({DURING, AFTER}, 0.25)


def test_consistency_during() -> None:
    """While the same is wrong it is said once, something new is said at once, and the end says what still is."""
    shop = Shop("a", "a", ["a", "b"], None, "a", "a")
    checker = start(state_consistency(Shop.look, every=1), target=shop)
    found = [checked(checker, DURING) for _ in range(5)]
    once = "while the workload ran: "
    assert found == [[f"{once}a"], [], [f"{once}b"], [], [f"{once}a"]]
    assert checked(checker, AFTER) == ["a"]


def test_steady_state_holds() -> None:
    """A system that is well all the time brings nothing."""
    checker = start(steady_state(Shop.look), target=Shop(True, None, True, True))
    assert [checked(checker, moment) for moment in (BEFORE, DURING, DURING, AFTER)] == [[]] * 4


def test_steady_state_broken_before() -> None:
    """A system that is not well before any fault is found then."""
    checker = start(steady_state(Shop.look), target=Shop("queue is full"))
    assert checked(checker, BEFORE) == ["no steady state before any fault: queue is full"]


def test_steady_state_lost() -> None:
    """Each loss is said once as long as it lasts, and not recovering is said at the end."""
    checker = start(steady_state(Shop.look), target=Shop(True, "slow", "slow", True, "slower", "slower"))
    found = [checked(checker, moment) for moment in (BEFORE, DURING, DURING, DURING, DURING, AFTER)]
    assert found == [
        [],
        ["steady state lost: slow"],
        [],
        [],
        ["steady state lost: slower"],
        ["no steady state again after all faults were lifted: slower"],
    ]


@pytest.mark.parametrize(
    ("every", "moments", "every_s"),
    [("2s", {BEFORE, DURING, AFTER}, 2), (None, {BEFORE, AFTER}, 1)],
)
def test_when_steady_state_is_checked(every: str | None, moments: set[Moment], every_s: float) -> None:
    """It is asked before, during and after; without *every* a system may suffer but has to recover."""
    checker = start(steady_state(Shop.look, every=every))
    assert (checker.moments, checker.every_s) == (moments, every_s)


@pytest.mark.parametrize("make", [state_consistency, steady_state])
def test_fresh(make: Any) -> None:
    """A second run says again what the first has said."""
    validator, says = make(Shop.look, every=1), "a"
    assert all(checked(start(validator, target=Shop(says)), DURING) for _ in range(2))


@pytest.mark.parametrize("make", [state_consistency, steady_state])
@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"call": "shop:look"}, "expected a function that takes the target, not 'shop:look'"),
        ({"call": Shop.look, "every": 0}, "every must be more than 0 s"),
        ({"call": Shop.look, "severity": "warn"}, r"not 'warn' \(did you mean 'warning'\?\)"),
    ],
)
def test_refused(make: Any, parameters: dict[str, Any], text: str) -> None:
    """What cannot be called, and a rhythm of nothing, are refused."""
    with pytest.raises((TypeError, ValueError), match=text):
        make(**parameters)
