"""What a scenario provides is taken away when the run cannot do that itself."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from chaoscore import ExitCode, Scenario, Site, Undo
from chaoscore.checkups import MARKER_UNDO
from chaoscore.safety.state import state_dir
from tests.safety.toys import until


class Marks:
    """Provides a file that a journal takes away."""

    kind: ClassVar[str] = "marks"
    undo: ClassVar[Undo] = Undo.JOURNAL

    @contextmanager
    def open(self, site: Site) -> Iterator[Path]:
        """Make it, named with the run."""
        name = f"mark-{site.run_id}"
        with site.undoing(MARKER_UNDO, {"name": name}, target=name, manual=f"rm {name}"):
            (state_dir() / name).touch()
            yield state_dir() / name


class Sees:
    """A target that looks for the file."""

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def setup(self, mark: Path) -> None:
        self.mark = mark
        self.seen.append(mark.exists())

    def teardown(self) -> None:
        self.seen.append(self.mark.exists())


def marked(target: Sees) -> Scenario:
    return Scenario("marked").target(target).step("work", lambda _: None).provide("mark", Marks())


def test_a_journal_takes_it_away() -> None:
    """What is journalled is there from before the setup until after the teardown, and no journal is left."""
    target = Sees()
    assert marked(target).run().passed
    assert target.seen == [True, True]
    assert not target.mark.exists()
    assert list((state_dir() / "journals").glob("*.jsonl")) == []


def test_what_cannot_be_taken_away_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its undo fails, by the run and by its watchdog, exit code and report say so and name the provider."""
    target = Sees()

    def step(sees: Sees) -> None:  # a folder in its place cannot be unlinked, by nobody
        sees.mark.unlink()
        sees.mark.mkdir()

    scenario = Scenario("marked").target(target).step("work", step).provide("mark", Marks())
    report = scenario.run()
    assert report.exit_code is ExitCode.FAULTS_LEFT
    assert {each.who.partition(",")[0] for each in report.troubles} == {"provider 'mark'"}
    assert any(f"rm {target.mark.name}" in each.error.message for each in report.troubles)


RUN = """
import os, signal
from tests.safety.test_provided import Sees, marked
from chaoscore import Scenario

def die(target):
    print(target.mark, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

marked(Sees()).step("die", die).run()
"""


def test_a_killed_run_leaves_nothing_that_it_provided() -> None:
    """The watchdog takes away what a run that is killed had provided, although no injector was ever opened."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(RUN)]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    mark = Path(done.stdout.strip())
    assert mark.name.startswith("mark-"), done.stderr
    assert until(lambda: not mark.exists())
    assert until(lambda: list((state_dir() / "journals").glob("*.jsonl")) == [])
