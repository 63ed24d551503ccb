"""The shop that charges twice, and the careful one."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from chaoscore import Verdict
from chaoscore.loader import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "simple"
COMMANDS = re.findall(r"^chaoscore (run .*)$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("seed", range(5))
def test_a_retry_charges_twice(seed: int) -> None:
    """Whatever the seed, an order is charged twice although every purchase succeeds or meets an injected fault."""
    report = load(EXAMPLE / "scenario.py").run(seed=seed)
    assert report.verdict is Verdict.FAIL
    assert re.fullmatch(r"order \d+ was charged [23] times", report.findings[0].first.message)
    assert {each.validator for each in report.findings} == {"paid-once"}
    assert report.iterations.failed == 0
    assert all(each.fired for each in report.injections)


@pytest.mark.parametrize("seed", range(5))
def test_the_careful_shop_charges_once(seed: int) -> None:
    """Whatever the seed, the careful shop holds under the same faults."""
    report = load(f"{EXAMPLE / 'scenario.py'}:careful").run(seed=seed)
    assert report.verdict is Verdict.PASS
    assert all(each.fired for each in report.injections)


def test_without_faults_every_shop_holds() -> None:
    """Without faults nothing is charged twice: it is the faults that find it."""
    report = load(EXAMPLE / "scenario.py").run(inject=False)
    assert report.verdict is Verdict.PASS


def test_toml_says_the_same() -> None:
    """The scenario in TOML injects the same faults at the same places as the one in Python, and finds the same."""
    python, toml = (load(EXAMPLE / f"scenario.{suffix}").run(seed=42) for suffix in ("py", "toml"))
    assert [each.fired for each in python.injections] == [each.fired for each in toml.injections]
    assert [each.first.message for each in python.findings] == [each.first.message for each in toml.findings]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_do_what_it_says(command: str) -> None:
    """Each command in the README runs, with the verdict that it names."""
    done = subprocess.run(
        [sys.executable, "-m", "chaoscore", *shlex.split(command)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    expected = (0, "VERDICT PASS") if ":careful" in command else (1, "order 15 was charged 3 times")
    assert done.returncode == expected[0], done.stdout + done.stderr
    assert expected[1] in done.stdout


def test_the_readme_has_commands() -> None:
    """The test above has commands to run."""
    assert len(COMMANDS) == 3
