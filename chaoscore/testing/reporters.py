"""The conformance of reporters."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar

import attrs

from chaoscore.eventlog import encode
from chaoscore.events import Ended, Event, Trouble
from chaoscore.fold import Fold
from chaoscore.injectors import error as raise_error
from chaoscore.protocols import Follows, Reporter, Reports
from chaoscore.report import Report
from chaoscore.scenario import Scenario
from chaoscore.testing.hostile import ESCAPE, TEXTS, hostile_run
from chaoscore.testing.promises import PlannedError, Promise
from chaoscore.testing.recorders import RecordingReporter, RecordingTarget
from chaoscore.testing.runs import Recording, do_nothing, recorded
from chaoscore.testing.traces import left_since, own_temporary_files, temporary, traces
from chaoscore.testing.values import Wrong, check_kind, check_parameters

LISTENS = Promise("it follows the events or takes the report", "give it `follow(events)` or `report(report)`")
SURVIVES = Promise(
    "it shows every run: one that passes, fails, ends at once or says anything whatever",
    "see the error; expect no event to be there, and no text to be harmless",
)
IS_HARMLESS = Promise(
    "what the system under test says cannot do anything where it is shown",
    "show control characters by their codes, and quote for the format that is written",
)
CHANGES_NOTHING = Promise("it changes nothing of what it is shown", "copy what is to be changed")
IS_ISOLATED = Promise(
    "it sees the whole run, and harms neither it nor other reporters",
    "begin anew at each `RunStarted`, do not wait, and raise nothing",
)
LEAVES_NOTHING = Promise(
    "it leaves nothing behind but its file", "close what it opened at `Ended` and in `report`, and write nowhere else"
)
ADMITS = Promise(
    "a report that cannot be written is an error, not a silence",
    "let the OSError out of `follow` or `report`: the run tells it, and goes on",
)

Make = Callable[..., Reporter]


def check_reporter(make: Make, *, wrong: Wrong = (), name: str = "report") -> None:
    """
    See that a reporter keeps what every run relies on.

    It says what it is, refuses wrong parameters, shows runs of every sort and hostile text, lets nothing of the latter
    reach a terminal, changes nothing, harms neither the run nor other reporters, admits that a disk is full, and leaves
    nothing behind.

    Args:
        make: Returns a new reporter; called with a path if it has a parameter ``path``. Else what the reporter writes
            to the standard output is looked at.
        wrong: Keyword arguments that the class must refuse, beside the wrong types and ranges that its signature shows.
        name: What its file is called, for a reporter that minds.

    Raises:
        ConformanceError: A promise is broken; it says which, how that was tried, and what to do.
    """
    with own_temporary_files() as folder:
        desk = _Desk(make, folder, name)
        reporter = desk.reporter()
        check_kind(reporter)
        check_parameters(reporter, wrong)
        if not isinstance(reporter, Follows | Reports):
            raise LISTENS.broken(reporter, "looked at the class", "it has neither")
        for tried, events in _histories():
            _shows(desk, tried, events)
        _is_isolated(desk)
        _admits_a_full_disk(desk)


@attrs.frozen
class _Desk:
    """Where a reporter works."""

    make: Make
    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """Return the file that it is to write."""
        return self.folder / self.name

    @property
    def writes_a_file(self) -> bool:
        """Tell whether it takes a path."""
        return "path" in inspect.signature(self.make).parameters

    def reporter(self, path: Path | None = None) -> Reporter:
        """Return a new one."""
        return self.make(path=path or self.path) if self.writes_a_file else self.make()

    def written(self, shown: str) -> str:
        """Return what it wrote, to its file or the standard output, where *shown* is what arrived."""
        text = self.path.read_bytes().decode("utf-8", "replace") if self.path.is_file() else ""
        return text + shown


def _histories() -> Iterator[tuple[str, Sequence[Event]]]:
    yield "showed it a run in which nothing happened", ()
    run = hostile_run("a failure")
    yield "showed it a run that ended as soon as it began", (run[0], Ended(0.0))
    yield "showed it a run that passed", recorded(_scenario(), seed=7).events
    for text in TEXTS:
        yield f"showed it a run in which everything failed, saying {text[:60]!r}", hostile_run(text)


def _scenario() -> Scenario:
    built = Scenario("conformance").target(RecordingTarget()).step("step", do_nothing)
    return built.inject("error", raise_error(at="before:step", probability=0.2)).repeat(20).thresholds("relaxed")


def _shows(desk: _Desk, tried: str, events: Sequence[Event]) -> None:
    reporter, before = desk.reporter(), traces() | {temporary(desk.path)}
    report = _folded(events)
    as_they_were = [encode(each) for each in (*events, report)]
    with _captured() as screen, SURVIVES.kept(reporter, tried):
        _drive(reporter, events, report)
    if [encode(each) for each in (*events, report)] != as_they_were:
        raise CHANGES_NOTHING.broken(reporter, tried, "an event or the report is not what it was")
    if ESCAPE in desk.written(screen.getvalue()):
        raise IS_HARMLESS.broken(reporter, tried, f"it wrote {ESCAPE!r} as it is")
    left = left_since(before)
    if left:
        raise LEAVES_NOTHING.broken(reporter, tried, f"it left: {'; '.join(left)}")


def _folded(events: Sequence[Event]) -> Report:
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold.report()


def _drive(reporter: Any, events: Sequence[Event], report: Report) -> None:
    if isinstance(reporter, Follows):
        middle = len(events) // 2
        for batch in ([], events[:middle], [], events[middle:]):
            reporter.follow(list(batch))
    if isinstance(reporter, Reports):
        reporter.report(report)


@contextmanager
def _captured() -> Iterator[io.StringIO]:
    """Take what is written to the standard output and error, by text or by bytes, while the block lasts."""
    raw, result = io.BytesIO(), io.StringIO()
    screen = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
    with redirect_stdout(screen), redirect_stderr(screen):
        try:
            yield result
        finally:
            sys.stdout.flush()
            result.write(raw.getvalue().decode("utf-8", "replace"))


# -- in a run


class _Bad:
    """A reporter that raises whatever it is shown."""

    kind: ClassVar[str] = "bad"

    def follow(self, events: Sequence[Event]) -> None:
        raise PlannedError("this reporter always fails")

    report = follow


def _is_isolated(desk: _Desk) -> None:
    reporter = desk.reporter()
    other = RecordingReporter()
    for tried in ("ran it beside a reporter that raises", "used it in a second run"):
        with _captured():
            recording = recorded(_scenario(), seed=7, reporters=[_Bad(), reporter, other])
        for problem in _problems(recording, reporter):
            raise IS_ISOLATED.broken(reporter, tried, problem)
    if len(other.reports) != 2:
        raise IS_ISOLATED.broken(reporter, "ran it twice beside another one", "the other one did not see both reports")


def _problems(recording: Recording, reporter: Reporter) -> Iterator[str]:
    who = f"reporter {getattr(reporter, 'kind', '')!r}"
    for trouble in recording.report.troubles:
        if trouble.who == who:
            yield f"its {trouble.hook} raised {trouble.error.type}: {trouble.error.message}"


def _admits_a_full_disk(desk: _Desk) -> None:
    full = Path("/dev/full")
    if not desk.writes_a_file or not full.exists():
        return
    tried = f"let it write to {full}, a disk that is full"
    try:
        reporter = desk.reporter(full)
        with _captured():
            recording = recorded(_scenario(), seed=7, reporters=[reporter])
    except (OSError, ValueError):
        return
    if not any(_problems(recording, reporter)) and not recording.of(Trouble):
        raise ADMITS.broken(reporter, tried, "nobody was told")
