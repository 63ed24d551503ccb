"""The README of this plugin."""

import re
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

from chaos_process import plugin

PATH = Path(__file__).parent.parent / "README.md"
# beside the tests in a checkout; an installed plugin carries it with it
README = PATH.read_text(encoding="utf-8") if PATH.exists() else str(metadata("chaos-process").json["description"])
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [block for language, block in BLOCKS if language == "python"]
[TOML] = [block for language, block in BLOCKS if language == "toml"]


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.split("\n")[0])
def test_every_python_block_runs(block: str, tmp_path: Path) -> None:
    """What the README shows in Python works as it stands."""
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("pass\n", "process ")), done.stdout


@pytest.mark.usefixtures("installed")
def test_the_scenario_file_is_valid(tmp_path: Path) -> None:
    """What the README shows as a scenario file is found valid by the command line."""
    (tmp_path / "shop.py").write_text(PYTHON[0])
    (tmp_path / "busy.toml").write_text(TOML)
    command = [sys.executable, "-m", "chaoscore", "check", "busy.toml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_part_is_in_a_table() -> None:
    """The README has each injector and validator, and the name that Python uses for it."""
    kinds = [*(each.kind for each in plugin.chaos_injectors()), *(each.kind for each in plugin.chaos_validators())]
    for kind in kinds:
        assert f"| `{kind}`, `{kind.partition('.')[2]}` |" in README
