"""Steps in which an injector is sure to be asked, made from what it says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import attrs

from chaoscore.context import CURRENT, NO_TAGS
from chaoscore.protocols import Answers
from chaoscore.testing.builders import Step


@attrs.frozen
class Occasion:
    """A *step* in which an injector is asked, and the *name* that the step must have for that."""

    step: Step
    name: str = "strike"


@attrs.frozen
class Visit:
    """
    How to ask an injector: visits of points of *kinds*, by turns, with the name *point* and its *tags*.

    Where there are no kinds, the borders of a step of the name *step* ask it.
    """

    kinds: tuple[str, ...]
    point: str
    tags: dict[str, Any]
    step: str = "strike"

    def occasions(self) -> Iterator[Occasion]:
        """Yield a plain step, and one that is `async def`."""

        def visit(target: Any) -> None:
            if self.kinds and (place := CURRENT.get()) is not None:
                place.visit(self.kinds[place.iteration % len(self.kinds)], self.point, self.tags)

        async def avisit(target: Any) -> None:
            if self.kinds and (place := CURRENT.get()) is not None:
                await place.avisit(self.kinds[place.iteration % len(self.kinds)], self.point, self.tags)

        yield Occasion(visit, self.step)
        yield Occasion(avisit, self.step)


def visit_for(injector: Answers) -> Visit:
    """
    Return how to ask *injector*.

    Raises:
        TypeError: No name can be found that matches its `at`.
    """
    kinds = tuple(sorted(injector.answers - {"border"}))
    name = fitting(injector.at, "point")
    border, colon, step = name.partition(":")
    if border in ("before", "after") and colon:
        return Visit((), name, {}, step)
    if kinds == ("network",):
        host, _, port = name.rpartition(":")
        number = int(port) if port.isdecimal() else 1
        return Visit(kinds, _matching(f"{host or 'localhost'}:{number}", injector.at), {"host": host, "port": number})
    return Visit(kinds, name, dict(NO_TAGS))


def fitting(glob: str | None, otherwise: str) -> str:
    """Return a name that matches *glob*, or *otherwise* where any does."""
    if glob is None:
        return otherwise
    return _matching(re.sub(r"\[([^]!])[^]]*]", r"\1", glob).replace("*", "x").replace("?", "x"), glob)


def _matching(name: str, glob: str | None) -> str:
    if glob is not None and not fnmatchcase(name, glob):
        raise TypeError(f"no name was found that matches at={glob!r}; pass strike=, a step that visits such a point")
    return name
