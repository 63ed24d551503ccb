"""The event log as a file."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from chaoscore.errors import EventLogError
from chaoscore.eventlog import encode, read_log
from chaoscore.events import Event, Found, Opened, decode
from tests.fold.history import failing, found, started
from tests.fold.strategies import events


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def log(path: Path, stream: list[Event]) -> Path:
    return written(path, *(encode(event) + b"\n" for event in stream))


def test_a_log_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Every event of a run comes back equal and in order."""
    assert list(read_log(log(tmp_path / "run.jsonl", failing()))) == failing()


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_passed_over(tmp_path: Path, cut: int) -> None:
    """What a killed run leaves is read up to its last whole line."""
    path = log(tmp_path / "run.jsonl", failing()[:-2])
    with path.open("ab") as file:
        file.write(encode(failing()[-2])[:-cut])
    assert list(read_log(path)) == failing()[:-2]


def test_a_last_line_without_its_end_is_torn_even_if_it_reads_well(tmp_path: Path) -> None:
    """A line is written when its end is: whether what stands there is all of it, nobody knows."""
    path = written(tmp_path / "run.jsonl", encode(started()), b"\n", encode(Opened(1.0, "x")))
    assert list(read_log(path)) == [started()]


def test_a_line_in_the_middle_that_is_no_event_is_an_error(tmp_path: Path) -> None:
    """A log that was tampered with is refused, with the number of the line."""
    path = written(tmp_path / "run.jsonl", encode(started()), b"\n{]\n", encode(started()), b"\n")
    with pytest.raises(EventLogError, match=r"run\.jsonl, line 2: it is not an event: .*`--events`"):
        list(read_log(path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b'{"event":"runst', "it ends before its first event"),
        (b"hello\n", "it does not begin with the start of a run"),
        (b"\xff\xfe\x00\n", "it does not begin with the start of a run"),
        (b'{"event":"opened","at":1,"injector":"x"}\n', "it does not begin with the start of a run"),
        (b'{"event":"runstarted","schema":99,"unheard":"of"}\n', "its schema 99 is newer than 1"),
        (b'{"event":"other","schema":1}\n', "it begins with 'other', not with the start of a run"),
        (b'{"event":"runstarted","schema":1}\n', "it is not an event"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that is not an event log, or one of a newer version, is an error that says which."""
    with pytest.raises(EventLogError) as caught:
        list(read_log(written(tmp_path / "run.jsonl", content)))
    assert caught.value.line == 1
    assert caught.value.reason.startswith(reason)


def test_a_file_that_is_not_there_is_an_ordinary_error(tmp_path: Path) -> None:
    """The caller can tell a missing file from a broken one."""
    with pytest.raises(FileNotFoundError):
        list(read_log(tmp_path / "none.jsonl"))


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    """Evidence of any type, keys of any type, and half of a surrogate pair all end up in the log."""
    loop: list[object] = []
    loop.append(loop)
    event = found("half \ud83d", data={("a", 1): object, "set": {1}, "bad": Hostile(), "loop": loop, "big": 2**80})
    again = decode(encode(event))
    assert isinstance(again, Found)
    assert again.message == "half \\ud83d"
    assert again.data["bad"] == "<Hostile: its __repr__ raised RuntimeError>"
    assert again.data["big"] == 2**80
    assert next(iter(again.data)) == "('a', 1)"


@settings(deadline=None)
@given(events)
def test_any_event_can_be_written_and_read(event: Event) -> None:
    """One line, which reads back as an event of the same type at the same time."""
    line = encode(event)
    assert b"\n" not in line
    again = decode(line)
    assert type(again) is type(event)
    assert again.at == event.at
