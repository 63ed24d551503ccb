import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Chaos = Callable[..., Result]


@pytest.fixture
def log(chaos: Chaos) -> str:
    """The event log of a run that failed."""
    chaos("run", "shop.py:losing", "--events", "run.jsonl", "--report", "json=run.json", code=1)
    return "run.jsonl"


def test_a_run_is_rendered_again(chaos: Chaos, log: str, folder: Path) -> None:
    """The report of a log is the report of the run, with its exit code."""
    assert "VERDICT FAIL" in chaos("report", log, code=1).stdout
    found = json.loads(chaos("report", log, "--json", code=1).stdout)
    assert found == json.loads((folder / "run.json").read_text())


def test_quiet_prints_the_verdict(chaos: Chaos, log: str) -> None:
    """With ``--quiet`` it is the verdict and what led to it."""
    assert chaos("report", log, "--quiet", code=1).stdout.startswith("shop: FAIL")


def test_other_reports_are_written(chaos: Chaos, log: str, folder: Path) -> None:
    """Any reporter can render a log, also one that follows events."""
    chaos("report", log, "--report", "junit=a.xml", "--report", "events=copy.jsonl", code=1)
    assert (folder / "a.xml").read_text().startswith("<?xml")
    assert (folder / "copy.jsonl").read_text() == (folder / log).read_text()


def test_followers_see_every_event(chaos: Chaos, log: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a log is cut into batches, no event is left out and none shown twice."""
    monkeypatch.setattr(sys.modules["chaoscore.cli.report"], "BATCH", 3)
    chaos("report", log, "--report", "events=copy.jsonl", code=1)
    assert (folder / "copy.jsonl").read_text() == (folder / log).read_text()


def test_the_log_is_not_overwritten(chaos: Chaos, log: str, folder: Path) -> None:
    """A report into the log itself is refused."""
    before = (folder / log).read_text()
    assert "would be overwritten" in chaos("report", log, "--report", f"events=./{log}", code=2).stderr
    assert (folder / log).read_text() == before


def test_a_log_that_breaks_off_is_unknown(chaos: Chaos, log: str, folder: Path) -> None:
    """What a killed run left is rendered as far as it goes, and is never green."""
    lines = (folder / log).read_text().splitlines(keepends=True)
    (folder / log).write_text("".join(lines[:4]) + lines[4][:10])
    chaos("report", log, code=None)
    assert chaos("report", log, code=None).exit_code != 0


def test_what_is_no_log_ends_with_2(chaos: Chaos, folder: Path) -> None:
    """Another file, a missing one and a folder are wrong usage."""
    assert "shop.py, line 1: it does not begin with the start of a run" in chaos("report", "shop.py", code=2).stderr
    assert "does not exist" in chaos("report", "none.jsonl", code=2).stderr
    assert "is a directory" in chaos("report", ".", code=2).stderr
