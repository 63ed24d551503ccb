"""What a scenario says: frozen values, none of which can be wrong by itself."""

import functools
import re
from typing import Any, ClassVar
from unittest.mock import AsyncMock, Mock

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoscore.context import Ask
from chaoscore.errors import DuplicateNameError, ScenarioError
from chaoscore.injectors import delay, error
from chaoscore.protocols import Undo
from chaoscore.spec import (
    Injection,
    Limits,
    Spec,
    Step,
    Window,
    Workload,
    check_injector,
    check_name,
    check_scope,
    check_target,
    check_unique,
    check_validator,
    check_window,
    window,
)
from chaoscore.validators import thread_limit

DURATIONS = st.floats(0.001, 1e6)


# -- steps


async def asynchronous(target: Any) -> None:
    """An async step."""


class CallableStep:
    async def __call__(self, target: Any) -> None:
        """Another async step."""


@pytest.mark.parametrize(
    ("call", "is_async"),
    [
        (print, False),
        (lambda target: None, False),
        (asynchronous, True),
        (functools.partial(asynchronous), True),
        (functools.partial(print), False),
        (CallableStep(), True),
        (CallableStep().__call__, True),
        (Mock(), False),
        (AsyncMock(), True),
        (list, False),
    ],
)
def test_step_kind(call: Any, is_async: bool) -> None:
    """A step knows whether it is `async def`, also as a method, a partial or a callable object."""
    assert Step("a", call).is_async is is_async


def generator(target: Any) -> Any:
    yield target


async def async_generator(target: Any) -> Any:
    yield target


@pytest.mark.parametrize(
    ("call", "limit", "kind", "text"),
    [
        (5, None, TypeError, "5 cannot be called; pass a function that takes the target"),
        (generator, None, TypeError, "has a `yield`, so calling it would not run it"),
        (async_generator, None, TypeError, "has a `yield`"),
        (print, 0, ValueError, "limit must be more than 0, not 0.0"),
        (print, "soon", ValueError, "'soon' is not a duration"),
    ],
)
def test_step_refused(call: Any, limit: Any, kind: type[Exception], text: str) -> None:
    """A step that would never run, or has no time to, cannot be built."""
    with pytest.raises(kind, match=re.escape(text)):
        Step("a", call, limit=limit)


# -- workloads


@pytest.mark.parametrize(
    ("parts", "iterations", "phrase"),
    [
        ({}, 1, "1 iteration, 1 worker"),
        ({"repeat": 1000, "workers": 8}, 1000, "1,000 iterations, 8 workers"),
        ({"run_for": "60s"}, None, "60 s, 1 worker"),
        ({"run_for": 60, "repeat": 5}, 5, "5 iterations, at most 60 s, 1 worker"),
        ({"repeat": 2, "rate": 2.5}, 2, "2 iterations, 1 worker, 2.5 per second"),
    ],
)
def test_workload(parts: dict[str, Any], iterations: int | None, phrase: str) -> None:
    """A workload says how many iterations there can be, and itself as a phrase."""
    workload = Workload(**parts)
    assert (workload.iterations, workload.describe()) == (iterations, phrase)


