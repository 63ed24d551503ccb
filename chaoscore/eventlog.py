"""The event log: one line of JSON for each event, written as things happen and readable after a crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec

from chaoscore.errors import EventLogError
from chaoscore.events import SCHEMA, Event, Outcome, decode, encoder
from chaoscore.verdict import Severity, Verdict

_DEPTH = 20


class _Head(msgspec.Struct):
    """What the first line of any version of the log says."""

    event: str
    schema: int


def encode(value: object) -> bytes:
    """
    Return *value*, an event or a report, as one line of JSON, whatever the system under test has put into it.

    What JSON does not know is written as text: other types, half of a surrogate pair, an object that contains itself.
    """
    try:
        return encoder.encode(value)
    except Exception:  # noqa: BLE001 - foreign objects may raise anything from their __repr__; the slow way escapes it
        return encoder.encode(_plain(value, 0))


def encode_lines(events: Sequence[Event]) -> bytes:
    """Return *events* as lines of JSON; all at once, which takes half the time of one by one."""
    try:
        return encoder.encode_lines(events)
    except Exception:  # noqa: BLE001 - as above
        return b"".join([encode(event) + b"\n" for event in events])


def read_log(path: str | PathLike[str]) -> Iterator[Event]:
    """
    Yield the events of the log at *path*, in order.

    A last line without its end is what a killed run leaves, and is passed over.

    Raises:
        EventLogError: It is empty, does not begin with a run, was written by a newer version, or has a line that is no
            event.
        OSError: It cannot be read.
    """
    with Path(path).open("rb") as file:
        first = file.readline()
        _check_head(path, first)
        yield _read(path, 1, first)
        for number, line in enumerate(file, 2):
            if not line.endswith(b"\n"):
                return
            yield _read(path, number, line)


def _check_head(path: str | PathLike[str], line: bytes) -> None:
    if not line.endswith(b"\n"):
        raise EventLogError(path, 1, "it ends before its first event" if line else "it is empty")
    try:
        head = msgspec.json.decode(line, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventLogError(path, 1, f"it does not begin with the start of a run: {error}") from error
    if head.schema > SCHEMA:
        raise EventLogError(
            path, 1, f"its schema {head.schema} is newer than {SCHEMA}, the newest that can be read here"
        )
    if head.event != "runstarted":
        raise EventLogError(path, 1, f"it begins with {head.event!r}, not with the start of a run")


def _read(path: str | PathLike[str], number: int, line: bytes) -> Event:
    try:
        event: Event = decode(line)
        return event
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventLogError(path, number, f"it is not an event: {error}") from error


def _plain(value: object, depth: int) -> Any:
    """Return *value* with nothing in it that could not be written."""
    if value is None or isinstance(value, (bool, int, float, Outcome, Severity, Verdict)):
        return value
    if isinstance(value, str):
        return _text(value)
    if depth > _DEPTH:
        return "..."
    if isinstance(value, msgspec.Struct):
        fields = {name: _plain(getattr(value, name), depth + 1) for name in value.__struct_fields__}
        return type(value)(**fields)
    if isinstance(value, dict):
        return {_text(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, tuple):  # must stay one: an empty list is not the default that is left out
        return tuple(_plain(each, depth + 1) for each in value)
    if isinstance(value, (list, set, frozenset)):
        return [_plain(each, depth + 1) for each in value]
    return _text(value)


def _text(value: object) -> str:
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:  # noqa: BLE001 - a hostile __repr__; the text says so
        text = f"<{type(value).__name__}: its __repr__ raised {type(error).__name__}>"
    return text.encode("utf-8", "backslashreplace").decode()
