"""The bank that loses money when a panic strikes between two bookings, and the careful one."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaoscore import Report, Verdict
from chaoscore.loader import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "chaos_context"
COMMANDS = re.findall(r"^chaoscore (run .*)$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)


def run(name: str = "", **options: Any) -> Report:
    return load(f"{EXAMPLE / 'scenario.py'}{name}").run(**options)


@pytest.mark.parametrize("seed", range(5))
def test_a_panic_costs_money(seed: int) -> None:
    """Whatever the seed, errors between two bookings are undone and panics are not."""
    report = run(seed=seed)
    assert report.verdict is Verdict.FAIL
    assert re.fullmatch(r"\d+ of 1000 are lost", report.findings[0].first.message)
    assert report.iterations.failed == 0
    assert all(each.fired for each in report.injections)


@pytest.mark.parametrize("seed", range(5))
def test_the_careful_bank_loses_none(seed: int) -> None:
    """Whatever the seed, the careful bank holds under the same faults."""
    report = run(":careful", seed=seed)
    assert report.verdict is Verdict.PASS
    assert all(each.fired for each in report.injections)


def test_without_faults_every_bank_holds() -> None:
    """Without faults no money is lost: it is the faults that find it."""
    assert run(inject=False).verdict is Verdict.PASS


def test_the_context_follows_into_the_pool() -> None:
    """The points are in the pool's threads, and one seed strikes them alike, whichever thread comes first."""
    one, other = run(":careful", seed=5), run(":careful", seed=5)
    assert [each.fired for each in one.injections] == [each.fired for each in other.injections]
    assert {each.asked for each in one.injections} >= {200}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_do_what_it_says(command: str) -> None:
    """Each command in the README runs, with the verdict that it names."""
    done = subprocess.run(
        [sys.executable, "-m", "chaoscore", *shlex.split(command)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    expected = (0, "VERDICT PASS") if ":careful" in command else (1, "45 of 1000 are lost")
    assert done.returncode == expected[0], done.stdout + done.stderr
    assert expected[1] in done.stdout
