"""How rows are shown: as text, as Markdown in the README, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap

from benchmarks.figures import Figure, Unavailable
from benchmarks.machine import Machine
from benchmarks.rows import TIMES, Row, Unit

BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"

HEAD = ("what", "ours", "noise", "goal", "met", "ratio", "reference", "")
MET = {True: "yes", False: "NO", None: ""}
METHOD = (
    "Ours and the reference take turns, each time in a new process. Start-up is time on the wall, all other time is "
    "CPU time. Of all repeats the least counts, as other load can only add; where it is a difference, the median."
)


def text(machine: Machine, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return all tables, one below the other, with columns in line."""
    lines = {name: [cells(row) for row in rows] for name, rows in tables.items()}
    every = [HEAD, *(line for group in lines.values() for line in group)]
    widths = [max(len(line[column]) for line in every) for column in range(len(HEAD))]
    shown = [str(machine), *wrap(METHOD, 120), "", _in_line(HEAD, widths)]
    for name, group in lines.items():
        shown += [f"-- {name} ".ljust(120, "-")]
        shown += [_in_line(line, widths) for line in group]
    return "\n".join([*shown, "", summary(tables)])


def summary(tables: Mapping[str, Sequence[Row]]) -> str:
    """Return how many goals are met, and which are not."""
    rows = [row for group in tables.values() for row in group if row.goal is not None]
    met, missed = sum(row.met is True for row in rows), [row.name for row in rows if row.met is False]
    unknown = len(rows) - met - len(missed)
    parts = [f"{met} of {len(rows)} goals met"]
    parts += [f"missed: {'; '.join(missed)}"] if missed else []
    parts += [f"{unknown} could not be measured"] if unknown else []
    return "; ".join(parts)


def markdown(machine: Machine, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return one table for the README."""
    lines = [f"Measured on {machine.date}: {machine.cores} cores, {machine.python}, {machine.system}. {METHOD}", ""]
    lines += ["| | ours | goal | met | reference | | ratio |", "|---|---:|---:|---|---:|---|---:|"]
    for row in (row for group in tables.values() for row in group):
        what, ours, _, goal, met, ratio, theirs, words = cells(row)
        lines.append(f"| {what} | {ours} | {goal} | {met} | {theirs} | {words} | {ratio} |")
    return "\n".join(lines)


def into_readme(path: Path, table: str) -> None:
    """
    Put *table* between the two marks in the README.

    Raises:
        ValueError: It has no such marks.
    """
    content = path.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no lines {BEGIN!r} and, below it, {END!r}; the table goes between them")
    path.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def as_json(machine: Machine, tables: Mapping[str, Sequence[Row]]) -> str:
    """Return everything, in seconds, bytes and counts, for programs."""
    rows = [_plain(name, row) for name, group in tables.items() for row in group]
    return json.dumps({"schema": 1, "machine": asdict(machine), "rows": rows}, indent=2) + "\n"


def cells(row: Row) -> tuple[str, ...]:
    """Return what stands in each column of a row."""
    return (
        row.name,
        _shown(row.ours, row.unit),
        _noise(row.ours, row.unit),
        "" if row.goal is None else row.goal.show(row.unit),
        "?" if row.goal is not None and row.met is None else MET[row.met],
        "" if row.ratio is None else TIMES.text(row.ratio),
        "" if row.reference is None else _shown(row.reference.figure, row.unit),
        "; ".join(_words(row)),
    )


def _words(row: Row) -> Iterator[str]:
    """Yield what the reference is, and why a figure is missing."""
    if isinstance(row.ours, Unavailable):
        yield f"ours not available: {row.ours}"
    if row.reference is not None:
        yield row.reference.name
        if isinstance(row.reference.figure, Unavailable):
            yield f"reference not available: {row.reference.figure}"


def _shown(figure: Figure | Unavailable, unit: Unit) -> str:
    return "-" if isinstance(figure, Unavailable) else unit.text(figure.value)


def _noise(figure: Figure | Unavailable, unit: Unit) -> str:
    if isinstance(figure, Unavailable):
        return ""
    spread = "" if figure.low == figure.high else f"{unit.show(figure.low)} .. {unit.show(figure.high)}, "
    return spread + figure.how


def _in_line(line: Iterable[str], widths: Iterable[int]) -> str:
    (what, width), *rest = zip(line, widths, strict=True)
    numbers, words = rest[:-1], rest[-1][0]
    return "  ".join([what.ljust(width), *(cell.rjust(width) for cell, width in numbers), words]).rstrip()


def _plain(name: str, row: Row) -> dict[str, object]:
    return {
        "benchmark": name,
        "name": row.name,
        "unit": row.unit.name,
        "unit_size": row.unit.size,
        "ours": _plain_figure(row.ours),
        "reference": row.reference and {"name": row.reference.name, **_plain_figure(row.reference.figure)},
        "ratio": row.ratio,
        "goal": None if row.goal is None else row.goal.show(row.unit),
        "met": row.met,
    }


def _plain_figure(figure: Figure | Unavailable) -> dict[str, object]:
    return {"not_available": str(figure)} if isinstance(figure, Unavailable) else asdict(figure)
