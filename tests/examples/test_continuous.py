"""Three workflow patterns, their verdicts and their statistics."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from chaoscore import Fired, IterationEnded, Outcome, RunStarted, Verdict
from chaoscore.loader.imports import importable, run_file
from chaoscore.testing import check_reporter, check_target, hostile_run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "continuous"


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    with importable(EXAMPLE):
        yield run_file(EXAMPLE / "main.py")


@pytest.mark.parametrize(
    ("name", "verdict", "found"),
    [
        ("fan_out", Verdict.FAIL, r"\d+ calls went on for requests that had failed"),
        ("pipeline", Verdict.FAIL, r"step 'run' did not return within 500 ms and was given up"),
        ("retry", Verdict.PASS, None),
    ],
)
def test_a_pattern_shows_what_the_readme_says(
    example: ModuleType, name: str, verdict: Verdict, found: str | None
) -> None:
    """Each pattern has the verdict that the README names, for the reason that it names."""
    report = getattr(example, name).run_for("30s").repeat(200).run(seed=1)
    assert report.verdict is verdict
    assert all(each.fired for each in report.injections)
    messages = [each.first.message for each in report.findings]
    assert [bool(re.fullmatch(found or "", each)) for each in messages] == [True] * (found is not None)
    assert report.troubles == ()


def test_the_pipeline_is_found_where_it_hangs(example: ModuleType) -> None:
    """The finding of the pipeline shows the line that waits for ever."""
    report = example.pipeline.run_for("30s").repeat(100).run(seed=1)
    assert "while await queues[-1].get() is not None" in report.findings[0].first.stack


@pytest.mark.parametrize("name", ["fan_out", "pipeline", "retry"])
def test_without_faults_every_pattern_holds(example: ModuleType, name: str) -> None:
    """Without faults no pattern fails: it is the faults that find it."""
    assert getattr(example, name).run_for("30s").repeat(50).run(inject=False).verdict is Verdict.PASS


def test_it_runs_as_the_readme_says() -> None:
    """The command in the README prints statistics of all three while they run, then their verdicts."""
    done = subprocess.run(
        [sys.executable, "examples/continuous/main.py", "--for", "300ms", "--every", "100ms"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    line = r" +\d\.\d s {}: +[\d,]+ iterations/s +[\d.]+% ok +[\d,]+ faults\n"
    for name, verdict in (("fan-out", "FAIL"), ("pipeline", "(FAIL|PASS)"), ("retry", "PASS")):
        assert re.search(line.format(name), done.stdout)
        assert re.search(rf"^{verdict} +{name}: ", done.stdout, re.MULTILINE)


def test_statistics_are_those_of_the_time_since_the_last_line(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line counts what happened since the one before it."""
    live = example.Live("1s")
    started = next(each for each in hostile_run("x") if isinstance(each, RunStarted))
    first = [IterationEnded(n / 10, 0, n, Outcome.OK, 0.1) for n in range(1, 11)]
    fault = Fired(1.1, "it", "delay", "p", "", 0, 0, (), 0)
    second = [fault, IterationEnded(2.1, 0, 11, Outcome.FAILED, 0.1)]
    live.follow([started, *first[:4]])
    live.follow([*first[4:], *second])
    assert capsys.readouterr().out.splitlines() == [
        "   1.0 s hostile:      10 iterations/s  100.0% ok      0 faults",
        "   2.1 s hostile:       1 iterations/s    0.0% ok      1 faults",
    ]


def test_its_parts_conform(example: ModuleType) -> None:
    """The reporter and the target of the example keep what runs rely on."""
    check_reporter(lambda: example.Live("10ms"))
    check_target(example.Backend)
