"""The workspace as data: its projects and its files."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "__pycache__", "build", "dist", "uv.lock", ".hypothesis"}


def read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@attrs.frozen
class Project:
    """One installable project, and what its pyproject.toml says of it."""

    folder: Path

    @property
    def metadata(self) -> dict[str, Any]:
        return dict(read_toml(self.folder / "pyproject.toml")["project"])

    @property
    def name(self) -> str:
        return str(self.metadata["name"])

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def package(self) -> Path:
        """The folder that is imported; a plugin's is out of reach unless it is installed."""
        return self.folder / ("" if self == CORE else "src") / self.module

    def sources(self) -> list[Path]:
        return sorted(self.package.rglob("*.py"))

    def __str__(self) -> str:
        return self.name


CORE = Project(ROOT)
PLUGINS = [Project(path.parent) for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
PROJECTS = [CORE, *PLUGINS]


def files(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository, and none that tools or installers made."""
    for path in sorted(folder.iterdir()):
        if path.name in NOT_OURS or path.name.endswith("_cache"):
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path
