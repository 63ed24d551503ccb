"""Actions that return, raise or say something."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from functools import partial
from io import StringIO
from random import Random
from typing import Any

import pytest

from chaos_failpoint import Failpoint, FailpointPanic, MisplacedError, Moment, NotAllowedError, armed
from chaoscore import Recorded, injected_by
from chaoscore.testing import run_once

CALLS: list[tuple[str, tuple[Any, ...]]] = []


def record(moment: Moment, *args: Any) -> object:
    """Is named by terms below."""
    CALLS.append((moment.name, args))
    return args[0] if args else None


async def arecord(moment: Moment, *args: Any) -> object:
    """Is named by terms below."""
    await asyncio.sleep(0)
    return record(moment, *args)


def spoil(value: str, rng: Random, *args: Any) -> list[Any]:
    """Is named by terms below."""
    return [value, rng.random(), *args]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name by which terms find this module."""
    CALLS.clear()
    monkeypatch.setitem(sys.modules, "speaking_actions", sys.modules[__name__])
    return "speaking_actions"


# -- raising


def test_panic(fp: Failpoint) -> None:
    """A panic is missed by `except Exception`, says who is to blame, and is known as injected."""

    def careless() -> None:
        with suppress(Exception):
            fp.hit()

    with armed("db.commit", 'panic("boom")'), pytest.raises(FailpointPanic, match="boom") as caught:
        careless()
    assert injected_by(caught.value) == "failpoint db.commit"
    assert caught.value.__notes__ == ["[chaos] injected by 'failpoint db.commit' at db.commit"]


def test_panic_without_words(fp: Failpoint) -> None:
    """A panic that was given no text names its failpoint."""
    with armed("db.commit", "panic"), pytest.raises(FailpointPanic, match=r"^failpoint db\.commit panic"):
        fp.hit()


def test_raise(fp: Failpoint) -> None:
    """Any exception class can be raised, with literals; each hit raises a new one, marked as injected."""
    errors = []
    with armed("db.commit", 'raise(ConnectionResetError, 104, "peer reset")'):
        for _ in range(2):
            with pytest.raises(ConnectionResetError) as caught:
                fp.hit()
            errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert errors[0].args == (104, "peer reset")
    assert injected_by(errors[0]) == "failpoint db.commit"


def test_raise_by_path(fp: Failpoint) -> None:
    """Exception classes of modules are found by path, with a colon or without; `BaseException`s can be raised too."""
    for path in ("asyncio:CancelledError", "asyncio.exceptions.CancelledError"):
        with armed("db.commit", f"raise({path})"), pytest.raises(asyncio.CancelledError):
            fp.hit()


def test_raise_with_wrong_arguments(fp: Failpoint) -> None:
    """An exception class that takes other arguments says so, as its constructor does."""
    with armed("db.commit", "raise(UnicodeDecodeError)"), pytest.raises(TypeError, match="5 arguments"):
        fp.hit()


# -- cancelling


@pytest.mark.parametrize(
    ("terms", "message"), [("cancel", "injected by 'failpoint db.commit'"), ("cancel(late)", "late")]
)
def test_cancel(fp: Failpoint, terms: str, message: str) -> None:
    """The current task is cancelled at the failpoint itself, and the cancellation is known as injected."""

    async def use() -> None:
        with armed("db.commit", terms):
            await fp.ahit()
            pytest.fail("it went on")

    with pytest.raises(asyncio.CancelledError) as caught:
        asyncio.run(use())
    assert injected_by(caught.value) == "failpoint db.commit"
    assert str(caught.value.args[0]) == message


def test_cancel_in_plain_code_of_a_task(fp: Failpoint) -> None:
    """Plain code in a task cancels it, too; that takes effect at the next `await`."""

    async def use() -> list[str]:
        log = []
        with armed("db.commit", "1*cancel"):
            fp.hit()
            log.append("went on")
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                log.append("cancelled")
        return log

    assert asyncio.run(use()) == ["went on", "cancelled"]


