"""Parts that write down what happens to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from chaoscore.events import Event
from chaoscore.report import Report

_E = TypeVar("_E", bound=Event)


class RecordingTarget:
    """
    A target that does nothing, and writes down what is asked of it.

    Attributes:
        name: What reports call it.
        calls: ``"setup"``, ``"run_once"``, ``"teardown"``, in the order in which they were called.
    """

    def __init__(self, name: str = "recording target", *, failing: Iterable[str] = ()) -> None:
        """
        Begin with nothing written.

        Args:
            name: What reports call it.
            failing: Those of its methods that raise a `RuntimeError`.
        """
        self.name = name
        self.calls: list[str] = []
        self._failing = frozenset([failing] if isinstance(failing, str) else failing)

    def setup(self) -> None:
        """Write it down."""
        self._called("setup")

    def run_once(self) -> None:
        """Write it down; for steps."""
        self._called("run_once")

    def teardown(self) -> None:
        """Write it down."""
        self._called("teardown")

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if method in self._failing:
            raise RuntimeError(f"{self.name}: its {method} was told to fail")


class RecordingReporter:
    """
    A reporter that keeps everything.

    Attributes:
        events: Every event of every run, in order.
        reports: The report of each run.
    """

    kind: ClassVar[str] = "recording"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reports: list[Report] = []

    def follow(self, events: Sequence[Event]) -> None:
        """Keep *events*."""
        self.events += events

    def report(self, report: Report) -> None:
        """Keep *report*."""
        self.reports.append(report)

    def of(self, kind: type[_E]) -> list[_E]:
        """Return the events of one type."""
        return [event for event in self.events if isinstance(event, kind)]
