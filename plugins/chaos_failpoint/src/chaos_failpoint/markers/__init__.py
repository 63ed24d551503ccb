"""
Markers: comments such as ``# failpoint: db.commit`` that become failpoints only where somebody asks for that.

Without `install`, a marker is a comment, and the bytecode is the same as without it. With it, the failpoint stands at
the line of the comment, so that no line number and no traceback changes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from chaos_failpoint.markers.compiling import FOUND
from chaos_failpoint.markers.finding import Marker
from chaos_failpoint.markers.hook import MarkerFinder, MarkerLoader, covers, put_first
from chaos_failpoint.markers.swapping import Swapped, swap

ENVIRONMENT = "CHAOS_FAILPOINTS_MARKERS"
"""Packages, separated by commas, whose markers are failpoints from the start."""

__all__ = ["ENVIRONMENT", "Hook", "Marker", "found", "install"]


class Hook:
    """
    Markers that are failpoints, until `remove`, or until the end of a `with` block.

    Attributes:
        packages: Where markers count.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = tuple(packages)
        self._finder = MarkerFinder(packages)
        self._swapped: list[Swapped] = []

    @property
    def found(self) -> tuple[Marker, ...]:
        """Return the markers in the modules that were imported so far."""
        modules = [module for name, module in tuple(sys.modules.items()) if covers(self.packages, name)]
        paths = {getattr(each, "__file__", None) for each in modules}
        return tuple(sorted(marker for path, markers in FOUND.items() if path in paths for marker in markers))

    def remove(self) -> None:
        """Let markers in modules that are imported from now on be comments; put back what was exchanged."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        while self._swapped:
            self._swapped.pop().restore()

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def install(packages: Sequence[str]) -> Hook:
    """
    Let the markers in some packages be failpoints.

    Modules that are imported later are compiled with them. In modules that are loaded already, the functions get their
    failpoints in place; what stands outside of functions has run, and stays as it was.

    Args:
        packages: Names of packages or modules, such as ``["orders"]``.

    Raises:
        MarkerError: A marker has no proper name, or stands where no statement could.
        DuplicateFailpointError: Two markers have one name, and do not say that they share it.
    """
    if isinstance(packages, str) or not all(isinstance(each, str) and each for each in packages):
        raise TypeError(f"packages is a list of names such as ['orders'], not {packages!r}")
    hook = Hook(packages)
    loaded = [(name, module) for name, module in sorted(sys.modules.items()) if covers(hook.packages, name)]
    try:
        for _, module in loaded:
            if not isinstance(getattr(module.__spec__, "loader", None), MarkerLoader):
                hook._swapped += swap(module)
    except BaseException:
        hook.remove()
        raise
    put_first(hook._finder)
    return hook


def found() -> tuple[Marker, ...]:
    """Return all markers that were turned into failpoints so far."""
    return tuple(sorted(marker for markers in FOUND.values() for marker in markers))


def install_from_environment() -> None:
    """Install what ``$CHAOS_FAILPOINTS_MARKERS`` names."""
    install([each.strip() for each in os.environ.get(ENVIRONMENT, "").split(",") if each.strip()])
