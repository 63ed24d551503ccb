"""The conformance kit catches every broken promise of a reporter, and lets good ones pass."""

from __future__ import annotations

from typing import Any

import pytest

from chaoscore.testing import ConformanceError, check_reporter
from tests.testing import broken_reporters as broken

BROKEN: list[tuple[type[Any], str, str]] = [
    (broken.Nameless, "says what it is", "kind is None"),
    (broken.Credulous, "a wrong value cannot be built", "it was accepted"),
    (broken.Deaf, "follows the events or takes the report", "it has neither"),
    (broken.NeedsEvents, "it shows every run", "IndexError"),
    (broken.NeedsFindings, "it shows every run", "IndexError"),
    (broken.NeedsText, "it shows every run", "UnicodeEncodeError"),
    (broken.Repeats, "cannot do anything where it is shown", "as it is"),
    (broken.PrintsRaw, "cannot do anything where it is shown", "as it is"),
    (broken.PrintsBytes, "cannot do anything where it is shown", "as it is"),
    (broken.Changes, "it changes nothing", "is not what it was"),
    (broken.OnlyOnce, "it sees the whole run", "raised RuntimeError: it has seen enough"),
    (broken.LeavesFile, "it leaves nothing behind but its file", "temporary file another"),
    (broken.LeavesFileOpen, "it leaves nothing behind but its file", "open file"),
    (broken.LeavesThread, "it leaves nothing behind but its file", "thread 'lost'"),
    (broken.Hides, "an error, not a silence", "nobody was told"),
]


@pytest.mark.parametrize(("make", "promise", "found"), BROKEN, ids=[each[0].__name__ for each in BROKEN])
def test_a_broken_promise_is_caught(make: Any, promise: str, found: str) -> None:
    """A reporter that breaks a promise is refused, with the promise and what was found."""
    with pytest.raises(ConformanceError) as caught:
        check_reporter(make)
    assert promise in caught.value.promise
    assert found in caught.value.found


@pytest.mark.parametrize("make", [broken.Good, broken.Prints, lambda path: broken.Good(path, most=3)])
def test_a_good_one_passes(make: Any) -> None:
    """A reporter that keeps its promises passes, whether it writes a file or prints."""
    check_reporter(make)


def test_what_it_prints_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The check keeps what the reporter prints from the terminal."""
    check_reporter(broken.Prints)
    assert capsys.readouterr() == ("", "")