@pytest.mark.parametrize(
    ("parts", "kind", "text"),
    [
        ({"repeat": 0}, ValueError, "repeat must be 1 or more, not 0"),
        ({"repeat": 1.5}, TypeError, "repeat must be a whole number, not 1.5"),
        ({"repeat": True}, TypeError, "repeat must be a whole number, not True"),
        ({"workers": 0}, ValueError, "workers must be 1 or more, not 0"),
        ({"workers": "4"}, TypeError, "workers must be a whole number, not '4'"),
        ({"run_for": 0}, ValueError, "run_for must be more than 0"),
        ({"run_for": "60"}, ValueError, "did you mean '60s'?"),
        ({"rate": 0}, ValueError, "rate must be finite and more than 0 per second, not 0"),
        ({"rate": float("nan")}, ValueError, "rate must be finite and more than 0 per second, not nan"),
        ({"rate": float("inf")}, ValueError, "rate must be finite"),
        ({"rate": "5"}, TypeError, "rate must be a number of iterations per second, not '5'"),
        ({"rate": True}, TypeError, "rate must be a number"),
    ],
)
def test_workload_refused(parts: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A workload without iterations, time, workers or pace cannot be built."""
    with pytest.raises(kind, match=re.escape(text)) as caught:
        Workload(**parts)
    assert len(caught.value.args) == 1


# -- windows


@pytest.mark.parametrize(
    ("built", "phrase"),
    [
        (window(), "the whole run"),
        (window("5s"), "from 5 s"),
        (window(until="90s"), "until 90 s"),
        (window("5s", "10s"), "from 5 s, until 10 s"),
        (window(every="10s", for_="2s"), "every 10 s for 2 s"),
        (window(probability="25%"), "in 25% of iterations"),
        (window("1s", every="10s", for_="2s", probability=0.5), "from 1 s, every 10 s for 2 s, in 50% of openings"),
    ],
)
def test_window(built: Window, phrase: str) -> None:
    """A window says itself as a phrase."""
    assert built.describe() == phrase


def test_window_share() -> None:
    """A probability is a share of iterations, or of openings where there are several."""
    assert window(probability=0.25).share == 0.25
    assert window(every=2, for_=1, probability=0.25).share == 1.0


@pytest.mark.parametrize(
    ("parts", "kind", "text"),
    [
        ({"start": "soon"}, ValueError, "'soon' is not a duration"),
        ({"start": 5, "until": 5}, ValueError, "until 5 s must come after start 5 s"),
        ({"start": 5, "until": 1}, ValueError, "until 1 s must come after start 5 s"),
        ({"until": 0}, ValueError, "until 0 s must come after start 0 s"),
        ({"every": 5}, ValueError, "every and for_ go together: every='10s', for_='2s'"),
        ({"for_": 5}, ValueError, "every and for_ go together"),
        ({"every": 2, "for_": 2}, ValueError, "for_ 2 s must be shorter than every 2 s"),
        ({"every": 0, "for_": 0}, ValueError, "every must be more than 0"),
        ({"every": 1, "for_": 0}, ValueError, "for_ must be more than 0"),
        ({"probability": 2}, ValueError, "between 0 and 1"),
        ({"start": True}, TypeError, "a duration is seconds"),
    ],
)
def test_window_refused(parts: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A window whose offsets contradict each other cannot be built."""
    with pytest.raises(kind, match=re.escape(text)):
        window(**parts)


@given(st.tuples(DURATIONS, DURATIONS), st.tuples(DURATIONS, DURATIONS), st.floats(0, 1))
def test_any_window(offsets: tuple[float, float], opening: tuple[float, float], share: float) -> None:
    """A window of any durations is either consistent or refused."""
    try:
        built = window(*offsets, every=opening[0], for_=opening[1], probability=share)
    except ValueError:
        assert offsets[1] <= offsets[0] or opening[1] >= opening[0]
        return
    assert built.start_s < (built.until_s or 0)
    assert (built.for_s or 0) < (built.every_s or 0)
    assert built.describe()


# -- limits


def test_limits() -> None:
    """Limits have defaults, and take durations as people write them."""
    limits = Limits(step="5s", hook=2)
    assert (limits.step_s, limits.hook_s, limits.drain_s) == (5.0, 2.0, 10.0)


@pytest.mark.parametrize("name", ["step", "hook", "drain", "run"])
def test_limits_refused(name: str) -> None:
    """A limit of no time cannot be built."""
    with pytest.raises(ValueError, match=f"{name} must be more than 0"):
        Limits(**{name: 0})


# -- names


@pytest.mark.parametrize("name", ["a", "a b", "db.read", "größe", "x" * 200, "'"])
def test_name(name: str) -> None:
    """Any short printable text is a name."""
    assert check_name("here", "its name", name) == name


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "x" * 201, "\x1b[31m", "a\u202eb", None, 5, b"a", ["a"]])
def test_name_refused(name: Any) -> None:
    """What is empty, long, no text, or would garble a report is no name."""
    with pytest.raises(ScenarioError, match=r"here: its name is .*; give it a short printable name"):
        check_name("here", "its name", name)