def test_cancel_without_a_task(fp: Failpoint) -> None:
    """Where no task runs, there is nothing to cancel, and the first hit says so."""
    with armed("db.commit", "cancel"), pytest.raises(MisplacedError, match=r"'db\.commit': cancel: no asyncio task"):
        fp.hit()


@pytest.mark.parametrize("swallows", [False, True])
def test_cancel_of_a_task_that_awaits_nothing(fp: Failpoint, swallows: bool) -> None:
    """A task that ends without any `await` is cancelled all the same, and counts, unless it ends with its own error."""

    async def child() -> None:
        fp.hit()
        if swallows:
            raise KeyError

    async def use() -> BaseException | None:
        (end,) = await asyncio.gather(asyncio.create_task(child()), return_exceptions=True)
        return end

    with armed("db.commit", "cancel") as it:
        assert type(asyncio.run(use())) is (KeyError if swallows else asyncio.CancelledError)
    assert (it.hits, it.fired) == (1, 0 if swallows else 1)


def test_cancel_counts_when_it_strikes(fp: Failpoint) -> None:
    """A cancellation is no fault that has landed while its task goes on, only once that awaits something."""

    async def use() -> list[int]:
        fired = []
        with armed("db.commit", "2*cancel") as it:
            for hit in (fp.hit, fp.ahit):
                try:
                    awaitable = hit()
                    fired.append(it.fired)
                    await (awaitable or asyncio.sleep(0))  # type: ignore[misc]
                except asyncio.CancelledError:
                    fired.append(it.fired)
        return fired

    assert asyncio.run(use()) == [0, 1, 1, 2]


# -- saying


def test_print(fp: Failpoint, caplog: pytest.LogCaptureFixture) -> None:
    """A line goes to the log of the package, with the text that was given or the name."""
    with armed("db.commit", "1*print(still alive! %s)->print"), caplog.at_level(logging.INFO, "chaos_failpoint"):
        assert fp.hit() is None
        fp.hit()
    assert [each.getMessage() for each in caplog.records] == ["still alive! %s", "failpoint db.commit executed"]
    assert {each.name for each in caplog.records} == {"chaos_failpoint"}


class Terminal(StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stdin", "stops"), [(Terminal(), 1), (StringIO(), 0), (None, 0)])
def test_break(fp: Failpoint, monkeypatch: pytest.MonkeyPatch, stdin: Any, stops: int) -> None:
    """The debugger is entered where there is a terminal; elsewhere nothing happens, and no fault is counted."""
    entered: list[int] = []
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "breakpointhook", lambda: entered.append(1))
    with armed("db.commit", "break") as it:
        fp.hit()
    assert (len(entered), it.fired, it.hits) == (stops, stops, 1)


# -- calling


def test_call(fp: Failpoint, here: str) -> None:
    """A function is called with the moment and the literals; what it returns is handed out, unless it is None."""
    with armed("db.commit", f"1*call({here}:record, 5, 'a')->call({here}:record)"):
        first, second = fp.hit(), fp.hit()
    assert first is not None
    assert first.value == 5
    assert second is None
    assert CALLS == [("db.commit", (5, "a")), ("db.commit", ())]


def test_call_in_a_task(fp: Failpoint, here: str) -> None:
    """In a task, both plain and async functions can be called."""

    async def use() -> list[object]:
        with armed("db.commit", f"1*call({here}:record, 1)->1*call({here}:arecord, 2)->call({here}:arecord)"):
            results = [await fp.ahit() for _ in range(3)]
        return [each and each.value for each in results]

    assert asyncio.run(use()) == [1, 2, None]


def test_call_of_an_async_function_in_plain_code(fp: Failpoint, here: str) -> None:
    """An async function cannot be called by plain code, and the error says what to write."""
    with armed("db.commit", f"call({here}:arecord)"), pytest.raises(MisplacedError, match=r"await fp\.ahit\(\)"):
        fp.hit()


class Callee:
    """Is called as a function is."""

    async def __call__(self, moment: Moment) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("function", [arecord, partial(arecord), Callee(), Callee().__call__])
