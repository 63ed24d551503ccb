"""What a target stands for: a path, a glob, an object, or a line of a file, and whether it can be patched at all."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module
from types import FunctionType, MethodType, ModuleType
from typing import Annotated, Any

import attrs

from chaos_patch.engine import AttributeSeat, CodeSeat, Seat
from chaos_patch.engine.aliases import SPARED, aliases
from chaos_patch.errors import TargetError
from chaos_patch.lines import LineSeat

Target = Annotated[Any, "target"]
"""``"package.module:Class.method"``, with globs after the colon, ``"path/file.py:12"``, or a function."""

PREFIX = "patch:"
"""How the names of patched functions begin, as points."""

_LINE = re.compile(r"(?P<file>.+\.py):(?P<line>\d+)")
_PATH = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<name>[^:\s]+)")
_IMMUTABLE, _HEAP = 1 << 8, 1 << 9  # flags of types, as in CPython's object.h
_FORMS = "write 'package.module:Class.method', 'path/file.py:12' or pass a function"


@attrs.frozen
class Spot:
    """
    One thing that can be patched.

    Attributes:
        point: Its name as a point.
        seat: Where the patch goes.
    """

    point: str
    seat: Seat


def glob_of(target: Target) -> str:
    """Return the glob that just the points of *target* match."""
    if not isinstance(target, str):
        return PREFIX + _literal(name_of(target))
    return PREFIX + (target if _is_glob(target) else _literal(target))


def name_of(function: Any) -> str:
    """Return the path of a function, as ``module:qualname``."""
    inner = _inner(function)
    module, name = getattr(inner, "__module__", None), getattr(inner, "__qualname__", None)
    if not isinstance(name, str):
        return f"{type(function).__module__}:{type(function).__qualname__}"
    return f"{module or type(getattr(inner, '__self__', None)).__module__}:{name}"


def spots(target: Target, *, most: int, unwrap: bool = False) -> tuple[Spot, ...]:
    """
    Return everything that *target* stands for now.

    Args:
        target: A path, a glob, a line or a function.
        most: How many functions a glob may stand for.
        unwrap: Look through decorators that have kept what they wrap.

    Raises:
        TargetError: There is no such thing, or it cannot be patched; says why.
    """
    if not isinstance(target, str):
        return (Spot(PREFIX + name_of(target), _object_seat(target, unwrap)),)
    if match := _LINE.fullmatch(target):
        return (Spot(PREFIX + target, LineSeat(match["file"], int(match["line"]))),)
    if not (match := _PATH.fullmatch(target)):
        raise TargetError(target, "that is no path of a function", _FORMS)
    module = _module(target, match["module"])
    names = _matching(target, module, match["name"], most) if _is_glob(target) else [match["name"]]
    found = []
    for name in names:
        path = f"{match['module']}:{name}"
        found.append(Spot(PREFIX + path, _path_seat(path, module, name, unwrap)))
    return tuple(found)


def is_line(target: Target) -> bool:
    """Tell whether *target* is a line of a file."""
    return isinstance(target, str) and _LINE.fullmatch(target) is not None


# -- paths


def _module(target: str, name: str) -> ModuleType:
    if name.partition(".")[0] in SPARED:
        raise TargetError(target, "what injects the faults must not be struck by them", "patch your own code")
    try:
        return import_module(name)
    except Exception as error:  # whatever the module does when it is imported
        problem = f"module {name!r} cannot be imported ({type(error).__name__}: {error})"
        raise TargetError(target, problem, "correct the name, or run where it can be found") from error


def _path_seat(target: str, module: ModuleType, path: str, unwrap: bool) -> Seat:
    *owners, name = path.split(".")
    if "<locals>" in owners:
        problem = "a function inside a function is made anew by each call, so there is nothing to be patched yet"
        raise TargetError(target, problem, "patch the outer function, or name a line of the inner one: 'file.py:12'")
    owner: Any = module
    for each in owners:
        owner = _member(target, owner, each)
    _member(target, owner, name)  # wakes what a module loads when it is first used
    return _seat(target, owner, name, unwrap)


def _member(target: str, owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name) if isinstance(owner, (ModuleType, type)) else inspect.getattr_static(owner, name)
    except AttributeError:
        close = get_close_matches(name, dir(owner), n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        shown = getattr(owner, "__name__", type(owner).__name__)
        raise TargetError(target, f"{shown} has no {name!r}{hint}", "correct the name") from None


def _seat(target: str, owner: Any, name: str, unwrap: bool) -> Seat:
    raw = inspect.getattr_static(owner, name)
    inner = inspect.unwrap(_inner(raw)) if unwrap else _inner(raw)
    inherited = not isinstance(owner, ModuleType) and name not in getattr(owner, "__dict__", ())
    if isinstance(inner, FunctionType) and (unwrap or not inherited or not isinstance(owner, type)):
        return CodeSeat(_allowed(target, inner), target)
    if isinstance(raw, cached_property):
        raise TargetError(target, "it is a cached property of a base class", "name it in the class that defines it")
    _check_callable(target, inner)
    _check_settable(target, owner)
    return AttributeSeat(owner, name, target)


def _inner(raw: Any) -> Any:
    """Return what is called in the end: behind methods, static and class methods, and properties."""
    if isinstance(raw, property):
        return raw.fget
    if isinstance(raw, cached_property):
        return raw.func
    if isinstance(raw, (staticmethod, classmethod, MethodType)):
        return raw.__func__
    return raw


def _allowed(target: str, function: FunctionType) -> FunctionType:
    if (function.__module__ or "").partition(".")[0] in SPARED:
        raise TargetError(target, "what injects the faults must not be struck by them", "patch your own code")
    return function


def _check_callable(target: str, inner: Any) -> None:
    if isinstance(inner, type):
        problem = f"{inner.__qualname__} is a class, which instances and subclasses refer to"
        raise TargetError(target, problem, f"name what is called: '{target}.__init__', or another method")
    if not callable(inner):
        raise TargetError(target, f"{inner!r:.60} cannot be called", "name a function, a method or a property")


def _check_settable(target: str, owner: Any) -> None:
    if isinstance(owner, ModuleType):
        return
    if isinstance(owner, type):
        if owner.__flags__ & _IMMUTABLE or not owner.__flags__ & _HEAP:
            problem = (
                f"{owner.__module__}.{owner.__qualname__} is a type written in C, whose methods cannot be replaced"
            )
            raise TargetError(target, problem, "patch the Python function that calls it")
    elif not hasattr(owner, "__dict__"):
        problem = f"{type(owner).__qualname__} objects have no attributes of their own"
        raise TargetError(target, problem, "name the method in its class")


# -- globs


def _is_glob(target: str) -> bool:
    return not is_line(target) and any(each in target for each in "*?[")


def _literal(name: str) -> str:
    """Return a glob that matches just *name*."""
    return re.sub(r"[*?[]", r"[\g<0>]", name)


def _matching(target: str, module: ModuleType, pattern: str, most: int) -> list[str]:
    special = pattern.rpartition(".")[2].startswith("__")
    found = [
        name
        for name in _functions(module, vars(module), "")
        if fnmatchcase(name, pattern) and (special or not name.rpartition(".")[2].startswith("__"))
    ]
    if not found:
        raise TargetError(target, f"no function that {module.__name__} defines matches", "correct the glob")
    if len(found) > most:
        problem = f"{len(found)} functions match, and at most {most} may be patched"
        raise TargetError(target, problem, "narrow the glob, or raise most=")
    return sorted(found)


def _functions(module: ModuleType, names: Any, prefix: str) -> Iterator[str]:
    """Yield the paths of everything that *module* defines itself and that can be patched."""
    for name, raw in list(names.items()):
        inner = _inner(raw)
        if getattr(inner, "__module__", None) != module.__name__:
            continue
        if isinstance(raw, type):
            if raw.__qualname__ == prefix + name:  # not another name for a class
                yield from _functions(module, vars(raw), f"{prefix}{name}.")
        elif isinstance(inner, FunctionType) or (not prefix and inspect.isbuiltin(inner)):
            yield prefix + name


# -- objects


def _object_seat(target: Any, unwrap: bool) -> Seat:
    name = name_of(target)
    inner = inspect.unwrap(_inner(target)) if unwrap and callable(target) else _inner(target)
    if isinstance(inner, FunctionType):
        return CodeSeat(_allowed(name, inner), name)
    if not callable(inner):
        raise TargetError(repr(target)[:100], "it is no function", _FORMS)
    _check_callable(name, inner)
    return _named_seat(name, inner)


def _named_seat(name: str, function: Any) -> Seat:
    """Return the seat of something without Python code, which is reached by the names that stand for it."""
    module, _, path = name.partition(":")
    home = sys.modules.get(module)
    if home is not None and inspect.getattr_static(home, path, None) is function:
        return AttributeSeat(home, path, name)
    for alias in aliases(function):
        return AttributeSeat(alias.module, alias.name, name)
    problem = "it is written in C or made by a call, and no name of a module stands for it"
    raise TargetError(name, problem, "patch the Python function that calls it, or name it by its path")
