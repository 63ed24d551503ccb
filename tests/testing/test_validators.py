"""The conformance kit catches every broken promise of a validator, and lets good ones pass."""

from __future__ import annotations

import time
from typing import Any

import attrs
import pytest

from chaoscore import IterationEnded, Outcome
from chaoscore.testing import ConformanceError, check_validator
from tests.testing import broken_validators as broken
from tests.testing.broken_validators import starting

FAST = [IterationEnded(0.1 * n, 0, n, Outcome.OK, 0.05) for n in range(5)]
SLOW = [IterationEnded(5.0 * n, 0, n, Outcome.OK, 5.0) for n in range(5)]


def by_limit(checker: Any) -> type[broken.Good]:
    """Return a validator that starts *checker*."""
    return starting(checker.__name__, lambda it, scene: checker(it.limit_s))


def by_target(checker: Any) -> type[broken.Good]:
    """Return a validator that starts *checker* with the target."""
    return starting(checker.__name__, lambda it, scene: checker(it.limit_s, scene.target))


SHARED = broken.Checker(1.0)
BROKEN: list[tuple[type[Any], str, str]] = [
    (broken.Nameless, "says what it is", "kind is ''"),
    (broken.Weightless, "its severity can be set", "severity"),
    (broken.AlwaysCritical, "its severity can be set", "its severity is <Severity.CRITICAL"),
    (broken.AnySeverity, "a wrong value cannot be built", "it was accepted"),
    (broken.TextSeverity, "its severity can be set", "it is 'critical'"),
    (broken.Credulous, "a wrong value cannot be built", "it was accepted"),
    (broken.StartsNothing, "a checker of its own", "neither observes nor checks nor concludes"),
    (broken.StartsItself, "a checker of its own", "the same object twice"),
    (broken.FailsToStart, "a checker of its own", "OSError: not today"),
    (starting("Shared", lambda it, scene: SHARED), "a checker of its own", "the same object twice"),
    (by_limit(broken.ObservesList), "a checker of its own", "not a tuple of event types"),
    (by_limit(broken.ObservesNames), "a checker of its own", "not a tuple of event types"),
    (by_limit(broken.MomentsInList), "a checker of its own", "not a frozenset"),
    (by_limit(broken.NeverAgain), "a checker of its own", "every_s is 0.0"),
    (by_limit(broken.FindsAlways), "it finds nothing where all is well", "it is all wrong"),
    (by_limit(broken.FindsNever), "it finds what is broken", "it found nothing"),
    (by_limit(broken.FindsInSilence), "it finds what is broken", "did not say what"),
    (by_limit(broken.Divides), "its hooks do not raise", "ZeroDivisionError"),
    (by_limit(broken.Explodes), "its hooks do not raise", "OSError: it cannot look"),
    (by_limit(broken.ExplodesAtTrouble), "its hooks do not raise", "OSError: it cannot bear it"),
    (by_limit(broken.Remembers), "nothing of one run is left", "some were slow"),
    (by_limit(broken.Overhears), "nothing of one run is left", "the other one found: some were slow"),
    (by_target(broken.Swallows), "does not say that all is well", "it asked for its 'calls', and found nothing"),
    (by_limit(broken.LeavesThread), "it leaves nothing behind", "thread 'lost'"),
]


@pytest.mark.parametrize(("make", "promise", "found"), BROKEN, ids=[each[0].__name__ for each in BROKEN])
def test_a_broken_promise_is_caught(make: Any, promise: str, found: str) -> None:
    """A validator that breaks a promise is refused, with the promise and what was found."""
    broken.Remembers.total.clear()
    with pytest.raises(ConformanceError) as caught:
        check_validator(make, holds=FAST, broken=SLOW)
    assert promise in caught.value.promise
    assert found in caught.value.found


@pytest.mark.parametrize("make", [broken.Good, by_target(broken.Admits)], ids=lambda each: str(each.__name__))
def test_a_good_one_passes(make: Any) -> None:
    """A validator that keeps its promises passes, whether or not it asks the target."""
    check_validator(make, holds=FAST, broken=SLOW, wrong=[{"limit": "1 parsec"}])


def test_histories_may_be_steps() -> None:
    """Steps stand for histories: each is run for real."""

    def slow(target: object) -> None:
        time.sleep(0.04)

    check_validator(lambda: broken.Good("30ms"), holds=lambda target: None, broken=slow, iterations=2)
    with pytest.raises(ConformanceError, match="it found nothing"):
        check_validator(lambda: broken.Good("30ms"), holds=lambda target: None, broken=lambda target: None)


def test_steps_work_on_the_target_that_was_passed() -> None:
    """Each run of a step has a new target, set up."""

    class Shop:
        sold = None

        def setup(self) -> None:
            self.sold = 0

        def sell(self) -> None:
            self.sold += 1  # type: ignore[operator]

    def sold_out(shop: Any) -> str | None:
        return "it sold something" if shop.sold else None

    from chaoscore.validators import state_consistency

    check_validator(lambda: state_consistency(sold_out), holds=lambda _: None, broken=Shop.sell, target=Shop)


def test_a_value_that_changes_is_caught() -> None:
    """A validator that keeps its counts in itself is no value any more."""

    @attrs.frozen
    class Counting(broken.Good):
        counts: list[int] = attrs.field(factory=list, init=False)

        def start(self, scene: Any) -> Any:
            self.counts.append(1)
            return super().start(scene)

    Counting.__doc__ = "Counts in itself."
    with pytest.raises(ConformanceError, match="they differ"):
        check_validator(Counting, holds=FAST, broken=SLOW)


def test_a_hook_that_raises_in_a_run_is_caught() -> None:
    """What a checker raises in a real run is named with its hook."""
    with pytest.raises(ConformanceError, match="its observe raised OSError: it cannot look"):
        check_validator(by_limit(broken.Explodes), holds=lambda target: None, broken=SLOW)
