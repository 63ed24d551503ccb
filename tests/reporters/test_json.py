"""The report as JSON."""

from pathlib import Path

import msgspec

from chaoscore.fold import replay
from chaoscore.report import REPORT_SCHEMA, Report
from chaoscore.reporters import json
from tests.fold.history import failing, found, started


def test_the_report_reads_back(tmp_path: Path) -> None:
    """What is written is the whole report, with the version of its form."""
    report = replay(failing())
    json(tmp_path / "report.json").report(report)
    content = (tmp_path / "report.json").read_bytes()
    assert msgspec.json.decode(content, type=Report) == report
    assert msgspec.json.decode(content)["schema"] == REPORT_SCHEMA


def test_it_is_indented_for_people(tmp_path: Path) -> None:
    """A line holds one value, and the last line ends."""
    json(tmp_path / "report.json").report(replay(failing()))
    lines = (tmp_path / "report.json").read_text().splitlines(keepends=True)
    assert lines[1] == '  "schema": 1,\n'
    assert lines[-1] == "}\n"


def test_values_of_any_type_are_written(tmp_path: Path) -> None:
    """Evidence that JSON does not know does not cost the report."""
    event = found(message="half \ud83d", data={"object": object, (1, 2): "key"})
    json(tmp_path / "report.json").report(replay([started(), event]))
    finding = msgspec.json.decode((tmp_path / "report.json").read_bytes())["findings"][0]["first"]
    assert finding["data"] == {"object": "<class 'object'>", "(1, 2)": "key"}
