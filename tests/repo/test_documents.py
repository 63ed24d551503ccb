"""The documents hold what they say: every block of code in them is executed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SAFETY = ROOT / "SAFETY.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", SAFETY]


def blocks(path: Path, language: str) -> list[str]:
    """Return the blocks of one language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def commands(path: Path) -> Iterator[list[str]]:
    """Yield the command lines in a document, split into words, without their comments."""
    for block in blocks(path, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*, with the package of this environment."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "CHAOSCORE_STATE_DIR": str(folder / "state")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("index", range(len(blocks(README, "python"))))
def test_every_python_block_of_the_readme_runs(index: int, tmp_path: Path) -> None:
    """Each by itself, in a fresh interpreter, without an error."""
    result = run([sys.executable, "-c", blocks(README, "python")[index]], tmp_path)
    assert result.returncode == 0, result.stderr


def test_every_chaoscore_command_of_the_readme_runs(tmp_path: Path) -> None:
    """In their order, with the scenario file that the text shows."""
    (scenario,) = blocks(README, "toml")
    (tmp_path / "queue.toml").write_text(scenario)
    ran = [words for words in commands(README) if words[0] == "chaoscore"]
    assert {words[1] for words in ran} >= {"check", "plan", "run", "report", "plugins", "doctor"}
    for words in ran:
        result = run([sys.executable, "-m", *words], tmp_path)
        assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    assert (tmp_path / "results.xml").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_other_command_names_what_there_is(document: Path) -> None:
    """Commands of run.py exist, and so do the folders that pip installs."""
    usage = (ROOT / "run.py").read_text()
    for words in commands(document):
        if words[:2] == ["python3", "run.py"]:
            assert f"\ndef {words[2]}(" in usage, words
        elif words[:2] == ["pip", "install"]:
            assert all((ROOT / word.partition("[")[0]).is_dir() for word in words[2:]), words
        else:
            assert words[0] == "chaoscore", words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    """Relative links name files and folders of the repository."""
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_the_tables_of_built_in_parts_are_complete() -> None:
    """Every built-in injector, validator and reporter is named in the README."""
    from chaoscore import builtin, injectors, validators

    text = README.read_text()
    reporters = {each.kind for each in builtin.chaos_reporters()}
    offered = {*injectors.__all__, *validators.__all__, *reporters}
    assert [name for name in sorted(offered) if f"`{name}" not in text] == []
    assert reporters == {"console", "events", "json", "junit", "markdown"}


def test_every_promise_of_safety_names_tests_that_exist() -> None:
    """Each row of the table has at least one, and each is a function of that name in that file."""
    table = SAFETY.read_text().partition("| event |")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]
    assert len(rows) > 15
    for event, _, tests in rows:
        named = re.findall(r"`([^`]+)::(\w+)`", tests)
        assert named, event
        missing = [name for path, name in named if f"\ndef {name}(" not in (ROOT / path).read_text()]
        assert missing == [], event


def test_every_benchmark_that_a_document_names_exists() -> None:
    """What stands behind ``run.py bench`` is what the benchmarks are called."""
    from benchmarks.__main__ import named

    for document in DOCUMENTS:
        for words in re.findall(r"run\.py bench((?: [a-z]+)+)", document.read_text()):
            assert all(map(named, words.split())), words
