"""The console."""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from chaoscore.events import Event, Interrupted, Phase
from chaoscore.fold import replay
from chaoscore.protocols import Follows, Reporter, Reports
from chaoscore.reporters import console
from chaoscore.reporters.text import render
from tests.fold.history import failing, found, iteration, passing, started, trouble
from tests.fold.strategies import HOSTILE, streams
from tests.reporters.test_text import hostile_run


class Clock:
    """Time that moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        raise AssertionError("a reporter does not sleep")

    async def asleep(self, seconds: float) -> None:
        raise AssertionError("a reporter does not sleep")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def shown(events: Sequence[Event], stream: io.StringIO | None = None, quiet: bool = False) -> str:
    """Return what the console writes about a whole run."""
    target = io.StringIO() if stream is None else stream
    reporter = console(stream=target, quiet=quiet, clock=Clock())
    reporter.follow(events)
    reporter.report(replay(events))
    return target.getvalue()


def test_a_pipe_gets_a_start_line_and_the_report() -> None:
    """A short run is one line and, after an empty one, its report."""
    start = "job-claim: 8 iterations, 2 workers, target racy queue, seed 42\n"
    assert shown(passing()) == f"{start}\n{render(replay(passing()))}"


def test_news_are_told_when_they_happen() -> None:
    """Findings of a new kind, troubles, stops and interruptions have a line each, more of the same has not."""
    text = shown([started(), found(iteration=3), found("job 9 assigned to 2 bots"), found("other"), *failing()[-6:]])
    lines = text.splitlines()[1:6]
    assert lines == [
        "500 ms: critical: no-double: job 17 assigned to 3 bots (iteration 3)",
        "500 ms: critical: no-double: other",
        "800 ms: stopped: at the first failure, in iteration 3",
        "900 ms: trouble: injector 'pause': lift failed: ProcessLookupError: no such process",
        "900 ms: trouble: reporter 'json': follow failed: ProcessLookupError: disk full",
    ]
    assert "900 ms: interrupted: SIGINT" in shown([started(), Interrupted(0.9, "SIGINT")])


def test_progress_is_one_line_every_few_seconds() -> None:
    """Several calls a second write a line every five."""
    stream, clock = io.StringIO(), Clock()
    reporter = console(stream=stream, every="5s", clock=clock)
    reporter.follow([started(), Phase(0.0, "workload"), *iteration(0)])
    for _ in range(4 * 12):
        clock.now += 0.25
        reporter.follow([])
    assert stream.getvalue().splitlines()[1:] == [
        "5 s: 1 of 8 iterations, 100% ok (about 35 s left)",
        "10 s: 1 of 8 iterations, 100% ok (about 70 s left)",
    ]


def test_quiet_is_the_verdict_and_what_led_to_it() -> None:
    """No start, no progress, no tables; a pass is one line."""
    assert shown(passing(), quiet=True) == "job-claim: PASS (seed 42)\n"
    assert shown(failing(), quiet=True).splitlines()[-1] == "  chaoscore run jobs.py --seed 42"


def test_a_report_without_a_followed_run() -> None:
    """A report that was read from elsewhere can be shown by itself."""
    stream = io.StringIO()
    console(stream=stream).report(replay(passing()))
    assert render(replay(passing())) in stream.getvalue()


def test_one_console_shows_several_runs() -> None:
    """Nothing of the first run is in the second."""
    stream = io.StringIO()
    reporter = console(stream=stream, clock=Clock())
    for events in (failing(), passing()):
        stream.seek(0)
        stream.truncate()
        reporter.follow(events)
        reporter.report(replay(events))
    assert "FAIL" not in stream.getvalue()


def test_a_path_gets_the_report_and_no_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--report console=FILE` writes the text there, and nothing to the terminal."""
    reporter = console(tmp_path / "report.txt")
    reporter.follow(passing())
    reporter.report(replay(passing()))
    assert (tmp_path / "report.txt").read_text() == render(replay(passing()))
    assert capsys.readouterr().out == ""


def test_the_standard_output_is_looked_up_when_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    """A console that was made before the output was redirected writes where it goes now."""
    console().report(replay(passing()))
    assert "VERDICT PASS" in capsys.readouterr().out


