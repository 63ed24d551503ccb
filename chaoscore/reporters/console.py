"""The console: how the run goes while it goes on, and the report at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from os import environ
from pathlib import Path
from shutil import get_terminal_size
from typing import ClassVar, Protocol, TextIO

import attrs

from chaoscore.clock import Clock, SystemClock
from chaoscore.events import Event, Found, Interrupted, RunStarted, Stopped, Trouble
from chaoscore.fold import Fold
from chaoscore.report import Report
from chaoscore.reporters.files import STDOUT, optional_file_path, write_whole
from chaoscore.reporters.progress import status
from chaoscore.reporters.text import WIDTH, Line, lines, short_lines
from chaoscore.reporters.visible import encodable, visible
from chaoscore.units import seconds, show_seconds

_WIDEST = 120
_SHOWN_CHARS = 300


class Screen(Protocol):
    """Where the console shows things: plain lines, or a live display."""

    def say(self, line: Line) -> None:
        """Show a line that stays."""
        ...

    def progress(self, fold: Fold, now_at: float) -> None:
        """Show how far the run has come; called about twenty times a second."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class PlainScreen:
    """
    Plain lines, for files, pipes and dumb terminals: progress is one line every few seconds.

    Args:
        stream: Where they go.
        every_s: Seconds between two lines of progress.
    """

    def __init__(self, stream: TextIO, every_s: float) -> None:
        self._stream, self._every_s = stream, every_s
        self._said_at = 0.0

    def say(self, line: Line) -> None:
        """Write the line."""
        self._stream.write(encodable(f"{line.text}\n", self._stream.encoding))
        self._stream.flush()

    def progress(self, fold: Fold, now_at: float) -> None:
        """Write a line of progress, if the last one is old enough."""
        if now_at - self._said_at >= self._every_s and not fold.ended:
            self._said_at = now_at
            self.say(Line(status(fold, now_at)))

    def close(self) -> None:
        """Do nothing: every line was written."""


@attrs.define
class Console:
    """
    Shows a run on the terminal, live where rich is installed, and its report at the end.

    Attributes:
        path: Write the report to this file instead of the terminal, and no progress.
        quiet: Show no progress, and of the report only the verdict, its reasons and what reproduces it.
        every_s: Seconds between two lines of progress where the terminal cannot show it live.
        stream: Where to write; None: the standard output.
        clock: Reads the time.
    """

    path: Path | None = attrs.field(default=None, converter=optional_file_path)
    quiet: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool), kw_only=True)
    every_s: float = attrs.field(default=5.0, converter=seconds, kw_only=True, alias="every")
    stream: TextIO | None = attrs.field(default=None, kw_only=True)
    clock: Clock = attrs.field(factory=SystemClock, kw_only=True)
    _fold: Fold = attrs.field(factory=Fold, init=False, repr=False)
    _screen: Screen | None = attrs.field(default=None, init=False, repr=False)
    _origin: float = attrs.field(default=0.0, init=False, repr=False)

    kind: ClassVar[str] = "console"

    def follow(self, events: Sequence[Event]) -> None:
        """Show what happened."""
        if self.quiet or self._to_file:
            return
        try:
            for event in events:
                self._take(event)
            if self._screen is not None and not self._fold.ended:
                self._screen.progress(self._fold, self.clock.monotonic() - self._origin)
        except BaseException:
            self._close()
            raise

    def report(self, report: Report) -> None:
        """Show the report."""
        show = short_lines if self.quiet else lines
        if self.path is not None and self._to_file:
            text = "".join(f"{line.text}\n" for line in show(report, WIDTH))
            write_whole(self.path, text.encode(errors="backslashreplace"))
            return
        try:
            screen = self._screen or self._open()
            screen.close()
            _say_all(screen, [] if self.quiet else [Line("")], show(report, self._width))
        finally:
            self._close()

    @property
    def _to_file(self) -> bool:
        return self.path is not None and self.path != STDOUT

    @property
    def _width(self) -> int:
        return min(get_terminal_size((WIDTH, 24)).columns, _WIDEST) if self._target.isatty() else WIDTH

    @property
    def _target(self) -> TextIO:
        return sys.stdout if self.stream is None else self.stream

    def _open(self) -> Screen:
        stream = self._target
        if _is_terminal(stream) and _knows_unicode(stream) and find_spec("rich") is not None:
            from chaoscore.reporters.live import LiveScreen  # rich takes 60 ms that a pipe need not wait for

            self._screen = LiveScreen(stream)
        else:
            self._screen = PlainScreen(stream, self.every_s)
        return self._screen

    def _close(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            screen.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._close()
            self._fold = Fold()
            self._origin = self.clock.monotonic() - event.at
            self._open().say(Line(_headline(event), "heading"))
        kinds = self._fold.kinds_of_findings
        self._fold.add(event)
        if self._screen is not None and (line := _news(event, self._fold.kinds_of_findings > kinds)) is not None:
            self._screen.say(line)


def _headline(run: RunStarted) -> str:
    return visible(f"{run.scenario}: {run.workload}, target {run.target}, seed {run.seed}")


def _news(event: Event, is_new: bool) -> Line | None:
    """Return the line that *event* is worth; a finding is news only when it is the first of its kind."""
    at = show_seconds(event.at)
    if isinstance(event, Found) and is_new:
        where = "" if event.iteration is None else f" (iteration {event.iteration})"
        text = f"{event.severity.value}: {event.validator}: {event.message}{where}"
        return Line(f"{at}: {visible(text, _SHOWN_CHARS)}", event.verdict.value)
    if isinstance(event, Trouble):
        text = f"trouble: {event.who}: {event.hook} failed: {event.error.type}: {event.error.message}"
        return Line(f"{at}: {visible(text, _SHOWN_CHARS)}", event.verdict.value)
    if isinstance(event, Stopped):
        return Line(f"{at}: {visible(f'stopped: {event.reason}', _SHOWN_CHARS)}", event.verdict.value)
    if isinstance(event, Interrupted):
        return Line(f"{at}: {visible(f'interrupted: {event.reason}', _SHOWN_CHARS)}", "unknown")
    return None


def _say_all(screen: Screen, *groups: Iterable[Line]) -> None:
    for group in groups:
        for line in group:
            screen.say(line)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and environ.get("TERM") != "dumb"


def _knows_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"
