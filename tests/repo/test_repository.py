"""The repository holds what it promises: one test for each promise that no tool checks."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chaoscore import hookspecs
from tests.repo.projects import CORE, PLUGINS, PROJECTS, ROOT, Project, files, read_toml

SETTINGS = read_toml(ROOT / "pyproject.toml")
CONTRACTS = SETTINGS["tool"]["importlinter"]["contracts"]
FRONT_DOORS = {
    "chaoscore",
    "chaoscore.injectors",
    "chaoscore.reporters",
    "chaoscore.testing",
    "chaoscore.validators",
}
# Written so that this file does not name what it looks for.
PRIVATE = re.compile(
    r"py[p]i\.org|pythonhoste[d]\.org|(index-ur[l]|find-link[s])[= ]+\S*/"
    r"|/(hom[e]|User[s])/\w+/|/roo[t]/"
)


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports: `chaoscore` for both `import chaoscore` and `from` it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            # `from chaoscore import executor` imports a module as well.
            yield from (
                f"{node.module}.{alias.name}"
                for alias in node.names
                if node.module == "chaoscore" and is_module(CORE.package / alias.name)
            )


def is_module(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_no_file_names_an_index_or_a_machine() -> None:
    """No file names a package index's host or somebody's home folder."""
    found = []
    for path in files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in PRIVATE.finditer(text)]
    assert found == []


def test_only_constraints_lock_versions() -> None:
    """uv.lock, which names hosts, is ignored by git."""
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()


def test_every_dependency_is_pinned() -> None:
    """constraints.txt pins each direct dependency of the core, the plugins and the tools."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") and pin.url is None for pin in pins)
    wanted = [*SETTINGS["build-system"]["requires"], *SETTINGS["dependency-groups"]["dev"]]
    for project in PROJECTS:
        extras = project.metadata.get("optional-dependencies", {}).values()
        wanted += [*project.metadata["dependencies"], *(line for extra in extras for line in extra)]
    names = {canonicalize_name(Requirement(line).name) for line in wanted}
    assert names - {canonicalize_name(pin.name) for pin in pins} == {p.name for p in PROJECTS}


@pytest.mark.parametrize("project", PROJECTS, ids=str)
def test_a_project_is_complete(project: Project) -> None:
    """A project has a readme, the licence, a type marker and one version."""
    assert len((project.folder / "README.md").read_text(encoding="utf-8").split()) > 10
    assert (project.folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (project.package / "py.typed").is_file()
    assert project.metadata["license"] == "Apache-2.0"
    module = importlib.import_module(project.module)
    assert getattr(module, "__version__", None) in (None, project.metadata["version"])


@pytest.mark.parametrize("plugin", PLUGINS, ids=str)
def test_a_plugin_is_wired(plugin: Project) -> None:
    """A plugin follows the naming scheme and is listed wherever plugins are listed."""
    short = plugin.name.removeprefix("chaos-")
    assert plugin.folder.name == plugin.module == f"chaos_{short}"
    entry_points = plugin.metadata["entry-points"]["chaoscore"]
    assert entry_points == {short: f"{plugin.module}.plugin"}
    assert (plugin.package / "plugin.py").is_file()
    assert plugin.name in SETTINGS["dependency-groups"]["dev"]
    assert SETTINGS["tool"]["uv"]["sources"][plugin.name] == {"workspace": True}
    source = f"$MYPY_CONFIG_FILE_DIR/plugins/{plugin.module}/src"
    assert source in SETTINGS["tool"]["mypy"]["mypy_path"]
    assert plugin.module in SETTINGS["tool"]["importlinter"]["root_packages"]
    assert all(plugin.module in contract["modules"] for contract in of_type("independence"))
    assert all(plugin.module in contract["forbidden_modules"] for contract in of_type("forbidden"))


def of_type(kind: str) -> list[dict[str, list[str]]]:
    contracts = [contract for contract in CONTRACTS if contract["type"] == kind]
    assert contracts
    return contracts


@pytest.mark.parametrize("plugin", PLUGINS, ids=str)
def test_a_plugin_uses_the_front_doors(plugin: Project) -> None:
    """A plugin imports nothing of the core but its public modules."""
    behind = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in [*plugin.sources(), *(plugin.folder / "tests").rglob("*.py")]
        for module in imported(path)
        if module.split(".")[0] == "chaoscore" and module not in FRONT_DOORS
    }
    assert behind == set()


def test_every_module_of_the_core_has_its_layer() -> None:
    """The layers name the core's modules, all of them and no others."""
    [contract] = of_type("layers")
    listed = {name.strip() for layer in contract["layers"] for name in re.split("[|:]", layer)}
    modules = {path.stem for path in CORE.package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert modules - {"__init__", "__main__"} == listed


def hooks() -> list[str]:
    """The names of the hooks that plugins can implement."""
    return [name for name, value in inspect.getmembers(hookspecs) if hasattr(value, "chaoscore_spec")]


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented_and_tested(hook: str) -> None:
    """A hook says what it is for, and a test implements it or has a plugin that does."""
    assert inspect.getdoc(getattr(hookspecs, hook))
    tests = [path for path in all_tests() if path != Path(__file__)]
    sources = [path for project in PROJECTS for path in project.sources() if path.stem != "hookspecs"]
    assert any(f"def {hook}(" in path.read_text(encoding="utf-8") for path in [*tests, *sources])
    assert any(hook in path.read_text(encoding="utf-8") for path in tests)


def test_there_are_hooks() -> None:
    """The test above has hooks to look at."""
    assert "chaos_injectors" in hooks()


def all_tests() -> list[Path]:
    return [path for path in files() if path.name.startswith("test_") and path.suffix == ".py"]


def test_every_test_is_a_sentence() -> None:
    """A test's docstring is one sentence, which could be false."""
    silent = []
    for path in all_tests():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_test(node):
                sentence = ast.get_docstring(node) or ""
                if not sentence.endswith("."):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


def is_test(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name.startswith("test_")


@pytest.mark.parametrize("folder", ["examples", "plugins", "tests"])
def test_only_what_is_installed_is_a_package(folder: str) -> None:
    """No folder of tests or examples is a package, so that files of one name do not clash."""
    packages = [path for path in files(ROOT / folder) if path.name == "__init__.py"]
    assert [str(path) for path in packages if "src" not in path.relative_to(ROOT).parts] == []
