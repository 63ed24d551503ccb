"""The readme does what it says: its Python runs, and its tables name all there is."""

from __future__ import annotations

import re
from pathlib import Path

from chaos_failpoint import registry
from chaos_failpoint.grammar import parse
from chaos_failpoint.grammar.arguments import ACTIONS, CORRUPTIONS
from chaos_failpoint.grammar.linting import TAGS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_python_runs() -> None:
    """The blocks of Python run one after the other, as one program, and their assertions hold."""
    names: dict[str, object] = {"__name__": "readme"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"README.md, block {number}", "exec"), names)
    assert len(BLOCKS) >= 8
    assert [each.name for each in registry.declared() if each.armed] == []


def test_its_tables_name_every_action() -> None:
    """Every action is in the table of actions, with terms that can be read."""
    shown = [cell for row in re.findall(r"^\| (`.*?) \|", README, re.MULTILINE) for cell in re.findall(r"`(.*?)`", row)]
    terms = [cell for cell in shown if re.match(r"[a-z]+", cell) and re.match(r"[a-z]+", cell)[0] in ACTIONS]  # type: ignore[index]
    assert {parse(each)[0].action for each in terms} == set(ACTIONS)


def test_it_names_every_corruption_and_tag() -> None:
    """Every corruption and everything that filters know is named."""
    assert " ".join(CORRUPTIONS) in README
    assert all(f"[{tag}" in README or f"tag `{tag}`" in README for tag in TAGS)
