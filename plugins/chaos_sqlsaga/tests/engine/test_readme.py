"""What the README says of the engine is so."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from chaos_sqlsaga import engine

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## The engine\n") :].split("\n## ")[0]

PRINTED = """\
completed shelf 7
refund
put back on shelf 7
failed customs: ZeroDivisionError: division by zero
saga 'order': join 'packed' of fork 'pack' waits for 'sea', which no branch is called; have 'air'
completed
20
"""


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks run one after the other, and print what the comments say."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    assert "".join(re.sub(r"(refund\n|put back on shelf 7\n)+(?=completed|20)", "", capsys.readouterr().out)) == PRINTED


def test_it_names_every_point_and_every_state() -> None:
    """All points and states that the engine has stand in it."""
    source = Path(engine.points.__file__).read_text(encoding="utf-8")
    assert [each for each in set(re.findall(r"``(saga\.\w+)``", source)) if f"`{each}`" not in SECTION] == []
    states = [*engine.SagaState, *engine.StepState]
    assert [each for each in states if each not in SECTION] == []


def test_it_names_what_can_be_imported() -> None:
    """Every public name of the engine that a user calls stands in it."""
    called = [
        name for name in engine.__all__ if name not in ("Builder", "Definition", "Look", "SagaState", "StepState")
    ]
    assert [name for name in called if name not in SECTION] == []
