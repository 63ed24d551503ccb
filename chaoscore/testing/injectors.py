"""The conformance of injectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from chaoscore.clock import Clock, SystemClock
from chaoscore.context import POINT_KINDS
from chaoscore.protocols import Answers, Injector, Opens, Undo
from chaoscore.testing.answering import check_answers
from chaoscore.testing.builders import NOTHING_PROVIDED, Step
from chaoscore.testing.clocks import FakeClock
from chaoscore.testing.gauges import InEffect
from chaoscore.testing.occasions import Occasion, Visit, visit_for
from chaoscore.testing.openings import Providers, check_openings
from chaoscore.testing.promises import Promise
from chaoscore.testing.recorders import RecordingTarget
from chaoscore.testing.runs import do_nothing
from chaoscore.testing.traces import own_temporary_files
from chaoscore.testing.trials import IDLE, Trial
from chaoscore.testing.values import Wrong, check_kind, check_parameters, check_value

DECLARES = Promise(
    "it declares what it can do, and what takes its faults back if the run cannot",
    "give the class `undo`, a `chaoscore.Undo`, and `open`, or `answer` with `answers` and `at`",
)


def check_injector(
    make: Callable[[], Injector],
    *,
    strike: Step | None = None,
    idle: Step | None = do_nothing,
    target: Callable[[], Any] = RecordingTarget,
    in_effect: InEffect | None = None,
    wrong: Wrong = (),
    deterministic: bool = True,
    iterations: int = 20,
    clock: Callable[[], Clock] | None = None,
    providers: Providers = NOTHING_PROVIDED,
) -> None:
    """
    See that an injector keeps what every run relies on.

    It declares itself, is a value, refuses wrong parameters, strikes and can prove it, tells no lies about that, brings
    the same faults for the same seed in every run, answers without effects of its own, and is lifted on every way out:
    a run that ends, a step that raises, another injector that does not open, a run that is cancelled, and an exception
    that leaves its context by hand. For code that runs on no event loop.

    Args:
        make: Returns a new injector that strikes every time; called again and again, always with the same result.
        strike: A step in which it strikes, plain or `async def`; by default both, made from its `answers` and `at`.
        idle: A step in which nothing may land; None for an injector that answers at points, but strikes alone as well.
            The default is not tried with one that only opens, or that strikes at the borders of all steps.
        target: Returns a new system under test.
        in_effect: Tells of the target whether the fault is in effect. Pass it for whatever changes the world: it is
            what shows that the change was undone.
        wrong: Keyword arguments that the class must refuse, beside the wrong types and ranges that its signature shows.
        deterministic: Whether the same seed brings the same faults at points.
        iterations: Iterations of each run.
        clock: Returns the clock of a run; by default a `FakeClock` for an injector that answers, so that no delay takes
            any time, else the machine's.
        providers: What is there before the target, by its names, for an injector that strikes in that.

    Raises:
        ConformanceError: A promise is broken; it says which, how that was tried, and what to do.
        TypeError: `strike` is needed and was not given.
    """
    injector = make()
    check_kind(injector)
    _check_declaration(injector)
    check_value(injector, make())
    check_parameters(injector, wrong)
    trial = Trial(make, target, in_effect, iterations, clock or _clock_for(injector), providers)
    idle = None if idle is do_nothing and _strikes_anyway(injector) else idle
    with own_temporary_files():
        if isinstance(injector, Opens):
            check_openings(injector, target, in_effect, trial.clock, providers)
        if isinstance(injector, Answers):
            check_answers(make, deterministic)
        for occasion in _occasions(injector, strike):
            trial.check_evidence(occasion, idle)
            trial.check_repeatable(occasion, deterministic)
            trial.check_lifting(occasion)
    check_value(injector, make())


def _check_declaration(injector: Injector) -> None:
    tried = "looked at the class"
    if not isinstance(getattr(type(injector), "undo", None), Undo):
        raise DECLARES.broken(injector, tried, f"undo is {getattr(injector, 'undo', None)!r}")
    if not isinstance(injector, Opens | Answers):
        raise DECLARES.broken(injector, tried, "it neither opens nor answers")
    if isinstance(injector, Answers):
        kinds: Any = injector.answers
        if not isinstance(kinds, frozenset) or not kinds or not kinds <= set(POINT_KINDS):
            raise DECLARES.broken(injector, tried, f"answers is {kinds!r}, not some of {', '.join(POINT_KINDS)}")
        if not isinstance(injector.at, str | None):
            raise DECLARES.broken(injector, tried, f"at is {injector.at!r}, not a glob or None")


def _strikes_anyway(injector: Injector) -> bool:
    """Tell whether there is no step that gives *injector* no occasion: it only opens, or strikes at every step."""
    return not isinstance(injector, Answers) or fnmatchcase(f"before:{IDLE}", injector.at or "")


def _clock_for(injector: Injector) -> Callable[[], Clock]:
    return FakeClock if isinstance(injector, Answers) else SystemClock


def _occasions(injector: Injector, strike: Step | None) -> Iterator[Occasion]:
    if strike is not None:
        yield Occasion(strike)
    elif isinstance(injector, Answers):
        yield from visit_for(injector).occasions()
    else:
        yield from Visit((), "", {}).occasions()