def test_an_async_function_is_not_even_called(fp: Failpoint, function: Any) -> None:
    """An async function in any form is known as one, so that nothing counts as fired which did not happen."""
    with armed("db.commit", function) as it, pytest.raises(MisplacedError):
        fp.hit()
    assert (it.hits, it.fired) == (1, 0)


def test_call_that_gives_an_awaitable_back(fp: Failpoint) -> None:
    """A plain function that gives an awaitable back is refused as well; it was called, which counts."""
    made: list[object] = []

    def make(moment: Moment) -> object:
        made.append(fp.fired)
        return arecord(moment)

    with armed("db.commit", make) as it, pytest.raises(MisplacedError):
        fp.hit()
    assert (made, it.fired) == ([1], 1)


def test_call_that_raises(fp: Failpoint) -> None:
    """What a function raises comes out of the failpoint, and is nobody's injected fault."""

    def fail(moment: Moment) -> None:
        raise LookupError(moment.name)

    with armed("db.commit", fail), pytest.raises(LookupError) as caught:
        fp.hit()
    assert injected_by(caught.value) is None


def test_call_can_inject(fp: Failpoint) -> None:
    """A function that wants its error to count as injected marks it with `Moment.injected`."""

    def fail(moment: Moment) -> None:
        raise moment.injected(OSError("gone"))

    with armed("db.commit", fail), pytest.raises(OSError, match="gone") as caught:
        fp.hit()
    assert injected_by(caught.value) == "failpoint db.commit"


# -- values


def test_corrupt_by_function(fp: Failpoint, here: str) -> None:
    """A function of one's own gets the value, a seeded generator and the literals."""
    with armed("db.commit", f"corrupt({here}:spoil, 7)"):
        first, second = list[Any](fp.value("x")), list[Any](fp.value("x"))
    with armed("db.commit", f"corrupt({here}:spoil, 7)"):
        again = list[Any](fp.value("x"))
    assert first[0] == "x"
    assert first[2:] == [7]
    assert first != second
    assert first == again


def test_corrupt_without_a_value(fp: Failpoint) -> None:
    """Where there is no value, corruption says so at the first hit."""
    with armed("db.commit", "corrupt(nan)"), pytest.raises(MisplacedError, match=r"write `x = fp\.value\(x\)`"):
        fp.hit()


# -- what cannot be done


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        ("cancel", MisplacedError),
        ("corrupt(nan)", MisplacedError),
        ("call(speaking_actions:arecord)", MisplacedError),
        ("raise(UnicodeDecodeError)", TypeError),
        ("exit", NotAllowedError),
        ("kill", NotAllowedError),
    ],
)
def test_what_cannot_be_done_did_not_fire(fp: Failpoint, here: str, terms: str, kind: type[Exception]) -> None:
    """An action that ends with an error of its own was hit; it is neither counted nor recorded as fired."""
    with armed("db.commit", terms) as it, pytest.raises(kind):
        fp.hit()
    assert (it.hits, it.fired, it.waiting, fp.fired) == (1, 0, 0, 0)

    def step(target: object) -> None:
        with armed("db.commit", terms), pytest.raises(kind):
            fp.hit()

    assert [each for each in run_once(step).of(Recorded) if each.name == "failpoint.fired"] == []


def test_what_cannot_be_corrupted(fp: Failpoint) -> None:
    """A value that does not fit its corruption is reported and does not count; one that fits does."""
    with armed("db.commit", "corrupt(bitflip)") as it:
        with pytest.raises(TypeError, match=r"corrupt\(bitflip\) cannot change a value of type list"):
            fp.value([])
        assert it.fired == 0
        fp.value(5)
        assert it.fired == 1


@pytest.mark.parametrize(("terms", "ends"), [("exit", "_exit"), ("kill", "kill")])
def test_the_end_is_counted_before_it_comes(
    fp: Failpoint, monkeypatch: pytest.MonkeyPatch, terms: str, ends: str
) -> None:
    """Who waits for a failpoint that ends the process is told before it does."""
    fired: list[int] = []
    monkeypatch.setattr(os, ends, lambda *_: fired.append(fp.fired))
    with armed("db.commit", terms, allow=(terms,)):
        fp.hit()
    assert fired == [1]
