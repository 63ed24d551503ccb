"""The job queue, racy and locking, and the demo that shows the difference."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import chaos_sql
from chaoscore import Report, Verdict
from chaoscore.loader import load
from chaoscore.loader.imports import importable, run_file
from tests.services.databases import Database

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "job_claim"
RACY, LOCKING = "RacyQueue", "LockingQueue"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a run makes is gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def scenario() -> ModuleType:
    with importable(EXAMPLE):
        return run_file(EXAMPLE / "scenario.py")


def run(scenario: ModuleType, queue: str, seed: int, dsn: str | None = None, jobs: int = 16) -> Report:
    report = scenario.job_claim(queue, getattr(scenario, queue)(dsn, jobs)).run(seed=seed)
    assert isinstance(report, Report)
    assert report.iterations.ok == jobs, report.errors
    assert report.injections[0].fired
    return report


@pytest.mark.parametrize("seed", range(20))
def test_the_racy_queue_fails_on_sqlite(scenario: ModuleType, seed: int) -> None:
    """Whatever the seed, two bots claim one job of the racy queue."""
    report = run(scenario, RACY, seed)
    assert report.verdict is Verdict.FAIL
    assert re.fullmatch(r"job \d+ claimed by [2-8] bots", report.findings[0].first.message)


@pytest.mark.parametrize("seed", range(20))
def test_the_locking_queue_passes_on_sqlite(scenario: ModuleType, seed: int) -> None:
    """Whatever the seed, no job of the locking queue is claimed twice."""
    assert run(scenario, LOCKING, seed).verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(4))
def test_both_do_as_well_on_postgresql(scenario: ModuleType, postgres_database: Database, seed: int) -> None:
    """On a real server the racy queue fails, the locking one passes, and nothing is left there."""
    assert run(scenario, RACY, seed, postgres_database.dsn).verdict is Verdict.FAIL
    assert run(scenario, LOCKING, seed, postgres_database.dsn).verdict is Verdict.PASS
    assert postgres_database.run("SELECT 1 FROM pg_namespace WHERE nspname = 'chaoscore_job_claim'") == []


def test_no_job_is_claimed_twice_when_connections_are_killed(scenario: ModuleType, postgres_database: Database) -> None:
    """When the server ends connections of bots, they get new ones, and every job is still claimed at most once."""
    queue = scenario.LockingQueue(postgres_database.dsn, 150)
    kill = chaos_sql.kill(postgres_database.dsn, every="5ms", application_name="job_claim")
    report = scenario.job_claim("killed", queue).inject("kill", kill).continue_on_failure().run(seed=1)
    assert report.injections[1].fired
    assert report.iterations.ok
    assert report.findings == ()


def test_a_queue_is_empty_when_every_job_was_claimed(scenario: ModuleType) -> None:
    """Every job is claimed in turn, and then there is none."""
    queue = scenario.LockingQueue(jobs=3)
    queue.setup()
    try:
        assert [queue.claim() for _ in range(4)] == [1, 2, 3, None]
    finally:
        queue.teardown()


def test_a_claim_that_fails_changes_nothing(scenario: ModuleType) -> None:
    """A claim that ends in an error is rolled back, and the job is claimed the next time."""
    queue = scenario.LockingQueue(jobs=1)
    queue.setup()
    try:
        finish = queue.finish

        def broken(*_: object) -> None:
            finish(*_)
            raise LookupError

        queue.finish = broken
        with pytest.raises(LookupError):
            queue.claim()
        queue.finish = finish
        assert queue.claim() == 1
    finally:
        queue.teardown()


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("scenario.py", Verdict.FAIL), ("scenario.py:locking", Verdict.PASS), ("scenario.toml", Verdict.FAIL)],
)
def test_the_scenario_files_can_be_run(name: str, verdict: Verdict) -> None:
    """The scenarios in Python and in TOML run as they are, with the verdicts that the README names."""
    assert load(EXAMPLE / name).run(seed=42).verdict is verdict


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE / "demo.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))


def test_the_demo_shows_the_difference() -> None:
    """The demo prints FAIL with the jobs and the command that reproduces it, then PASS, and ends with 0."""
    done = demo("--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    racy, locking = done.stdout.split("\nFAIL  ")[1].split("\nPASS  ")
    assert re.search(r"\d+ jobs were claimed by more than one bot:\n      job \d+ by [2-8]", racy)
    assert re.search(r"reproduce: python3 (run\.py demo|\S+demo\.py) --seed 7\n", racy)
    assert "no job was claimed twice" in locking
    assert max(len(line) for line in done.stdout.splitlines()) <= 120


def test_the_screen_in_the_readme_is_what_the_demo_prints() -> None:
    """But for numbers and the list of jobs, the demo prints what the README shows, and the command that this names."""
    [screen] = re.findall(r"```text\n(8 bots.*?)```", (EXAMPLE.parents[1] / "README.md").read_text(), re.DOTALL)
    done = demo("--seed", "7145")
    assert shape(done.stdout) == shape(screen)
    assert "reproduce: python3 run.py demo --seed 7145\n" in screen


def shape(screen: str) -> list[str]:
    """Return the lines of a screen without what differs from run to run, or by how it was started."""
    plain = re.sub(r"job \d[^:]*reproduce: .*", "jobs, and the command", screen.strip())
    return re.sub(r"\d+(\.\d+)?", "1", plain).splitlines()


def test_the_demo_runs_on_postgresql(postgres_database: Database) -> None:
    """With a dsn the demo does the same on PostgreSQL, and keeps the password to itself."""
    done = demo("--dsn", postgres_database.dsn)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FOR UPDATE SKIP LOCKED" in done.stdout
    assert '--dsn "$DSN" --seed' in done.stdout
    assert "password" not in done.stdout


def test_without_faults_the_demo_tells_what_happened() -> None:
    """Without faults nobody is held up, and the locking queue passes all the same."""
    done = demo("--no-faults")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 of them held up") == 2
    assert "\nPASS  locking queue" in done.stdout


def test_the_demo_fails_where_it_could_not_run() -> None:
    """Without a server there is no verdict: the demo says why and ends with 1."""
    done = demo("--dsn", "host=127.0.0.1 port=1 connect_timeout=2")
    assert done.returncode == 1
    assert "\nUNKNOWN  racy queue" in done.stdout
    assert "target: setup: connection failed" in done.stdout
    assert "Traceback" not in done.stderr
