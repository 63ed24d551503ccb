"""Reporters in real runs."""

import io
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from chaoscore import Scenario, maybe_delay, maybe_error
from chaoscore.eventlog import read_log
from chaoscore.fold import replay
from chaoscore.injectors import delay, error
from chaoscore.protocols import Reporter
from chaoscore.report import Report
from chaoscore.reporters import console, events, json, junit, markdown
from chaoscore.verdict import ExitCode, Verdict


class Shop:
    name = "shop"


def buy(_: Shop) -> None:
    maybe_delay()
    maybe_error()


SCENARIO = (
    Scenario("shop")
    .target(Shop())
    .step("buy", buy)
    .inject("slow", delay("1us"))
    .inject("error", error(probability=0.3))
    .repeat(30)
    .workers(2)
    .seed(7)
)


def test_every_reporter_shows_the_same_run(tmp_path: Path) -> None:
    """The JSON file, the XML file, the page, the terminal and the log read again all tell of one report."""
    stream = io.StringIO()
    files = {kind: tmp_path / kind for kind in ("json", "junit", "markdown", "events")}
    reporters: list[Reporter] = [
        json(files["json"]),
        junit(files["junit"]),
        markdown(files["markdown"]),
        events(files["events"]),
        console(stream=stream),
    ]
    report = SCENARIO.run(reporters=reporters)
    assert report.troubles == ()
    assert msgspec.json.decode(files["json"].read_bytes(), type=Report) == report
    assert replay(read_log(files["events"])) == report
    assert ElementTree.parse(files["junit"]).getroot().get("name") == "shop"
    assert files["markdown"].read_text().startswith("## shop: FAIL")
    assert "VERDICT FAIL" in stream.getvalue()
    assert f"30: {report.iterations.ok} ok, {report.iterations.faulted} faulted" in stream.getvalue()


def test_the_command_that_reproduces_does(tmp_path: Path) -> None:
    """The iteration that the report names fails again when it is run alone with the same seed."""
    report = SCENARIO.run()
    assert report.reproduce == "scenario.run(seed=7)"
    prefix, _, number = (report.reproduce_alone or "").rstrip(")").rpartition("=")
    assert prefix == "scenario.run(seed=7, only_iteration"
    alone = SCENARIO.run(seed=7, only_iteration=int(number))
    assert (alone.iterations.judged, alone.iterations.faulted) == (1, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="cannot run here: there is no /dev/full")
def test_a_full_disk_harms_neither_the_run_nor_other_reporters(tmp_path: Path) -> None:
    """What cannot be written is a trouble that names the file; the run goes to its end, and others report it."""
    harmless = Scenario("shop").target(Shop()).step("buy", buy).inject("slow", delay("1us")).repeat(5)
    report = harmless.run(reporters=[events("/dev/full"), json("/dev/full"), json(tmp_path / "report.json")])
    assert report.iterations.ok == 5
    assert [each.who for each in report.troubles] == ["reporter 'events'", "reporter 'json'"]
    assert all("cannot write /dev/full: No space left on device" in each.error.message for each in report.troubles)
    assert (report.verdict, report.exit_code) == (Verdict.UNSTABLE, ExitCode.OK)
    assert (tmp_path / "report.json").exists()
