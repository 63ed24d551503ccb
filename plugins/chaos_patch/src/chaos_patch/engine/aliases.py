"""Every name in a module that stands for an object, and what it takes to let it stand for another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import attrs

SPARED = ("chaoscore", "chaos_patch")
"""Packages whose names are left alone: what injects faults must not be struck by them."""


@attrs.frozen
class Alias:
    """The name *name* in *module*."""

    module: ModuleType
    name: str

    def __str__(self) -> str:
        return f"{self.module.__name__}.{self.name}"

    def get(self) -> object:
        """Return what the name stands for; None where it is gone."""
        return _names(self.module).get(self.name)

    def set(self, value: object) -> None:
        """Let it stand for *value*."""
        _names(self.module)[self.name] = value


def aliases(value: object) -> Iterator[Alias]:
    """Yield the names of all loaded modules that stand for *value* itself, an equal object does not count."""
    for path, module in sorted(sys.modules.copy().items(), key=lambda item: item[0]):
        if isinstance(module, ModuleType) and path.partition(".")[0] not in SPARED:
            for name, found in list(_names(module).items()):
                if found is value:
                    yield Alias(module, name)


def _names(module: ModuleType) -> dict[str, Any]:
    """Return the names of *module* without waking one that loads itself when it is first used."""
    try:
        names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # it only says that it is a module, as the ``lib`` of cffi does: its names are not ours
        return {}
    return names
