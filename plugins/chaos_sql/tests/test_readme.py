"""The README keeps its word."""

import re
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

import chaos_sql
from chaos_sql import plugin

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

OFFERED: tuple[Any, ...] = (*plugin.chaos_injectors(), *plugin.chaos_validators())
PARTS = {each.kind: each for each in OFFERED}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of Python run one after the other, and print what the comments say."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert capsys.readouterr().out == "90 left of 100\n"
    for name in ("orders", "mails"):
        names[name].close()


def test_its_toml_is_right() -> None:
    """The tables of TOML name parts that there are, with parameters that they take."""
    [text] = blocks("toml")
    tables = [table for section in tomllib.loads(text).values() for table in section.values()]
    made = [PARTS[table["use"]](**{key: table[key] for key in table if key != "use"}) for table in tables]
    assert [each.kind for each in made] == ["sql.error", "sql.consistent"]


def test_it_names_every_part() -> None:
    """Everything that can be imported or used by name stands in the README."""
    public = [name for name in chaos_sql.__all__ if name[0].islower()]
    assert [kind for kind in PARTS if f"`{kind}`" not in README] == []
    assert [name for name in public if f"`{name}(" not in README] == []
