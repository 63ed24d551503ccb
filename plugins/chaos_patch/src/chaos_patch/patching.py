"""What all injectors have in common that patch functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs

from chaos_patch.errors import TargetError
from chaos_patch.parameters import is_bool, is_count
from chaos_patch.points import patched, shown_point, tally
from chaos_patch.targets import Spot, Target, glob_of, is_line, spots
from chaoscore import Ask, Evidence, Fault, Site, Undo, probability

MOST = 50

Detail = Callable[[dict[str, int]], dict[str, Any]]
"""Takes how often each point was visited, and returns the evidence."""


def path(value: Target) -> Target:
    """Return *value* as it is; whether it can be patched is looked up where `most` and `unwrap` are known."""
    return value


class Patched:
    """
    An injector whose functions are patched.

    Attributes:
        answers: The kinds of points that ask it.
        at: The glob of their names.
    """

    def __init__(self, injector: Any, found: tuple[Spot, ...], detail: Detail) -> None:
        self.answers: frozenset[str] = injector.answers
        self.at: str | None = injector.at
        self._injector, self._detail = injector, detail
        self._asked = dict.fromkeys((spot.point for spot in found), 0)

    def answer(self, ask: Ask) -> Fault | None:
        """Return what the injector answers at one of its own points; a glob may also match those of another."""
        if ask.point not in self._asked:
            return None
        self._asked[ask.point] += 1
        fault: Fault | None = self._injector.answer(ask)
        return fault

    def evidence(self) -> Evidence:
        """Return which names the patches have reached, and which functions nobody has called."""
        return Evidence(fired=None, detail=self._detail(self._asked))


@contextmanager
def patching(injector: Any, found: tuple[Spot, ...]) -> Iterator[Patched]:
    """Patch what was *found*, let *injector* strike there, and put everything back on exit."""
    with patched(found) as armed:
        yield Patched(injector, found, lambda asked: tally(found, armed, asked))


@attrs.frozen
class Patch:
    """
    Strike inside functions that know nothing of it.

    Attributes:
        target: ``"package.module:Class.method"``, where the part after the colon may be a glob; ``"path/file.py:12"``
            (needs Python 3.12); or a function.
        probability: Chance that a call is struck, 0 to 1.
        most: How many functions a glob may stand for.
        unwrap: Look through decorators that have kept what they wrap (`functools.wraps`).
    """

    kind: ClassVar[str]
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"call"})

    target: Target = attrs.field(converter=path)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    most: int = attrs.field(default=MOST, validator=is_count, kw_only=True)
    unwrap: bool = attrs.field(default=False, validator=is_bool, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if is_line(self.target) and self.answers != {"call"}:
            raise TargetError(self.target, f"{self.kind} needs what a function returns", "name a function, not a line")
        self.found()

    @property
    def at(self) -> str:
        """Return the glob of its points."""
        return glob_of(self.target)

    def found(self) -> tuple[Spot, ...]:
        """Return what the target stands for now; raises `TargetError`."""
        return spots(self.target, most=self.most, unwrap=self.unwrap)

    def finds(self) -> tuple[str, ...]:
        """Return the functions that the target stands for now."""
        return tuple(shown_point(spot.point) for spot in self.found())

    def answer(self, ask: Ask) -> Fault | None:
        """Return the fault with the given probability."""
        return self.fault(ask) if ask.chance(self.probability) else None

    def fault(self, ask: Ask) -> Fault | None:
        """Return what happens to a call that is struck."""
        raise NotImplementedError

    @contextmanager
    def open(self, site: Site) -> Iterator[Patched]:
        """Patch what the target stands for now, and put it back on exit."""
        with patching(self, self.found()) as opened:
            yield opened
