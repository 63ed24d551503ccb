"""The event log as a reporter writes it."""

import errno
import os
from pathlib import Path

import pytest

from chaoscore.errors import UnwritableError
from chaoscore.eventlog import read_log
from chaoscore.fold import Fold, replay
from chaoscore.protocols import Follows, Reporter, Reports
from chaoscore.reporters import events
from tests.fold.history import failing, found, passing, started


def test_a_log_holds_every_event_of_the_run(tmp_path: Path) -> None:
    """What was followed in batches reads back in order, and gives the same report."""
    reporter, stream = events(tmp_path / "run.jsonl"), failing()
    for start in range(0, len(stream), 5):
        reporter.follow(stream[start : start + 5])
    reporter.report(replay(stream))
    assert list(read_log(tmp_path / "run.jsonl")) == stream
    assert replay(read_log(tmp_path / "run.jsonl")) == replay(stream)


def test_what_happened_is_readable_before_the_end(tmp_path: Path) -> None:
    """A run that is killed now leaves everything that was followed."""
    reporter = events(tmp_path / "run.jsonl")
    reporter.follow(failing()[:7])
    reporter.follow([])
    assert list(read_log(tmp_path / "run.jsonl")) == failing()[:7]
    reporter.report(Fold().report())


def test_the_log_is_on_disk_when_the_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synchronised once, at the end, not for every batch."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    reporter = events(tmp_path / "run.jsonl")
    reporter.follow(passing()[:-1])
    assert synced == []
    reporter.follow(passing()[-1:])
    assert len(synced) == 1
    reporter.report(replay(passing()))
    assert len(synced) == 1


def test_nothing_is_written_before_a_run_begins(tmp_path: Path) -> None:
    """A reporter that was made and never used leaves the file of the last run alone."""
    (tmp_path / "run.jsonl").write_text("older")
    reporter = events(tmp_path / "run.jsonl")
    reporter.follow([])
    reporter.report(Fold().report())
    assert (tmp_path / "run.jsonl").read_text() == "older"


def test_a_second_run_begins_anew(tmp_path: Path) -> None:
    """One reporter serves several runs, one after the other; the log is that of the last."""
    reporter = events(tmp_path / "run.jsonl")
    for seed in (1, 2):
        reporter.follow([started(seed=seed), *passing()[1:]])
    assert next(iter(read_log(tmp_path / "run.jsonl"))) == started(seed=2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="cannot run here: there is no /dev/full")
def test_a_full_disk_is_a_clear_error() -> None:
    """The error names the file and the reason, and the reporter lets go of the file."""
    reporter = events("/dev/full")
    with pytest.raises(UnwritableError, match=r"cannot write /dev/full: No space left on device"):
        reporter.follow(passing())
    reporter.report(replay(passing()))


def test_a_full_disk_at_the_end_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that cannot be synchronised is not taken for safe."""

    def full(_: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    reporter = events(tmp_path / "run.jsonl")
    reporter.follow(passing()[:-1])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableError, match="Disk quota exceeded"):
        reporter.report(replay(passing()))


def test_a_directory_that_went_away_is_a_clear_error(tmp_path: Path) -> None:
    """It is not created again silently."""
    (tmp_path / "logs").mkdir()
    reporter = events(tmp_path / "logs" / "run.jsonl")
    (tmp_path / "logs").rmdir()
    with pytest.raises(UnwritableError, match="No such file or directory"):
        reporter.follow(passing())


def test_a_pipe_cannot_be_synchronised_and_need_not(tmp_path: Path) -> None:
    """Another program may read the events as they happen."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        events(fifo).follow(passing())
        assert os.read(reader, 1_000_000).count(b"\n") == len(passing())
    finally:
        os.close(reader)


def test_a_dash_is_the_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The standard output gets the lines and stays open."""
    reporter = events("-")
    reporter.follow(passing())
    reporter.report(replay(passing()))
    assert capsysbinary.readouterr().out.count(b"\n") == len(passing())


def test_an_event_that_json_does_not_know_does_not_end_the_log(tmp_path: Path) -> None:
    """Hostile evidence is written as text, and the next event after it."""
    reporter = events(tmp_path / "run.jsonl")
    reporter.follow([started(), found("half \ud83d", data={"x": object()}), *passing()[-1:]])
    assert len(list(read_log(tmp_path / "run.jsonl"))) == 3


def test_it_satisfies_its_protocols(tmp_path: Path) -> None:
    """The executor finds what it can do by these."""
    reporter: Reporter = events(tmp_path / "run.jsonl")
    assert isinstance(reporter, Follows)
    assert isinstance(reporter, Reports)
    assert reporter.kind == "events"
