"""Importing what a scenario file is made of: the file itself, and the objects that it names as ``module:attribute``."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from importlib import import_module, invalidate_caches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from chaoscore.errors import near_miss

_FRAMES = 4
_NEVER = ("__main__", "chaoscore")


class UnimportableError(ImportError):
    """What a scenario needs cannot be imported; the text says why, with the end of the traceback."""


class _Guard:
    """Keeps the standard library its own names: code of ours that imports ``queue`` must not get the scenario's."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Look for a module of the standard library where it is; leave all others to the finders that follow."""
        if path is not None or name not in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, [each for each in sys.path if each != self._folder])


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """
    Let the modules in *folder* be imported while the block lasts, before any others of their names.

    Two scenarios may each have a ``jobs.py`` beside them: a module of such a name from elsewhere is set aside
    meanwhile and put back afterwards. What the scenario imported stays, unless it has to make place: pickle and
    `typing.get_type_hints` look for it there.
    """
    shadowed = set(_shadowed(folder))
    guard = _Guard(folder)
    aside = {name: sys.modules.pop(name) for name in _within(shadowed)}
    sys.path.insert(0, str(folder))
    sys.meta_path.insert(0, guard)
    invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(guard)
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name in _within(shadowed):
            del sys.modules[name]
        sys.modules.update(aside)


def run_file(path: Path) -> ModuleType:
    """
    Execute a Python file as a module of its own, whatever was executed before.

    Raises:
        UnimportableError: It raised, or is no Python.
    """
    name = _free_name(path)
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses, pickle and `typing.get_type_hints` look for it
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise UnimportableError(f"importing it raised {_tail(error)}") from error
    return module


def refer(reference: str, folder: Path) -> Any:
    """
    Return the object that ``module:attribute`` names; the attribute may be dotted.

    Args:
        reference: What a scenario says.
        folder: Where the scenario's file is; modules there come first, even before those of the standard library.

    Raises:
        UnimportableError: There is no such module, it has no such attribute, or it raised when it was imported.
    """
    module_name, _, attribute = reference.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *attribute.split("."))):
        raise UnimportableError(f"{reference!r} is not of the form 'module:attribute'")
    found: Any = _module(module_name, folder)
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise UnimportableError(f"{reference!r}: there is no {name!r} in it{near_miss(name, dir(found))}")
        found = getattr(found, name)
    return found


def _module(name: str, folder: Path) -> ModuleType:
    beside = folder / f"{name}.py"
    if name in sys.stdlib_module_names and beside.is_file():
        known = sys.modules.get(_free_name(beside))
        return known if known is not None and _file(known) == beside.resolve() else run_file(beside)
    try:
        return import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (error.name == name or name.startswith(f"{error.name}.")):
            beside_it = [path.stem for path in folder.glob("*.py")]
            raise UnimportableError(
                f"there is no module {name!r}{near_miss(name, beside_it)}, neither beside the file nor installed"
            ) from None
        raise UnimportableError(f"importing {name!r} raised {_tail(error)}") from error
    except BaseException as error:
        raise UnimportableError(f"importing {name!r} raised {_tail(error)}") from error


def _shadowed(folder: Path) -> Iterator[str]:
    """Yield the names of modules in *folder* under which modules from elsewhere are loaded."""
    for path in folder.iterdir() if folder.is_dir() else ():
        beside = path if path.suffix == ".py" else path / "__init__.py"
        loaded = sys.modules.get(path.stem)
        if loaded is None or path.stem in sys.stdlib_module_names or path.stem in _NEVER or not beside.is_file():
            continue
        if _file(loaded) != beside.resolve():
            yield path.stem


def _within(packages: set[str]) -> list[str]:
    """Return the loaded modules that are one of *packages* or inside one."""
    return [name for name in sys.modules if name.partition(".")[0] in packages] if packages else []


def _free_name(path: Path) -> str:
    """Return the name of the file's module: its stem, unless that belongs to another module."""
    taken = sys.modules.get(path.stem)
    if (
        path.stem.isidentifier()
        and path.stem not in sys.stdlib_module_names
        and (taken is None or _file(taken) == path.resolve())
    ):
        return path.stem
    return f"{path.stem}_{blake2b(str(path.resolve()).encode(), digest_size=4).hexdigest()}"


def _file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def _tail(error: BaseException) -> str:
    """Return *error* with the last frames that are not the import system's."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if "importlib" not in each.filename and each.filename != __file__
    ]
    lines = "".join(f"\n      {each.filename}:{each.lineno} in {each.name}" for each in frames[-_FRAMES:])
    return f"{type(error).__name__}: {error}{lines}"
