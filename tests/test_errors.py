"""The framework's own errors say what, where and what to do; injected ones are told from real ones."""

import asyncio
import dataclasses
import traceback
from collections.abc import Callable
from typing import TypeVar

import attrs
import pytest

from chaoscore import errors
from chaoscore.errors import (
    BlockingCallError,
    CancelReason,
    ChaosError,
    DeadlineError,
    DuplicateNameError,
    EventLogError,
    InjectedError,
    InjectedPanic,
    InjectedTimeout,
    InvalidScenarioError,
    PluginError,
    ScenarioError,
    StuckStepError,
    UnknownNameError,
    injected_by,
    is_injected,
    mark_injected,
    near_miss,
)

E = TypeVar("E", bound=BaseException)


def marked(error: E, injector: str = "slow") -> E:
    mark_injected(error, injector, "db.read")
    return error


def raised(function: Callable[[], None]) -> BaseException:
    """Return what *function* raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any at all
        function()
    return caught.value


# -- what they say
# ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text", "builtin"),
    [
        (
            ScenarioError("'orders': step 2", "5 cannot be called", "pass a function"),
            "'orders': step 2: 5 cannot be called; pass a function",
            ValueError,
        ),
        (
            DuplicateNameError("scenario 'x', step 'a'", "step", "a"),
            "scenario 'x', step 'a': there are two steps named 'a'; give each its own name",
            ValueError,
        ),
        (
            UnknownNameError("x.toml: injectors.slow", "injector", "dealy", ["panic", "delay"]),
            (
                "x.toml: injectors.slow: no injector 'dealy' (did you mean 'delay'?); "
                "have delay, panic; see `chaoscore plugins`"
            ),
            LookupError,
        ),
        (
            UnknownNameError("x.toml", "target", "shop", []),
            "x.toml: no target 'shop'; have none; see `chaoscore plugins`",
            LookupError,
        ),
        (
            PluginError("sql", "chaos-sql 1.0", "no module named 'psycopg'"),
            "plugin 'sql' of chaos-sql 1.0: no module named 'psycopg'; see `chaoscore plugins`",
            ChaosError,
        ),
        (
            BlockingCallError("maybe_delay", "amaybe_delay"),
            "maybe_delay() would block the running event loop; write `await amaybe_delay()` here",
            RuntimeError,
        ),
        (
            DeadlineError("target", "setup", 60.0),
            "target: setup did not return within 60 s and was given up",
            TimeoutError,
        ),
        (
            EventLogError("run.jsonl", 3, "not JSON"),
            "run.jsonl, line 3: not JSON; expected a file written by `--events`",
            ValueError,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_text(error: ChaosError, text: str, builtin: type[Exception]) -> None:
    """An error says what, where and what to do, and can be caught as the builtin that it is like."""
    assert str(error) == text
    assert isinstance(error, builtin)
    assert isinstance(error, ChaosError)


def test_values() -> None:
    """An error keeps the values that it was made from."""
    error = UnknownNameError("x.toml", "injector", "dealy", ["panic", "delay"])
    assert (error.where, error.what, error.name, error.known) == ("x.toml", "injector", "dealy", ("delay", "panic"))


def test_everything_at_once() -> None:
    """An invalid scenario says all that is wrong with it, one line each, and keeps the single errors."""
    problems = [ScenarioError("scenario 'x'", "it has no target", "add one"), DuplicateNameError("here", "step", "a")]
    error = InvalidScenarioError("scenario 'x'", problems)
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == ["scenario 'x': 2 problem(s):", *(f"  - {each}" for each in problems)]


def test_one_tree() -> None:
    """Every error of the framework is a ChaosError, and nothing that is injected is one."""
    own = {each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, BaseException)}
    injected = {InjectedError, InjectedPanic, InjectedTimeout, StuckStepError}
    assert injected <= own
    assert {each for each in own if not issubclass(each, ChaosError)} == injected


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("dealy", ["delay", "panic"], " (did you mean 'delay'?)"),
        ("delay", [], ""),
        ("zzz", ["delay", "panic"], ""),
        ("", ["delay"], ""),
    ],
)
def test_near_miss(name: str, known: list[str], hint: str) -> None:
    """A name close to a known one gets a hint, and others get none."""
    assert near_miss(name, known) == hint


# -- panics, errors, time-outs
# ----------------------------------------------------------------------------------------------------------------------


def test_panic_is_no_exception() -> None:
    """`except Exception` misses a panic and a step that is ended, and catches an injected error and time-out."""
    assert not issubclass(InjectedPanic, Exception)
    assert not issubclass(StuckStepError, Exception)
    assert issubclass(InjectedError, Exception)
    assert issubclass(InjectedTimeout, TimeoutError)


# -- marks
# ----------------------------------------------------------------------------------------------------------------------


def test_real() -> None:
    """What no injector raised is real."""
    error = raised(lambda: int("x"))  # type: ignore[arg-type]
    assert injected_by(error) is None
    assert not is_injected(error)


@pytest.mark.parametrize(
    "error", [InjectedError("x"), OSError(5, "io"), InjectedPanic("p"), InjectedTimeout(), KeyError()]
)
def test_marked(error: BaseException) -> None:
    """A marked error names its injector, and its traceback says where it struck."""
    mark_injected(error, "slow", "db.read")
    assert injected_by(error) == "slow"
    assert is_injected(error)
    assert "[chaos] injected by 'slow' at db.read" in "".join(traceback.format_exception(error))


def test_type_alone_is_no_mark() -> None:
    """An InjectedError that somebody else raises is not injected."""
    assert injected_by(InjectedError("mine")) is None


def test_other_notes_stay() -> None:
    """Marking an error keeps the notes that it has."""
    error = ValueError("x")
    error.add_note("mine")
    assert marked(error).__notes__ == ["mine", "[chaos] injected by 'slow' at db.read"]


@dataclasses.dataclass(frozen=True)
class FrozenData(Exception):
    code: int = 5


@attrs.frozen
class FrozenAttrs(Exception):
    code: int = 5


class NoNewAttributes(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


@pytest.mark.parametrize("error", [FrozenData(), FrozenAttrs(), NoNewAttributes()])
def test_frozen(error: Exception) -> None:
    """An exception class that lets nobody set attributes can be injected all the same."""
    assert injected_by(marked(error)) == "slow"
    assert "[chaos]" in "".join(traceback.format_exception(error))


def test_cause() -> None:
    """An error raised explicitly from an injected one is injected, over any number of steps."""

    def wrap() -> None:
        try:
            try:
                raise marked(InjectedError("x"))
            except InjectedError as error:
                raise ConnectionError("lost") from error
        except ConnectionError as error:
            raise RuntimeError("cannot save") from error

    assert injected_by(raised(wrap)) == "slow"


def test_handler() -> None:
    """An error in the handler of an injected one is real: it is a bug of the handler."""

    def handle() -> None:
        try:
            raise marked(InjectedError("x"))
        except InjectedError:
            raise KeyError("the bug")  # noqa: B904 - it is

    error = raised(handle)
    assert isinstance(error.__context__, InjectedError)
    assert injected_by(error) is None


def test_from_none() -> None:
    """An error that hides where it comes from is real."""

    def hide() -> None:
        try:
            raise marked(InjectedError("x"))
        except InjectedError:
            raise ValueError("bad") from None

    assert injected_by(raised(hide)) is None


def test_circle() -> None:
    """A circle of causes ends."""
    one, two = ValueError(1), ValueError(2)
    one.__cause__, two.__cause__ = two, one
    assert injected_by(one) is None


@pytest.mark.parametrize(
    ("members", "injector"),
    [
        (lambda: [marked(InjectedError()), marked(OSError(), "other")], "slow"),
        (lambda: [marked(InjectedError()), ValueError()], None),
        (lambda: [ValueError(), marked(InjectedError())], None),
        (lambda: [ExceptionGroup("inner", [marked(InjectedError())]), marked(OSError(), "other")], "slow"),
        (lambda: [ExceptionGroup("inner", [marked(InjectedError()), ValueError()]), marked(OSError())], None),
    ],
)
def test_group(members: Callable[[], list[Exception]], injector: str | None) -> None:
    """A group is injected if all of it is, at any depth; one real error makes it real."""
    assert injected_by(ExceptionGroup("tasks", members())) == injector


def test_group_of_panics() -> None:
    """A group of panics and cancellations is injected if all of it is."""
    cancelled = asyncio.CancelledError(CancelReason("stop"))
    assert injected_by(BaseExceptionGroup("tasks", [cancelled, marked(InjectedPanic())])) == "stop"
    assert injected_by(BaseExceptionGroup("tasks", [asyncio.CancelledError(), marked(InjectedPanic())])) is None


def test_marked_group() -> None:
    """A group that was itself injected is injected, whatever is in it."""
    assert injected_by(marked(ExceptionGroup("x", [ValueError()]))) == "slow"


def test_cancellation() -> None:
    """A cancellation is injected if its message says so; the real ones are not."""
    assert injected_by(asyncio.CancelledError(CancelReason("stop"))) == "stop"
    assert injected_by(asyncio.CancelledError()) is None
    assert injected_by(asyncio.CancelledError("injected by 'stop'")) is None
    assert str(CancelReason("stop")) == "injected by 'stop'"
