"""Looks at the system under test for the kit, from inside a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from chaoscore.protocols import Moment, Scene
from chaoscore.verdict import Severity

InEffect = Callable[[Any], bool]
"""Tells of a target whether a fault is in effect."""


@attrs.define(eq=False)
class Gauge:
    """
    A validator that finds nothing, and writes down when a fault was in effect.

    Attributes:
        in_effect: Tells of the target whether it is; None: nobody can tell.
        seen_at: Before and after all faults, if it was in effect then.
        seen_while_open: Whether it was in effect when a step looked.
    """

    kind: ClassVar[str] = "gauge"
    severity: ClassVar[Severity] = Severity.INFO
    moments: ClassVar[frozenset[Moment]] = frozenset({Moment.BEFORE, Moment.AFTER})
    every_s: ClassVar[float] = 1.0

    in_effect: InEffect | None
    seen_at: set[Moment] = attrs.field(factory=set)
    seen_while_open: bool = False
    _target: Any = None

    def start(self, scene: Scene) -> Gauge:
        """Return itself: it is used in one run only."""
        self._target = scene.target
        return self

    def look(self, target: Any) -> None:
        """Look while the fault is open; a step."""
        if self.in_effect is not None:
            self.seen_while_open = self.in_effect(target) or self.seen_while_open

    def check(self, moment: Moment) -> None:
        """Look before all faults, and after them."""
        if self.in_effect is not None and self.in_effect(self._target):
            self.seen_at.add(moment)
