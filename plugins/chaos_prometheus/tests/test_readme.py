"""The README keeps its word: every block in it is executed."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_prometheus import plugin
from chaos_prometheus.command import shipped
from chaos_prometheus.families import families
from chaoscore import offered_metrics
from tests.services.child import free_port
from tests.services.postgres import UnavailableError
from tests.services.prometheus import promtool

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_python_runs(tmp_path: Path) -> None:
    """The blocks of Python run as they stand; what they print is what is to be seen."""
    said = []
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout.splitlines())
    assert said[0][-1] == "1"
    assert said[1] == ["[(1, ('db.read',))]"]


@pytest.mark.slow
def test_its_commands_run(tmp_path: Path, gateway: str) -> None:
    """In their order, with the files that the text shows, and with ports that are free here."""
    [scenario], [configuration] = blocks("toml"), blocks("yaml")
    (tmp_path / "shop.toml").write_text(scenario)
    (tmp_path / "prometheus.yml").write_text(configuration)
    lines = [line.partition("  #")[0] for block in blocks("sh") for line in block.splitlines()]
    for line in lines:
        run(line, tmp_path, gateway)
    assert len(lines) == 9
    assert 'scenario="a shop"' in (tmp_path / "chaos.prom").read_text()
    assert '"uid": "chaoscore"' in (tmp_path / "chaoscore.json").read_text()


def run(line: str, folder: Path, gateway: str) -> None:
    line = re.sub(r"--prometheus(=\d+)?$", f"--prometheus={free_port()}", line.strip())
    command, _, output = line.replace("http://127.0.0.1:9091", gateway).partition(" > ")
    program, *arguments = command.split()
    if program == "promtool":
        try:
            promtool(*arguments, folder=folder)
        except UnavailableError as error:
            pytest.skip(f"cannot run here: {error}")
        return
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stderr
    if output:
        (folder / output).write_text(done.stdout)


def test_its_queries_can_be_asked(tmp_path: Path) -> None:
    """promtool can read every query."""
    [text] = blocks("promql")
    rules = "".join(f"  - record: query:number{n}\n    expr: {q!r}\n" for n, q in enumerate(text.splitlines()))
    (tmp_path / "rules.yml").write_text(f"groups:\n- name: readme\n  rules:\n{rules}")
    try:
        assert f"{len(text.splitlines())} rules found" in promtool("check", "rules", "rules.yml", folder=tmp_path)
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


def table(heading: str) -> Iterator[list[str]]:
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (`.*) \|$", section, re.MULTILINE):
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]


def test_the_table_of_metrics_is_complete(book: Callable[..., Any]) -> None:
    """It has each metric, under its full name and with its type, and no other; and every label is one there is."""
    of_the_core = {name: offered_metrics()[name] for name in ("recorded", "strikes")}
    suffixes = {"counter": "_total", "info": "_info"}
    shown = {each.name + suffixes.get(each.sort, ""): each.sort for each in families(book(**of_the_core).ledger)}
    told = {name.strip("`"): sort for name, sort, *_ in table("Metrics")}
    assert told == shown
    labels = {label for _, _, names, _ in table("Metrics") for label in re.findall(r"`(\w+)`", names)}
    assert labels >= {"outcome", "step", "quantile", "injector", "kind", "validator", "severity", "verdict", "seed"}


def test_the_table_of_alerts_is_complete() -> None:
    """It has each alert, and no other."""
    told = {name for cells in table("Alerts") for name in re.findall(r"`(Chaos\w+)`", cells[0])}
    assert told == set(re.findall(r"- alert: (\w+)", shipped("alerts")))


def test_it_names_every_reporter() -> None:
    """Each can be found in the README as the option that it is."""
    assert [each.kind for each in plugin.chaos_reporters() if f"--{each.kind}" not in README] == []
