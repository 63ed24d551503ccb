"""From the dotted names in terms to what they stand for."""

from __future__ import annotations

import builtins
import sys
from functools import reduce
from importlib import import_module
from typing import Any

from chaos_failpoint.errors import TargetError, did_you_mean


def resolve(target: str, *, importing: bool = True) -> Any:
    """
    Return what *target* names.

    Args:
        target: ``package.module:name.name``, ``package.module.name``, or the name of a builtin.
        importing: Whether modules may be imported for it; if not, only those that are loaded count.

    Raises:
        TargetError: There is no such module, or nothing of that name in it.
    """
    module, colon, names = target.partition(":")
    if colon:
        return _attribute(target, _module(target, module, importing), names)
    if "." not in target:
        return _attribute(target, builtins, target)
    parts = target.split(".")
    for count in range(len(parts) - 1, 0, -1):
        found = _find(".".join(parts[:count]), importing)
        if found is not None:
            return _attribute(target, found, ".".join(parts[count:]))
    raise TargetError(target, _no_module(parts[0], importing))


def _module(target: str, name: str, importing: bool) -> Any:
    found = _find(name, importing)
    if found is None:
        raise TargetError(target, _no_module(name, importing))
    return found


def _find(name: str, importing: bool) -> Any:
    """Return the module *name*, or None where there is none; an error inside it is not hidden."""
    if not importing:
        return sys.modules.get(name)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise TargetError(name, f"it cannot be imported: {error}") from error
    except Exception as error:
        raise TargetError(name, f"it cannot be imported: {type(error).__name__}: {error}") from error


def _no_module(name: str, importing: bool) -> str:
    if not importing:
        return f"no module {name!r} is loaded, and none may be imported for it from here"
    return f"there is no module {name!r}{did_you_mean(name, sys.modules)}"


def _attribute(target: str, module: Any, names: str) -> Any:
    try:
        return reduce(getattr, names.split("."), module)
    except AttributeError as error:
        where, known = getattr(error, "obj", module), str(getattr(error, "name", names))
        shown = getattr(where, "__name__", repr(where))
        raise TargetError(target, f"{shown!r} has no {known!r}{did_you_mean(known, dir(where))}") from None
