"""The README keeps its word."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import chaos_patch
from chaos_patch import plugin

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
OFFERED: dict[str, Any] = {each.kind: each for each in plugin.chaos_injectors()}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", blocks("python"), ids=range(len(blocks("python"))))
def test_its_python_runs(block: str, tmp_path: Path) -> None:
    """Each block of Python runs as a program of its own, and prints what its comments say."""
    done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", block)


def test_its_toml_is_right() -> None:
    """The tables of TOML name injectors that there are, with parameters that they take."""
    [text] = blocks("toml")
    for table in tomllib.loads(text)["inject"].values():
        OFFERED[table.pop("use")](**table)


def test_it_names_every_part() -> None:
    """Everything that can be imported or used by name stands in the README."""
    public = [name for name in chaos_patch.__all__ if name[0].islower()]
    assert [kind for kind in OFFERED if f"| `{kind}` |" not in README] == []
    assert [name for name in public if f"`{name}(" not in README and f"chaos_patch.{name}(" not in README] == []
    assert [name for name in ("TargetError", "ConflictError") if name not in README] == []
