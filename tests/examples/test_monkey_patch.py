"""The notebook that a single Ctrl-C empties, and the careful one."""

import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaoscore import Report, Verdict
from chaoscore.loader import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "monkey_patch"
COMMANDS = re.findall(r"^chaoscore (run .*)$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)


@pytest.fixture(autouse=True)
def as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a run makes is gone afterwards, and what it has patched is what it was."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    code = json.dumps.__code__
    yield
    assert list(folder.iterdir()) == []
    assert json.dumps.__code__ is code


def run(name: str, **options: Any) -> Report:
    return load(EXAMPLE / f"{name}.toml").run(**options)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 7])
def test_one_interruption_loses_every_note(seed: int) -> None:
    """Where a save is interrupted, all notes that were confirmed are gone, and nothing was confirmed that failed."""
    report = run("scenario", seed=seed)
    assert report.verdict is Verdict.FAIL
    assert re.fullmatch(r"all \d+ confirmed notes are lost: notes.json has 0 bytes", report.findings[0].first.message)
    assert report.injections[0].fired == 1
    assert "json.decoder.JSONDecodeError" in {each.first.type for each in report.errors}


@pytest.mark.parametrize("seed", range(5))
def test_the_careful_notebook_loses_none(seed: int) -> None:
    """Whatever the seed, the careful notebook holds, also when a rename is reported as failed that was done."""
    report = run("careful", seed=seed)
    assert report.verdict is Verdict.PASS
    assert all(each.fired for each in report.injections)
    assert report.iterations.failed == 0


@pytest.mark.parametrize("name", ["scenario", "careful"])
def test_without_faults_every_notebook_holds(name: str) -> None:
    """Without faults no note is lost: it is the faults that find it."""
    assert run(name, inject=False).verdict is Verdict.PASS


def test_the_program_knows_nothing_of_chaos() -> None:
    """The notebook imports nothing but the standard library."""
    assert "chaos" not in (EXAMPLE / "notebook.py").read_text().partition('"""\n')[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_do_what_it_says(command: str) -> None:
    """Each command in the README runs, with the verdict that it names."""
    done = subprocess.run(
        [sys.executable, "-m", "chaoscore", *shlex.split(command)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    expected = (0, "VERDICT PASS") if "careful" in command else (1, "all 6 confirmed notes are lost")
    assert done.returncode == expected[0], done.stdout + done.stderr
    assert expected[1] in done.stdout
