"""From a source with markers to code with failpoints."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import CodeType
from typing import Any

from chaos_failpoint.errors import DuplicateFailpointError
from chaos_failpoint.handles import Failpoint
from chaos_failpoint.markers.finding import Marker, find
from chaos_failpoint.markers.inserting import insert, variable
from chaos_failpoint.registry import declare, package_of

FOUND: dict[str, tuple[Marker, ...]] = {}
"""The markers that were turned into failpoints, by file."""


def compile_markers(data: bytes, path: str, optimize: int = -1) -> tuple[CodeType, tuple[Marker, ...]]:
    """
    Return the code of a source, and the markers that are failpoints in it.

    Args:
        data: The source.
        path: The file that it comes from; code and tracebacks name it.
        optimize: As for `compile`.

    Raises:
        SyntaxError: It is no Python; or, as `MarkerError`, a marker is none.
    """
    tree: Any = ast.parse(data, path)
    markers = tuple(find(data, path))
    if markers:
        insert(tree, markers)
    return compile(tree if markers else data, path, "exec", dont_inherit=True, optimize=optimize), markers


def declare_all(markers: Sequence[Marker], module: str) -> dict[str, Failpoint]:
    """
    Return the handles that the code of *module* needs, by the names of its globals.

    Raises:
        DuplicateFailpointError: Two places have one name, and do not say that they share it.
    """
    _check_unique(markers)
    handles = {
        variable(each): declare(each.name, _place(each), package_of(module), shared=each.shared) for each in markers
    }
    if markers:
        FOUND[markers[0].path] = tuple(markers)
    return handles


def _check_unique(markers: Sequence[Marker]) -> None:
    seen: dict[str, Marker] = {}
    for each in markers:
        first = seen.setdefault(each.name, each)
        if first is not each and not (first.shared and each.shared):
            reason = "give one another name, or write `# failpoint: name, shared` at both"
            raise DuplicateFailpointError(each.name, _place(first), _place(each), reason)


def _place(marker: Marker) -> str:
    return f"{marker.path}:{marker.line}"
