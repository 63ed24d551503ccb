"""The store that forgets, the shop that miscounts, and those that do not."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "failpoints"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^chaoscore (run .*)$", README, re.MULTILINE)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in the root, as the README says."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_crash_loses_what_was_safe() -> None:
    """A crash between emptying the log and writing the snapshot loses writes; the other way round, none does."""
    done = run("examples/failpoints/crash.py")
    assert (done.returncode, done.stderr) == (0, "")
    hasty, careful = done.stdout.splitlines()
    assert "a crash at hasty.log-emptied, time 1, loses 4 of 4 safe writes" in hasty
    assert "a crash at hasty.log-emptied, time 2, loses 4 of 9 safe writes" in hasty
    assert hasty.count("loses") == 2
    assert careful == "CarefulStore: nothing is lost, wherever it crashes"


def test_a_sale_is_not_counted() -> None:
    """A customer who buys while another one is held in the middle is not counted, unless there is a lock."""
    done = run("examples/failpoints/pause.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Shop: while the first sale is held, the second one goes on",
        "LockingShop: while the first sale is held, the second one has to wait",
        "Shop: 2 of 10 sold, 9 left: one sale is lost",
        "LockingShop: 2 of 10 sold, 8 left",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_do_what_it_says(command: str) -> None:
    """Each scenario in the README runs, with the verdict that it names."""
    done = run("-m", "chaoscore", *shlex.split(command))
    code, said = (0, "VERDICT PASS") if ":careful" in command else (1, "key 10 was refused, and is there after a")
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert "landed 4 times in 50 asks" in done.stdout


def test_the_readme_has_commands() -> None:
    """The test above has commands to run, and the README names the other programs."""
    assert len(COMMANDS) == 2
    assert all(f"python examples/failpoints/{name}.py" in README for name in ("crash", "pause"))


def test_the_store_knows_nothing_of_chaos() -> None:
    """What is broken imports nothing of this project: its failpoints are comments."""
    for name in ("store", "shop", "writer"):
        assert not re.search(r"^\s*(from|import) chaos", (EXAMPLE / f"{name}.py").read_text(), re.MULTILINE)