def test_scope_refused() -> None:
    """A scope with a dot could never have points, so it is no scope."""
    assert check_scope("here", "db") == "db"
    with pytest.raises(ScenarioError, match=r"here: its scope 'db\.replica' has a dot.*before the first dot: 'db'"):
        check_scope("here", "db.replica")


def test_unique() -> None:
    """A name that is taken is refused with what it names."""
    check_unique("here", "step", "a", {"b"})
    with pytest.raises(DuplicateNameError, match="here: there are two steps named 'a'; give each its own name"):
        check_unique("here", "step", "a", {"a"})


# -- parts


def part(**members: Any) -> Any:
    return type("Part", (), {"__repr__": lambda self: "a part", **members})()


ANSWERS = {"answers": frozenset({"point"}), "at": None, "answer": lambda self, ask: None}


@pytest.mark.parametrize(
    "injector",
    [
        delay(1),
        error(),
        part(kind="a", undo=Undo.TTL, open=lambda self, site: None),
        part(kind="a", undo=Undo.TTL, **ANSWERS),
    ],
)
def test_injector(injector: Any) -> None:
    """An injector opens or answers, and says its kind and how it is undone."""
    assert check_injector("here", injector) is injector


@pytest.mark.parametrize(
    ("injector", "text"),
    [
        (delay, "is not an injector; pass an injector value such as delay('5ms')"),
        (None, "None is not an injector"),
        ("delay", "'delay' is not an injector"),
        (part(undo=Undo.TTL, **ANSWERS), "a part is not an injector"),
        (part(kind=5, undo=Undo.TTL, **ANSWERS), "a part is not an injector"),
        (part(kind="a", undo=Undo.TTL), "injector a part can do nothing; give it `open` or `answer`"),
        (part(kind="a", undo=Undo.TTL, answer=print), "injector a part can do nothing"),
        (part(kind="a", **ANSWERS), "does not say how it is undone; add `undo = Undo.KERNEL`"),
        (part(kind="a", undo="kernel", **ANSWERS), "does not say how it is undone"),
        (
            part(kind="a", undo=Undo.TTL, **ANSWERS | {"answers": {"erorr"}}),
            "answers 'erorr', which nothing asks (did you mean 'error'?)",
        ),
        (part(kind="a", undo=Undo.TTL, **ANSWERS | {"at": 5}), "is at 5; give it a glob as text, or None"),
        (thread_limit(5), "can do nothing"),
    ],
)
def test_injector_refused(injector: Any, text: str) -> None:
    """What is no injector is refused with what it lacks."""
    with pytest.raises(ScenarioError, match=re.escape(text)) as caught:
        check_injector("here", injector)
    assert caught.value.where == "here"


class Target:
    """A target without hooks."""


@pytest.mark.parametrize(
    "target", [Target(), "text", 5, [], {}, part(setup=print, teardown=print, health=print), part(_tearDown=print)]
)
def test_target(target: Any) -> None:
    """Any object that steps can use is a target."""
    assert check_target("here", target) is target


def test_target_with_both_spellings() -> None:
    """A second spelling beside the right hook, and something that is no method, is the target's own affair."""
    check_target("here", part(setup=print, setUp=print, HEALTH=100, Health=100))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("tearDown", "teardown"),
        ("tear_down", "teardown"),
        ("setUp", "setup"),
        ("set_up", "setup"),
        ("Health", "health"),
    ],
)
def test_target_misspelt(name: str, right: str) -> None:
    """A hook that is spelt otherwise, and so would never be called, is refused with the right name."""
    with pytest.raises(ScenarioError, match=f"Part has '{name}', which is never called; rename it to '{right}'"):
        check_target("here", part(**{name: lambda self: None}))


