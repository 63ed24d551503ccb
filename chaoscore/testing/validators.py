"""The conformance of validators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chaoscore.events import Event
from chaoscore.protocols import Checker, Checks, Concludes, Moment, Observes, Validator
from chaoscore.testing.hand import judge
from chaoscore.testing.histories import History, Showing
from chaoscore.testing.hostile import HostileTarget
from chaoscore.testing.promises import Promise
from chaoscore.testing.recorders import RecordingTarget
from chaoscore.testing.traces import left_since, own_temporary_files, traces
from chaoscore.testing.values import REFUSES, Wrong, check_kind, check_parameters, check_value, remade
from chaoscore.verdict import Severity

WEIGHS = Promise(
    "its severity can be set, and is what its findings weigh",
    "give it the field `severity: Severity = attrs.field(default=Severity.CRITICAL, converter=Severity, kw_only=True)`",
)
JUDGES = Promise(
    "each `start` returns a checker of its own, which observes, checks or concludes",
    "return a new object with `observes` and `observe`, with `moments`, `every_s` and `check`, or with `conclude`",
)
HOLDS = Promise("it finds nothing where all is well", "correct the rule, or the history that was passed as `holds=`")
FINDS = Promise(
    "it finds what is broken, and says it in a sentence",
    "correct the rule, or the history that was passed as `broken=`; return a `chaoscore.Violation` with the values",
)
SHARES_NOTHING = Promise(
    "nothing of one run is left in another",
    "keep counts and memories in the checker that `start` returns, not in the validator, its class or its module",
)
NEVER_GUESSES = Promise(
    "where it cannot tell, it does not say that all is well",
    "let what the target raises out of the checker, which makes the run unknown, or return a violation",
)
HOOKS_HOLD = Promise(
    "its hooks do not raise, whatever happened in the run, or did not", "see the error; an empty run has no iterations"
)
LEAVES_NOTHING = Promise("it leaves nothing behind", "close what the checker opened before `conclude` returns")


def check_validator(
    make: Callable[[], Validator],
    *,
    holds: History,
    broken: History,
    target: Callable[[], Any] = RecordingTarget,
    wrong: Wrong = (),
    iterations: int = 20,
) -> None:
    """
    See that a validator keeps what every run relies on.

    It says what it is, is a value, refuses wrong parameters, can be given any severity, holds where all is well, finds
    what is broken, starts anew in every run, does not raise where nothing happened, does not take a target that cannot
    be asked for one that is well, and leaves nothing behind.

    Args:
        make: Returns a new validator; called again and again, always with the same result.
        holds: A step in whose runs all is well, or the events of such a run.
        broken: A step in whose runs something is wrong that it must find, or the events of such a run.
        target: Returns a new system under test.
        wrong: Keyword arguments that the class must refuse, beside the wrong types and ranges that its signature shows.
        iterations: How often a step is run.

    Raises:
        ConformanceError: A promise is broken; it says which, how that was tried, and what to do.
    """
    validator = make()
    check_kind(validator)
    check_value(validator, make())
    _check_severity(validator)
    check_parameters(validator, wrong)
    with own_temporary_files():
        before = traces()
        _check_judgements(Showing(target, iterations), validator, holds, broken)
        left = left_since(before)
        if left:
            raise LEAVES_NOTHING.broken(validator, "ran it and drove it by hand", "; ".join(left))
    check_value(validator, make())


def _check_judgements(showing: Showing, validator: Validator, holds: History, broken: History) -> None:
    _check_start(showing, validator)
    _holds(showing, validator, holds, HOLDS)
    _finds(showing, validator, broken)
    _holds(showing, validator, holds, SHARES_NOTHING)
    _finds(showing, validator, broken)
    with HOOKS_HOLD.kept(validator, "showed it a run in which nothing happened"):
        showing.by_hand(validator, ())
    _shares_nothing(showing, validator, holds, broken)
    _does_not_guess(validator, showing.events(holds))


def _check_severity(validator: Validator) -> None:
    if not isinstance(validator.severity, Severity):
        raise WEIGHS.broken(validator, "read `severity`", f"it is {validator.severity!r}")
    for severity in Severity:
        tried = f"made one with severity={severity.value!r}"
        with WEIGHS.kept(validator, tried):
            weight = remade(validator, severity=severity).severity
        if weight is not severity:
            raise WEIGHS.broken(validator, tried, f"its severity is {weight!r}")
    try:
        remade(validator, severity="no such severity")
    except (TypeError, ValueError):
        return
    raise REFUSES.broken(validator, "made one with severity='no such severity'", "it was accepted")


def _check_start(showing: Showing, validator: Validator) -> None:
    with JUDGES.kept(validator, "called `start` twice"):
        one, two = showing.started(validator, 2)
    if one is two or one is validator:
        raise JUDGES.broken(validator, "called `start` twice", "it returned the same object twice")
    problem = _problem_of(one)
    if problem:
        raise JUDGES.broken(validator, "looked at its checker", problem)


def _problem_of(checker: Checker) -> str | None:
    if not isinstance(checker, Observes | Checks | Concludes):
        return "it neither observes nor checks nor concludes"
    if isinstance(checker, Observes):
        kinds: Any = checker.observes
        if not isinstance(kinds, tuple) or not all(_is_event_type(each) for each in kinds):
            return f"observes is {kinds!r}, not a tuple of event types"
    if isinstance(checker, Checks):
        moments: Any = checker.moments
        if not isinstance(moments, frozenset) or not all(isinstance(each, Moment) for each in moments):
            return f"moments is {moments!r}, not a frozenset of `chaoscore.Moment`"
        if Moment.DURING in moments and not checker.every_s > 0:
            return f"every_s is {checker.every_s!r}, not more than 0"
    return None


def _is_event_type(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Event)


def _holds(showing: Showing, validator: Validator, history: History, promise: Promise) -> None:
    found, failure = showing.findings(validator, history)
    tried = "showed it the history in which all is well"
    if promise is SHARES_NOTHING:
        tried += ", after the broken one"
    if failure:
        raise HOOKS_HOLD.broken(validator, tried, failure)
    if found:
        raise promise.broken(validator, tried, f"it found: {found[0]}")


def _finds(showing: Showing, validator: Validator, history: History) -> None:
    found, failure = showing.findings(validator, history)
    tried = "showed it the broken history"
    if failure:
        raise HOOKS_HOLD.broken(validator, tried, failure)
    if not found:
        raise FINDS.broken(validator, tried, "it found nothing")
    if not all(each.strip() for each in found):
        raise FINDS.broken(validator, tried, "it found something, and did not say what")


def _shares_nothing(showing: Showing, validator: Validator, holds: History, broken: History) -> None:
    tried = "showed the broken history to one checker while another one saw the history in which all is well"
    with SHARES_NOTHING.kept(validator, tried):
        found = showing.beside(validator, showing.events(holds), showing.events(broken))
    if found:
        raise SHARES_NOTHING.broken(validator, tried, f"the other one found: {found[0].message}")


def _does_not_guess(validator: Validator, events: Sequence[Event]) -> None:
    target = HostileTarget()
    try:
        found = judge(validator, events, target=target)
    except Exception:  # noqa: BLE001 - that is what it should do: the run is then unknown
        return
    if target.asked and not found:
        tried = "showed it a target that raises whatever it is asked"
        raise NEVER_GUESSES.broken(validator, tried, f"it asked for {target.asked[0]}, and found nothing")
