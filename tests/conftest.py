"""What tests of several folders share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a small distribution with one plugin, as long as the test lasts."""
    before = set(sys.modules)

    def install(
        plugin: str, source: str, *, distribution: str | None = None, where: str = "site", commands: str = ""
    ) -> Path:
        name = distribution or f"chaos-{plugin}"
        site = tmp_path / where
        module = f"{name.replace('-', '_')}_plugin"
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        offered = "".join(f"{command} = {module}:{command}\n" for command in commands.split())
        (info / "entry_points.txt").write_text(f"[chaoscore]\n{plugin} = {module}\n[chaoscore.commands]\n{offered}")
        (site / f"{module}.py").write_text(dedent(source))
        monkeypatch.syspath_prepend(site)
        return site

    yield install
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]
