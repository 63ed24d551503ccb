"""One line of the table: our figure, the reference's from the same run, the goal, and whether it is met."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.figures import Figure, Unavailable


@dataclass(frozen=True)
class Unit:
    """
    What figures are shown in.

    Attributes:
        name: Stands behind the number.
        size: One of it in seconds, bytes, or whatever is counted.
        whole: There are no parts of one.
    """

    name: str
    size: float
    whole: bool = False

    def text(self, value: float) -> str:
        """Return *value* with its unit."""
        return f"{self.show(value)} {self.name}".rstrip()

    def show(self, value: float) -> str:
        """Return *value* in this unit, with about three digits."""
        scaled = value / self.size
        places = 0 if self.whole or abs(scaled) >= 100 else 1 if abs(scaled) >= 10 else 2
        text = f"{scaled:,.{places}f}"
        return text.lstrip("-") if not text.strip("-0.,") else text


NS, US, MS = Unit("ns", 1e-9), Unit("µs", 1e-6), Unit("ms", 1e-3)
MB_PER_S, PER_S = Unit("MB/s", 1e6), Unit("/s", 1)
BYTES, MIB = Unit("B", 1), Unit("MiB", 2**20)
COUNT, PERCENT, TIMES = Unit("", 1, whole=True), Unit("%", 0.01), Unit("x", 1)


@dataclass(frozen=True)
class AtMost:
    """A goal for our figure itself, in the unit of its row."""

    limit: float

    def met(self, row: Row) -> bool | None:
        """Tell whether *row* meets it; None when there is no telling."""
        return None if isinstance(row.ours, Unavailable) else row.ours.value <= self.limit * row.unit.size

    def show(self, unit: Unit) -> str:
        """Return it as text."""
        return f"<= {self.limit:g} {unit.name}".rstrip()


@dataclass(frozen=True)
class AtMostTimes:
    """A goal for our figure as a multiple of the reference's."""

    factor: float

    def met(self, row: Row) -> bool | None:
        """Tell whether *row* meets it; None when there is no telling."""
        return None if row.ratio is None else row.ratio <= self.factor

    def show(self, unit: Unit) -> str:
        """Return it as text."""
        return f"<= {self.factor:g} {TIMES.name}"


@dataclass(frozen=True)
class AtLeast:
    """A goal for our figure itself, in the unit of its row, where more is better."""

    limit: float

    def met(self, row: Row) -> bool | None:
        """Tell whether *row* meets it; None when there is no telling."""
        return None if isinstance(row.ours, Unavailable) else row.ours.value >= self.limit * row.unit.size

    def show(self, unit: Unit) -> str:
        """Return it as text."""
        return f">= {self.limit:g} {unit.name}".rstrip()


@dataclass(frozen=True)
class AtLeastTimes:
    """A goal for our figure as a multiple of the reference's, where more is better."""

    factor: float

    def met(self, row: Row) -> bool | None:
        """Tell whether *row* meets it; None when there is no telling."""
        return None if row.ratio is None else row.ratio >= self.factor

    def show(self, unit: Unit) -> str:
        """Return it as text."""
        return f">= {self.factor:g} {TIMES.name}"


@dataclass(frozen=True)
class Reference:
    """What ours is compared with, and its figure from the same run."""

    name: str
    figure: Figure | Unavailable


@dataclass(frozen=True)
class Row:
    """
    One line of the table.

    Attributes:
        name: What is measured.
        ours: Our figure.
        unit: What both figures are shown in.
        reference: What it is compared with; None where nobody else has such a thing.
        goal: What ours has to reach; None where the figure is only told.
    """

    name: str
    ours: Figure | Unavailable
    unit: Unit
    reference: Reference | None = None
    goal: AtMost | AtMostTimes | AtLeast | AtLeastTimes | None = None

    @property
    def ratio(self) -> float | None:
        """Return ours divided by the reference's, or None where one of them is missing."""
        theirs = None if self.reference is None else self.reference.figure
        if isinstance(self.ours, Unavailable) or not isinstance(theirs, Figure) or not theirs.value:
            return None
        return self.ours.value / theirs.value

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met; None where there is none, or no telling."""
        return None if self.goal is None else self.goal.met(self)
