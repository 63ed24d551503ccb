"""Scenario files: from TOML or Python to a `Scenario`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from inspect import isfunction
from pathlib import Path
from typing import Any

import attrs

from chaoscore.errors import InvalidScenarioError, ScenarioError, near_miss
from chaoscore.loader.imports import UnimportableError, importable, run_file
from chaoscore.scenario import Scenario

DEFAULT_NAME = "scenario"


def load(origin: str | Path, *, dry: bool = False, environment: Mapping[str, str] | None = None) -> Scenario:
    """
    Return the scenario in a file.

    Args:
        origin: The path of a ``.toml`` or ``.py`` file. Of the latter, the module's ``scenario`` is taken, or what
            ``PATH:NAME`` names: a scenario, or a function that returns one.
        dry: Run no code of a TOML file's target; the scenario is then good for looking at, not for running.
        environment: Where ``${NAME}`` in a TOML file comes from; by default the environment of this process.

    Raises:
        InvalidScenarioError: The scenario cannot be run; it names everything that is wrong.
        ScenarioError: The file cannot be read at all.
    """
    path, name = split_origin(origin)
    _check_file(path)
    if path.suffix == ".py":
        scenario = _from_python(path, name or DEFAULT_NAME)
    elif name is None:
        scenario = _from_toml(path, os.environ if environment is None else environment, dry)
    else:
        raise ScenarioError(str(origin), "a TOML file holds one scenario, without a name", f"drop ':{name}'")
    own: dict[str, Any] = {"origin": str(origin)}
    return attrs.evolve(scenario, **own)


def split_origin(origin: str | Path) -> tuple[Path, str | None]:
    """Return the path and, if there is one, the name in ``PATH:NAME``."""
    head, colon, name = str(origin).rpartition(":")
    if colon and head and name.isidentifier() and not Path(origin).exists():
        return Path(head), name
    return Path(origin), None


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise ScenarioError(str(path), "it is a folder", "name a .toml or .py file in it")
    if not path.exists():
        beside = [each.name for each in path.parent.glob("*")] if path.parent.is_dir() else []
        raise ScenarioError(str(path), f"there is no such file{near_miss(path.name, beside)}", "check the path")
    if path.suffix not in (".toml", ".py"):
        raise ScenarioError(str(path), f"{path.name!r} is no scenario file", "name a .toml or .py file")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(str(path), f"it is not text in UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise ScenarioError(str(path), f"it cannot be read: {error.strerror}", "check its permissions") from error


# -- TOML ----------------------------------------------------------------------------------------------------


def _from_toml(path: Path, environment: Mapping[str, str], dry: bool) -> Scenario:
    from chaoscore.loader.tables import scenario_from
    from chaoscore.plugins import catalogue

    table = _parse(path)
    installed = catalogue()
    with importable(path.parent):
        return scenario_from(table, path, installed, environment, dry=dry)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(str(path), f"it is not TOML: {error}", "mend the syntax there") from error
    except RecursionError as error:
        raise ScenarioError(str(path), "its values are nested too deeply", "make it flatter") from error


# -- Python --------------------------------------------------------------------------------------------------


def _from_python(path: Path, name: str) -> Scenario:
    _read(path)
    with importable(path.parent):
        try:
            module = vars(run_file(path))
        except UnimportableError as error:
            raise ScenarioError(str(path), str(error), "mend the file") from error
        candidates = [key for key, value in module.items() if isinstance(value, Scenario) or isfunction(value)]
        if name not in module:
            raise ScenarioError(str(path), f"it has no {name!r}{near_miss(name, candidates)}", _remedy(path, module))
        found = _called(path, name, module[name])
    if not isinstance(found, Scenario):
        raise ScenarioError(str(path), f"{name!r} is {found!r:.200}, not a scenario", _remedy(path, module))
    if problems := found.problems():
        raise InvalidScenarioError(str(path), problems)
    return found


def _called(path: Path, name: str, found: Any) -> object:
    """Return *found*, or what it returns where it is a function."""
    if isinstance(found, Scenario) or not callable(found):
        return found
    try:
        return found()
    except InvalidScenarioError:
        raise
    except (Exception, SystemExit) as error:
        problem = f"{name}() raised {type(error).__name__}: {error}"
        raise ScenarioError(str(path), problem, "mend the function; it is called without arguments") from error


def _remedy(path: Path, module: Mapping[str, Any]) -> str:
    names = [name for name, value in module.items() if isinstance(value, Scenario)]
    if not names:
        return f"write `{DEFAULT_NAME} = Scenario(...)` at the top level"
    return f"write {' or '.join(f'{path}:{name}' for name in names)}"
