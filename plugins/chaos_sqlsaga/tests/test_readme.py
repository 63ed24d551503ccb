"""The README keeps its word."""

import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

import chaos_sqlsaga
from chaos_sqlsaga import plugin
from chaos_sqlsaga.history import What

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

OFFERED: tuple[Any, ...] = (*plugin.chaos_injectors(), *plugin.chaos_validators())
PARTS = {each.kind: each for each in OFFERED}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of Python run one after the other, and print what the comments say."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    said = []
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
        said += re.findall(r"print\(.*?\)(?:  |\n)# (.*)", block)
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in said if line not in printed] == []
    assert len(said) == 7


def test_its_toml_is_right() -> None:
    """The tables of TOML name parts that there are, with parameters that they take."""
    tables = [
        table for text in blocks("toml") for section in tomllib.loads(text).values() for table in section.values()
    ]
    made = [
        PARTS[table["use"]](**{key: table[key] for key in table if key != "use"})
        for table in tables
        if table["use"] in PARTS
    ]
    assert [each.kind for each in made] == ["saga.handler_error", "saga.commit_error", "saga.invariants"]


def test_it_names_every_part() -> None:
    """Everything that can be imported or used by name stands in the README."""
    public = [name for name in chaos_sqlsaga.__all__ if name[0].islower() and name != "observe"]
    assert [kind for kind in PARTS if f"`{kind}`" not in README] == []
    assert [name for name in public if f"{name}(" not in README] == []


def test_it_names_every_event() -> None:
    """Every event that an engine may tell stands in the table."""
    assert [str(each) for each in What if f"`{each}`" not in README] == []