@pytest.mark.parametrize("target", [None, Target])
def test_target_refused(target: Any) -> None:
    """None and a class are no targets."""
    with pytest.raises(ScenarioError, match="is not a target; pass an object"):
        check_target("here", target)


def test_validator() -> None:
    """A validator has kind, severity and start."""
    validator = thread_limit(5)
    assert check_validator("here", validator) is validator


@pytest.mark.parametrize("validator", [thread_limit, None, 5, delay(1), part(kind="a", start=print)])
def test_validator_refused(validator: Any) -> None:
    """What is no validator is refused with an example."""
    with pytest.raises(ScenarioError, match=r"is not a validator; pass .*thread_limit\(200\)"):
        check_validator("here", validator)


def test_window_of_another_type() -> None:
    """A window is a window; none means the whole run."""
    assert check_window("here", None) == Window()
    with pytest.raises(ScenarioError, match=r"'5s' is not a window; pass window\(\.\.\.\)"):
        check_window("here", "5s")


# -- the whole


def test_problems() -> None:
    """A spec says everything that keeps it from being run, each with place and remedy."""
    problems = [str(problem) for problem in Spec(name="x").problems()]
    assert problems == [
        "scenario 'x': it has no target; add .target(...)",
        "scenario 'x': it has no step; add .step(name, callable)",
    ]


def border(at: str) -> list[str]:
    spec = Spec(
        name="x",
        subject=Target(),
        step_list=(Step("buy", print), Step("a:b", print)),
        injections=(Injection("slow", delay(1, at=at)),),
    )
    return [str(problem) for problem in spec.problems()]


@pytest.mark.parametrize("at", ["before:buy", "after:b*", "before:*", "after:a:b", "db.*", "*", "during:x", "before"])
def test_border(at: str) -> None:
    """An injector may be at the border of a step that there is."""
    assert border(at) == []


def test_border_of_no_step() -> None:
    """An injector at the border of a step that there is not is a problem, with a near-miss hint."""
    (problem,) = border("before:buyy")
    assert problem == (
        "scenario 'x', injector 'slow': it strikes at 'before:buyy', and there is no such step (did you mean 'buy'?); "
        "name a step, or match one with *"
    )


def test_target_name() -> None:
    """A target is called by its name where it has one as text, else by its class."""
    assert Spec(name="x", subject=part(name="shop")).target_name == "shop"
    assert Spec(name="x", subject=part(name=5)).target_name == "Part"

    class Unready:
        @property
        def name(self) -> str:
            raise ConnectionError("set it up first")

    assert Spec(name="x", subject=Unready()).target_name == "Unready"


def test_secrets_are_not_shown() -> None:
    """The text of a spec does not show what must not be shown."""
    assert "hunter2" not in repr(Spec(name="x", secrets=frozenset({"hunter2"})))


@pytest.mark.parametrize(
    "value", [Step("a", print), Workload(), Window(), Limits(), Spec(name="x"), Injection("a", delay(1))]
)
def test_frozen(value: Any) -> None:
    """Nothing of a spec can be changed."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        value.name = "other"


class Answering:
    """An injector whose open fault answers."""

    kind: ClassVar[str] = "answering"
    undo = Undo.KERNEL
    answers = frozenset({"point"})
    at = None

    def answer(self, ask: Ask) -> None:
        """Never strike."""


def test_equal() -> None:
    """Two specs that say the same are equal."""
    same = Answering()
    one, two = (Spec(name="x", injections=(Injection("a", same),)) for _ in range(2))
    assert one == two
    assert one != Spec(name="x")
