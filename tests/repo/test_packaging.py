"""What users install: wheels, source distributions, editable checkouts and uv's workspace."""

import email
import email.message
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal

import build
import pytest
from packaging.requirements import Requirement

from tests.repo.projects import CORE, PLUGINS, PROJECTS, ROOT, Project, files

WIRING = {(name, value) for plugin in PLUGINS for name, value in plugin.metadata["entry-points"]["chaoscore"].items()}
# The tests that run outside of the checkout, on the wheels.
OUTSIDE = ["plugins/chaos_process/tests", "tests/fold", "tests/reporters"]
ASK_WIRING = """
from importlib.metadata import entry_points
import json
print(json.dumps([(e.name, e.value, e.load().__file__) for e in entry_points(group="chaoscore")]))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run *command* in *cwd* as a user outside of this checkout would, and return its output."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
        and not name.startswith(("CHAOSCORE_", "PYTEST_", "UV_PROJECT"))
    }
    done = subprocess.run(command, cwd=cwd, env=env, check=False, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_into(folder: Path, source: Path, kind: Literal["sdist", "wheel"]) -> Path:
    return Path(build.ProjectBuilder(source).build(kind, folder))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Project, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    return {project: build_into(folder, project.folder, "wheel") for project in PROJECTS}


@pytest.fixture(scope="module")
def sdists(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Project, Path]:
    folder = tmp_path_factory.mktemp("sdists")
    return {project: build_into(folder, project.folder, "sdist") for project in PROJECTS}


def contents(project: Project) -> set[str]:
    """The files of a project's package, as they are imported."""
    return {str(path.relative_to(project.package.parent)) for path in files(project.package)}


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_a_wheel_holds_its_package_and_the_licence(wheels: Mapping[Project, Path], project: Project) -> None:
    """A wheel holds the whole package and its metadata, and nothing else."""
    with zipfile.ZipFile(wheels[project]) as wheel:
        names = set(wheel.namelist())
    info = f"{project.module}-{project.metadata['version']}.dist-info"
    assert {name for name in names if not name.startswith(f"{info}/")} == contents(project)
    assert f"{project.module}/py.typed" in names
    assert f"{info}/licenses/LICENSE" in names


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_a_wheel_says_what_it_needs(wheels: Mapping[Project, Path], project: Project) -> None:
    """A wheel's metadata names the licence, the Python versions and every dependency."""
    metadata = wheel_metadata(wheels[project])
    needs = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    assert metadata["Name"] == project.name
    assert metadata["Version"] == project.metadata["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    unconditional = {str(need) for need in needs if need.marker is None}
    assert unconditional == {str(Requirement(n)) for n in project.metadata["dependencies"]}


def wheel_metadata(path: Path) -> email.message.Message:
    with zipfile.ZipFile(path) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(wheel.read(name))


def test_the_core_needs_four_distributions(wheels: Mapping[Project, Path]) -> None:
    """The core has four direct dependencies."""
    metadata = wheel_metadata(wheels[CORE])
    needs = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    names = sorted(need.name for need in needs if need.marker is None)
    assert names == ["attrs", "click", "msgspec", "pluggy"]


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_an_sdist_builds_the_same_wheel(
    sdists: Mapping[Project, Path],
    wheels: Mapping[Project, Path],
    project: Project,
    tmp_path: Path,
) -> None:
    """A source distribution holds its own project only, and enough of it to build its wheel."""
    with tarfile.open(sdists[project]) as sdist:
        sdist.extraction_filter = getattr(tarfile, "data_filter", None)  # 3.11.0 to 3.11.3 have none
        sdist.extractall(tmp_path)
    [top] = tmp_path.iterdir()
    below = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    prefix = "" if project == CORE else "src/"
    own = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert below == own | {prefix + name for name in contents(project)}
    rebuilt = build_into(tmp_path, top, "wheel")
    assert zipfile.ZipFile(rebuilt).namelist() == zipfile.ZipFile(wheels[project]).namelist()


def test_an_editable_install_offers_every_plugin() -> None:
    """In this checkout the entry points lead to the plugins' sources."""
    found = {(entry.name, entry.value) for entry in entry_points(group="chaoscore")}
    assert found >= WIRING
    for entry in entry_points(group="chaoscore"):
        if (entry.name, entry.value) in WIRING:
            assert Path(entry.load().__file__).is_relative_to(ROOT / "plugins")


@pytest.mark.slow
def test_wheels_work_outside_of_the_checkout(wheels: Mapping[Project, Path], tmp_path: Path) -> None:
    """Installed by pip from wheels, core and plugins are found and pass their tests elsewhere."""
    python = tmp_path / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    pins = ROOT / "constraints.txt"
    run(*pip, "--constraint", pins, *wheels.values(), "pytest", "hypothesis", cwd=tmp_path)
    wiring = json.loads(run(python, "-c", ASK_WIRING, cwd=tmp_path))
    assert {(name, value) for name, value, _ in wiring} == WIRING
    assert all(Path(file).is_relative_to(tmp_path / "venv") for _, _, file in wiring)
    assert "Usage" in run(python.with_name("chaoscore"), "--help", cwd=tmp_path)
    for path in files():
        if "tests" in path.relative_to(ROOT).parts:  # All of them: they help each other.
            copy_of(path, tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)  # for pytest's settings
    run(python, "-m", "pytest", "-m", "not slow", *OUTSIDE, cwd=tmp_path)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the repository as git would check it out."""
    for path in files():
        copy_of(path, tmp_path)
    return tmp_path


def copy_of(path: Path, folder: Path) -> None:
    """Copy a file of the repository to its place below *folder*."""
    target = folder / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)


@pytest.mark.slow
def test_uv_installs_all_or_one(copy: Path) -> None:
    """A bare `uv sync` installs every plugin and the tools; one package, itself and the core."""
    uv = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if uv is None:
        pytest.skip("cannot run here: no uv")
    sync = (uv, "sync", "--quiet", "--python", sys.executable)
    run(*sync, cwd=copy)
    everything = {project.name for project in PROJECTS} | {"mypy", "pytest", "ruff"}
    assert installed(uv, copy) > everything
    run(*sync, "--package", "chaos-sql", "--no-dev", cwd=copy)
    core = {"attrs", "chaoscore", "click", "msgspec", "pluggy"}
    assert installed(uv, copy) == core | {"chaos-sql"}


def installed(uv: str, folder: Path) -> set[str]:
    listing = run(uv, "pip", "list", "--quiet", "--format=json", cwd=folder)
    return {distribution["name"] for distribution in json.loads(listing)}
