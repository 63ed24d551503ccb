"""Runs in a file that node_exporter shows."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos_prometheus import prometheus_textfile
from chaoscore import IterationEnded, Outcome, Report, RunStarted, Scenario
from tests.services.postgres import UnavailableError
from tests.services.prometheus import eventually, promtool

First = Callable[..., RunStarted]


@pytest.fixture
def report() -> Report:
    return Scenario("s").target(object()).step("go", lambda target: None).run()


def test_the_file_has_the_run_and_stays(tmp_path: Path) -> None:
    """After a run the file holds its counts and its verdict, as promtool likes them, and nothing lies beside it."""
    path = tmp_path / "chaos.prom"
    scenario = Scenario("a shop").target(object()).step("go", lambda target: None).repeat(20)
    assert scenario.run(reporters=[prometheus_textfile(path)]).troubles == ()
    text = path.read_text()
    assert 'chaos_iterations_total{outcome="ok",scenario="a shop"} 20.0' in text
    assert 'chaos_verdict{scenario="a shop",verdict="pass"} 1.0' in text
    assert [each.name for each in tmp_path.iterdir()] == ["chaos.prom"]
    try:
        assert promtool("check", "metrics", stdin=text) == ""
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


def test_whoever_reads_it_reads_a_whole_one(tmp_path: Path, started: First, report: Report) -> None:
    """While it is written again and again, every reading begins and ends as a whole file does."""
    path = tmp_path / "chaos.prom"
    reporter = prometheus_textfile(path, every=1e-9)
    reporter.follow([started()])
    seen: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(path.read_text())

    reading = threading.Thread(target=read)
    reading.start()
    for iteration in range(100):
        reporter.follow([IterationEnded(1.0, 0, iteration, Outcome.OK, 0.5)])
    eventually(lambda: len(seen) > 10)
    over.set()
    reading.join()
    reporter.report(report)
    assert all(text.startswith("# HELP chaos_run_info") for text in seen)
    assert all(text.endswith("# TYPE chaos_exporter_metric_broken gauge\n") for text in seen)


def test_a_directory_that_goes_away_is_a_trouble(tmp_path: Path) -> None:
    """A file that cannot be written is told, and the run goes on."""
    folder = tmp_path / "gone"
    folder.mkdir()
    reporter = prometheus_textfile(folder / "chaos.prom")
    folder.rmdir()
    scenario = Scenario("s").target(object()).step("go", lambda target: None).repeat(20)
    report = scenario.run(reporters=[reporter])
    [trouble] = report.troubles
    assert "No such file or directory" in trouble.error.message
    assert report.iterations.ok == 20
