"""What happened, in order: every event survives its line of JSON."""

import inspect
import typing
from typing import Any

import msgspec
import pytest

from chaoscore import events
from chaoscore.events import (
    AnyEvent,
    Checked,
    Ended,
    ErrorInfo,
    Event,
    ExpectationInfo,
    Fired,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    Recorded,
    RunStarted,
    Sampled,
    StepEnded,
    Stopped,
    Stuck,
    Trouble,
    decode,
    encoder,
)
from chaoscore.verdict import Severity, Verdict

ERROR = ErrorInfo("ValueError", "bad \u00e9 \x00 <b>", None, "a.py:1 in f", "Traceback ...", "slow", True)

EVERY: tuple[Event, ...] = (
    RunStarted(
        at=0.0,
        schema=events.SCHEMA,
        run_id="r",
        scenario="s",
        seed=2**70,
        wall=1.5e9,
        workload="1 iteration",
        target="t",
        steps=("a", "b"),
        injections=(InjectionInfo("slow", "delay", {"low_s": 0.5, "at": None}, "db"),),
        expectations=(ExpectationInfo("threads", "thread_limit", {"limit": 5}, Severity.WARNING),),
        thresholds={"min_success_rate": 0.95},
        environment={"python": "3"},
        rerun="again",
        rerun_one="again {iteration}",
    ),
    Phase(0.1, "setup"),
    Opened(0.2, "slow"),
    Lifted(0.3, "slow"),
    Lifted(0.3, "slow", 10, 5, {"bytes": 5}),
    Fired(0.4, "slow", "delay", "db.read", "a.py:1 in f", 1, 2, (), 3),
    Fired(0.4, "slow", "delay", "db.read", "a.py:1 in f", 1, 2, (0, 7), 3, "5 ms"),
    StepEnded(0.5, 1, 2, "a", Outcome.OK, 0.25),
    StepEnded(0.5, 1, 2, "a", Outcome.FAILED, 0.25, ERROR),
    IterationEnded(0.6, 1, 2, Outcome.CANCELLED, 0.25),
    Stuck(0.7, 1, 2, "a", 5.0, "stack"),
    Recorded(0.8, "panic", 1, 2, "a"),
    Recorded(0.8, "depth", 1, 2, "a", 5.0, {"nested": {"list": [1, None, True]}}, True),
    Sampled(0.8, 5, 1.5),
    Sampled(0.8, 5, 1.5, 2**40, 30, 4, {"slow": 17}),
    Checked(0.9, "threads"),
    Checked(0.9, "threads", 2),
    Found(0.9, "threads", Severity.INFO, "too many", Verdict.PASS),
    Found(0.9, "threads", Severity.CRITICAL, "many", Verdict.FAIL, 1, 2, "a", ("slow",), "stack", {"count": 5}),
    Trouble(1.0, "target", "setup", ERROR, Verdict.UNKNOWN),
    Interrupted(1.1, "SIGINT"),
    Stopped(1.2, "why", Verdict.FAIL),
    Ended(1.3),
)


def kinds() -> set[type[Event]]:
    found = (each for _, each in inspect.getmembers(events, inspect.isclass))
    return {each for each in found if issubclass(each, Event) and each is not Event}


def test_every_kind_is_known() -> None:
    """A log can be read back whatever happened: the decoder knows every event there is, and so does this test."""
    assert set(typing.get_args(AnyEvent)) == kinds() == {type(each) for each in EVERY}


@pytest.mark.parametrize("event", EVERY, ids=lambda event: type(event).__name__)
def test_round_trip(event: Event) -> None:
    """An event comes back from its line the same, and its line is one line."""
    line = encoder.encode(event)
    assert decode(line) == event
    assert b"\n" not in line


@pytest.mark.parametrize("event", EVERY, ids=lambda event: type(event).__name__)
def test_frozen(event: Event) -> None:
    """An event cannot be changed by whoever sees it first."""
    with pytest.raises(AttributeError):
        setattr(event, "at", 5.0)  # noqa: B010 - mypy knows as well


def test_tag() -> None:
    """A line says what happened by the event's name in lower case."""
    assert msgspec.json.decode(encoder.encode(IterationEnded(0.6, 1, 2, Outcome.OK, 0.25))) == {
        "event": "iterationended", "at": 0.6, "worker": 1, "iteration": 2, "outcome": "ok", "duration_s": 0.25,
    }  # fmt: skip


class Strange:
    def __repr__(self) -> str:
        return "<strange>"


@pytest.mark.parametrize(
    ("value", "read"), [(Strange(), "<strange>"), ({1, 2}, [1, 2]), (1 + 2j, "(1+2j)"), (b"x", "eA==")]
)
def test_not_json(value: Any, read: Any) -> None:
    """A value that JSON does not know is written all the same."""
    event = decode(encoder.encode(Recorded(0.8, "note", 1, 2, "a", None, {"value": value})))
    assert isinstance(event, Recorded)
    assert event.detail == {"value": read}


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"event":"exploded","at":1}', b'{"event":"ended"}', b'{"at":1}'])
def test_not_an_event(line: bytes) -> None:
    """A line that is no event is a decoding error, not something half read."""
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_unknown_field() -> None:
    """A field that a later version added does not make a log unreadable."""
    assert decode(b'{"event":"ended","at":1.5,"later":true}') == Ended(1.5)
