"""Raising errors and panics."""

import asyncio
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from chaoscore.errors import InjectedError, InjectedPanic
from chaoscore.events import ErrorInfo, Outcome
from chaoscore.injectors import error, panic
from chaoscore.points import amaybe_error, amaybe_panic, apoint, maybe_delay, maybe_error, maybe_panic, point
from tests.runs import Finished, ran


def failed(run: Finished) -> ErrorInfo:
    """Return what came out of the only step."""
    (info,) = run.errors
    assert info is not None
    return info


# -- error


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ((), ("chaoscore.errors.InjectedError", "injected error")),
        (("InjectedError",), ("chaoscore.errors.InjectedError", "injected error")),
        (("ValueError",), ("ValueError", "injected error")),
        (("ConnectionResetError", "gone"), ("ConnectionResetError", "gone")),
        ((OSError, [111, "no route"]), ("ConnectionRefusedError", "[Errno 111] no route")),
        (("json:JSONDecodeError", ("bad", "{}", 1)), ("json.decoder.JSONDecodeError", "bad: line 1 column 2 (char 1)")),
        (("json.JSONDecodeError", ("bad", "{}", 1)), ("json.decoder.JSONDecodeError", "bad: line 1 column 2 (char 1)")),
        (("KeyError", b"key"), ("KeyError", "b'key'")),
        (("ValueError", ()), ("ValueError", "")),
    ],
)
def test_error(args: tuple[Any, ...], shown: tuple[str, str]) -> None:
    """Any exception type can be raised, by itself or by name, with its arguments, and is marked."""
    info = failed(ran(lambda target: maybe_error(), error(*args)))
    assert (info.type, info.message) == shown
    assert (info.injected_by, info.panic) == ("it", False)


def test_error_strikes() -> None:
    """An error strikes at `maybe_error` and `point`, plain and awaited, and nowhere else."""

    def plain(target: Any) -> None:
        for call in (maybe_delay, maybe_error, maybe_panic, point):
            try:
                call(call.__name__)
            except InjectedError:
                continue

    async def awaited(target: Any) -> None:
        for call in (amaybe_error, amaybe_panic, apoint):
            try:
                await call(call.__name__)
            except InjectedError:
                continue

    assert ran(plain, error()).points == ["maybe_error", "point"]
    assert ran(awaited, error()).points == ["amaybe_error", "apoint"]


def test_error_of_a_class_that_cannot_be_changed() -> None:
    """An exception of a frozen class is raised and marked like any other."""

    @attrs.frozen
    class Frozen(Exception):
        code: int

    assert failed(ran(lambda target: maybe_error(), error(Frozen, [5]))).injected_by == "it"


def test_stop_iteration() -> None:
    """Even a StopIteration, which a coroutine turns into another error, is known as injected."""

    async def step(target: Any) -> None:
        await amaybe_error()

    assert failed(ran(step, error(StopIteration))).injected_by == "it"
    assert failed(ran(lambda target: maybe_error(), error(StopIteration))).injected_by == "it"


@pytest.mark.parametrize(
    ("args", "how", "kind", "text"),
    [
        (
            ("ValueEror",),
            {},
            ValueError,
            "no builtin exception 'ValueEror' (did you mean 'ValueError'?); write module:Name",
        ),
        (("open",), {}, ValueError, "'open' is not an Exception class"),
        (("KeyboardInterrupt",), {}, ValueError, "use panic"),
        ((InjectedPanic,), {}, ValueError, "use panic"),
        ((5,), {}, ValueError, "5 is not an Exception class"),
        ((ValueError("x"),), {}, ValueError, "is not an Exception class"),
        (("no.such:Error",), {}, ValueError, "cannot import exception 'no.such:Error': ModuleNotFoundError"),
        (("json:Nothing",), {}, ValueError, "cannot import exception 'json:Nothing': AttributeError"),
        (("..Error",), {}, ValueError, "cannot import exception '..Error'"),
        (("",), {}, ValueError, "no builtin exception ''"),
        (("json:JSONDecodeError",), {}, ValueError, "JSONDecodeError cannot be made with args ('injected error',)"),
        (("OSError", 5), {}, TypeError, "args must be a list of arguments, not 5"),
        ((), {"probability": "often"}, ValueError, "'often' is not a probability"),
        ((), {"at": 5}, TypeError, "a glob is text"),
    ],
)
def test_error_refused(args: tuple[Any, ...], how: dict[str, Any], kind: type[Exception], text: str) -> None:
    """An error that cannot be raised cannot be built, and the text says why."""
    with pytest.raises(kind, match=re.escape(text)):
        error(*args, **how)


