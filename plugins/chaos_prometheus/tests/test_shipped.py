"""Alert rules, their tests and the dashboard: what the package brings."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos_prometheus.command import SHIPPED, shipped
from chaos_prometheus.families import families
from chaoscore import Metric, Recorded
from tests.services.postgres import UnavailableError
from tests.services.prometheus import promtool

DASHBOARD = json.loads(shipped("dashboard"))
EXPRESSIONS = [
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(each["expr"] for each in DASHBOARD["annotations"]["list"]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what the package brings, under the names that it has there."""
    for what, name in SHIPPED.items():
        (tmp_path / name).write_text(shipped(what))
    return tmp_path


def tool(folder: Path, *arguments: str) -> str:
    try:
        return promtool(*arguments, folder=folder)
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", shipped("alerts"))


def test_the_rules_are_right(folder: Path) -> None:
    """promtool can read every rule."""
    assert f"SUCCESS: {len(alerts())} rules found" in tool(folder, "check", "rules", "alerts.yml")


def test_the_rules_fire_when_they_should_and_not_otherwise(folder: Path) -> None:
    """promtool runs the tests of the rules without a failure."""
    assert "SUCCESS" in tool(folder, "test", "rules", "alerts_test.yml")


def test_the_tests_of_the_rules_can_fail(folder: Path) -> None:
    """A rule that never fires is found by its test."""
    rules = folder / "alerts.yml"
    rules.write_text(rules.read_text().replace('chaos_verdict{verdict="fail"} == 1', "chaos_verdict > 2"))
    with pytest.raises(AssertionError, match="ChaosVerdictFail"):
        tool(folder, "test", "rules", "alerts_test.yml")


@pytest.mark.parametrize("alert", alerts())
def test_every_alert_is_tested_both_ways(alert: str) -> None:
    """There is a case in which it fires and one in which it does not."""
    tests = shipped("alerts-test")
    assert re.search(rf"alertname: {alert}, eval_time: \w+, exp_alerts: \[\]", tests)
    assert re.search(rf"alertname: {alert}\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels", tests)


def test_rules_and_panels_speak_of_what_is_shown(book: Callable[..., Any]) -> None:
    """Every metric in a rule or panel is one of the exporter's, by its full name."""
    metric = Metric(help="Recorded.", observes=(Recorded,), read=lambda event: [(1, (event.name,))], labels=("name",))
    endings = {
        "counter": ("_total",),
        "gauge": ("",),
        "info": ("_info",),
        "histogram": ("_bucket", "_count", "_sum"),
        "summary": ("", "_count", "_sum"),
    }
    shown = {
        family.name + ending for family in families(book(recorded=metric).ledger) for ending in endings[family.sort]
    }
    rules = re.findall(r"expr: (?:>-\n)?((?:.|\n {10})+)", shipped("alerts"))
    named = {name for text in (*rules, *EXPRESSIONS) for name in re.findall(r"\bchaos_\w+", text)}
    assert len(named) > 20
    assert named - shown == set()


def test_the_dashboard_fits_into_any_grafana() -> None:
    """It has a fixed uid, and every query goes to a data source that whoever imports it chooses."""
    assert DASHBOARD["uid"] == "chaoscore"
    assert "id" not in DASHBOARD
    [source, scenario] = DASHBOARD["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    users = [*DASHBOARD["panels"], *DASHBOARD["annotations"]["list"], scenario]
    users += [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
    assert all(each["datasource"] == chosen for each in users)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_no_panel_lies_over_another() -> None:
    """Every cell of the grid belongs to one panel."""
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_fault_windows_are_annotations() -> None:
    """Whatever the panel, the times in which an injector was open are marked, with its name."""
    [windows, _] = DASHBOARD["annotations"]["list"]
    assert windows["enable"]
    assert windows["expr"].startswith("chaos_injector_active{")
    assert windows["titleFormat"] == "{{injector}}"


@pytest.mark.parametrize("what", SHIPPED)
def test_the_command_prints_it(what: str) -> None:
    """`chaoscore prometheus` prints the files as they are."""
    command = [sys.executable, "-m", "chaoscore", "prometheus", what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == shipped(what)


def test_the_command_knows_nothing_else() -> None:
    """A name that there is not is wrong usage, and the names that there are are told."""
    command = [sys.executable, "-m", "chaoscore", "prometheus", "dashbord"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "alerts" in done.stderr