def test_an_output_that_knows_only_ascii() -> None:
    """What the encoding does not know is escaped, not an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    reporter = console(stream=stream, clock=Clock())
    reporter.follow([started(scenario="Bücher 漢字"), found("half \ud83d")])
    reporter.report(replay([started(scenario="Bücher 漢字"), found("half \ud83d")]))
    assert b"B\\xfccher \\u6f22\\u5b57" in raw.getvalue()


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_hostile_text_reaches_no_terminal(hostile: str, kind: type[io.StringIO]) -> None:
    """Of the escape sequences that are written, none comes from the system under test."""
    plain = shown(hostile_run("harmless"), kind())
    text = shown(hostile_run(hostile), kind())
    assert "\x1b]" not in text
    assert "\x1b[31mred" not in text
    assert set(escapes(text)) <= set(escapes(plain))


def escapes(text: str) -> list[str]:
    """Return every character that is neither printable nor the end of a line."""
    return [character for character in text if not character.isprintable() and character != "\n"]


@settings(max_examples=50, deadline=None)
@given(streams)
def test_any_run_can_be_followed(events: list[Event]) -> None:
    """No sequence of events makes the console fail, in any mode."""
    for stream in (io.StringIO(), Terminal()):
        assert "VERDICT" in shown(events, stream)
    assert shown(events, quiet=True).count("VERDICT") == 0


class TestOnATerminal:
    """With rich, live."""

    @pytest.fixture(autouse=True)
    def _terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "100")
        monkeypatch.delenv("NO_COLOR", raising=False)
        pytest.importorskip("rich", reason="cannot run here: rich is not installed")

    def test_progress_is_drawn_in_place_and_taken_away(self) -> None:
        """Counts are shown while the run goes on; at the end the cursor is back and the report is there."""
        stream, clock = Terminal(), Clock()
        reporter = console(stream=stream, clock=clock)
        reporter.follow([started(), Phase(0.0, "workload"), *iteration(0)])
        clock.now += 1
        reporter.follow([])
        assert "1 of 8 iterations, 100% ok" in stream.getvalue()
        assert "about 7 s left" in stream.getvalue()
        assert stream.getvalue().count("\x1b[?25l") == 1
        reporter.report(replay(passing()))
        assert stream.getvalue().count("\x1b[?25h") == 1
        assert "took 1 s" in stream.getvalue()

    def test_the_display_is_not_drawn_more_often_than_eyes_can_follow(self) -> None:
        """Calls that come too soon draw nothing."""
        stream, clock = Terminal(), Clock()
        reporter = console(stream=stream, clock=clock)
        reporter.follow([started(), Phase(0.0, "workload")])
        before = len(stream.getvalue())
        clock.now += 0.05
        reporter.follow([])
        assert len(stream.getvalue()) == before
        reporter.report(replay(passing()))

    def test_verdicts_are_coloured(self) -> None:
        """A failure is red."""
        assert "\x1b[1;31mVERDICT FAIL\x1b[0m" in shown(failing(), Terminal())

    def test_no_color_is_honoured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With NO_COLOR set there is no colour, and the same text."""
        monkeypatch.setenv("NO_COLOR", "1")
        text = shown(failing(), Terminal())
        assert "\x1b[1mVERDICT FAIL\x1b[0m" in text
        assert "\x1b[1;31m" not in text
        assert "38;5" not in text

    def test_a_dumb_terminal_gets_plain_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A terminal that cannot move its cursor is treated as a pipe."""
        monkeypatch.setenv("TERM", "dumb")
        assert "\x1b" not in shown(failing(), Terminal())

    def test_without_rich_it_gets_plain_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """rich is an extra: nothing fails without it."""
        monkeypatch.setattr(sys.modules["chaoscore.reporters.console"], "find_spec", lambda _: None)
        assert "\x1b" not in shown(failing(), Terminal())

    def test_the_width_of_the_terminal_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lines are broken for a narrow terminal."""
        monkeypatch.setenv("COLUMNS", "70")
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")
        text = shown([started(), trouble("target", "setup", message="word " * 60)], Terminal())
        report = text[text.index("VERDICT") :]
        assert max(map(len, report.splitlines())) <= 70

    def test_a_terminal_that_fails_gets_its_cursor_back(self) -> None:
        """An error while drawing ends the live display, and is not swallowed."""
        stream, clock, stdout = Terminal(), Clock(), sys.stdout
        reporter = console(stream=stream, clock=clock)
        reporter.follow([started(), Phase(0.0, "workload")])
        clock.now += 1
        with pytest.raises(AttributeError):
            reporter.follow([object()])  # type: ignore[list-item]  # no event at all
        assert stream.getvalue().count("\x1b[?25h") == stream.getvalue().count("\x1b[?25l")
        assert sys.stdout is stdout


def test_it_satisfies_its_protocols() -> None:
    """The executor finds what it can do by these."""
    reporter: Reporter = console()
    assert isinstance(reporter, Follows)
    assert isinstance(reporter, Reports)
    assert reporter.kind == "console"