def test_error_of_a_module_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that raises when it is imported is a wrong value, whatever it raises."""
    (tmp_path / "chaoscore_trial_broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        error("chaoscore_trial_broken:Error")


# -- panic


def test_panic() -> None:
    """A panic comes out of a step that handles every Exception, as its message says."""

    def step(target: Any) -> None:
        with suppress(Exception):
            maybe_panic()

    info = failed(ran(step, panic(message="all is lost")))
    assert (info.type, info.message) == ("chaoscore.errors.InjectedPanic", "all is lost")
    assert (info.injected_by, info.panic) == ("it", True)


def test_panic_strikes() -> None:
    """A panic strikes at `maybe_panic` and `point`, plain and awaited, and nowhere else."""

    def plain(target: Any) -> None:
        for call in (maybe_delay, maybe_error, maybe_panic, point):
            try:
                call(call.__name__)
            except InjectedPanic:
                continue

    async def awaited(target: Any) -> None:
        for call in (amaybe_error, amaybe_panic, apoint):
            try:
                await call(call.__name__)
            except InjectedPanic:
                continue

    assert ran(plain, panic()).points == ["maybe_panic", "point"]
    assert ran(awaited, panic()).points == ["amaybe_panic", "apoint"]


def test_panic_in_a_pool() -> None:
    """A panic in a pool's thread comes out of the job's result, and the pool works on."""

    def step(target: Any) -> int:
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(maybe_panic)
            assert pool.submit(int, "5").result() == 5
            job.result()
        raise AssertionError

    assert failed(ran(step, panic())).injected_by == "it"


def test_panics_in_a_group() -> None:
    """A task group of panics is injected, and no error that anybody handled."""

    async def step(target: Any) -> None:
        with suppress(Exception):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(amaybe_panic())

    run = ran(step, panic())
    assert failed(run).injected_by == "it"
    assert run.lifted().fired == 3


@pytest.mark.parametrize(
    ("how", "kind", "text"),
    [
        ({"probability": -1}, ValueError, "between 0 and 1"),
        ({"probability": True}, TypeError, "a probability is a number"),
        ({"message": 5}, TypeError, "message must be text, not 5"),
        ({"at": ""}, ValueError, "a glob must not be empty"),
    ],
)
def test_panic_refused(how: dict[str, Any], kind: type[Exception], text: str) -> None:
    """A wrong panic cannot be built."""
    with pytest.raises(kind, match=re.escape(text)) as caught:
        panic(**how)
    assert len(caught.value.args) == 1


# -- injected or real


def test_wrapped() -> None:
    """An error raised from an injected one is injected, and its outcome is faulted."""

    def step(target: Any) -> None:
        try:
            maybe_error()
        except InjectedError as caught:
            raise ConnectionError("lost") from caught

    run = ran(step, error())
    assert (run.outcomes, failed(run).type, failed(run).injected_by) == ([Outcome.FAULTED], "ConnectionError", "it")


def test_bug_in_a_handler() -> None:
    """An error in the handler of an injected one is real, and the finding says which injector woke it."""

    def step(target: Any) -> None:
        try:
            maybe_error()
        except InjectedError:
            json.loads("{")

    run = ran(step, error())
    info = failed(run)
    assert (run.outcomes, info.injected_by, info.while_handling) == ([Outcome.FAILED], None, "it")
    assert "JSONDecodeError" in info.traceback
    assert "[chaos] injected by 'it' at maybe_error" in info.traceback


def test_real_beside_injected() -> None:
    """A real error is real though injected ones strike in the same run."""

    def step(target: Any) -> None:
        with suppress(InjectedError):
            maybe_error()
        raise KeyError("bug")

    run = ran(step, error())
    assert (run.outcomes, failed(run).injected_by, failed(run).while_handling) == ([Outcome.FAILED], None, None)


@pytest.mark.parametrize(("real", "outcome"), [(False, Outcome.FAULTED), (True, Outcome.FAILED)])
def test_groups(real: bool, outcome: Outcome) -> None:
    """A group of injected errors is injected, and one real error among them makes it real."""

    async def one(number: int) -> None:
        await amaybe_error()

    async def bug() -> None:
        raise KeyError("bug")

    async def step(target: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(one(number))
            if real:
                group.create_task(bug())

    assert ran(step, error()).outcomes == [outcome]


@pytest.mark.parametrize("injector", [error(probability=0), panic(0)])
def test_evidence_absent(injector: Any) -> None:
    """What never strikes has no evidence, though it was asked; at no point at all it is not even asked."""
    asked = ran(lambda target: point("here"), injector, repeat=3)
    assert (asked.lifted().asked, asked.lifted().fired, asked.fired) == (3, 0, [])
    unreached = ran(lambda target: maybe_delay(), injector, repeat=3)
    assert (unreached.lifted().asked, unreached.lifted().fired) == (0, 0)
    assert unreached.report.verdict == "unknown"
