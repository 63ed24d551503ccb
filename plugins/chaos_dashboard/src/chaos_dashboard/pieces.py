"""The pieces that the sections of the report are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from chaos_dashboard.markup import Child, Markup, tag
from chaoscore import Verdict

MOST_ROWS = 40


def section(title: str, *content: Child) -> Markup:
    """Return a section of the report."""
    return tag("section", tag("h2", title), *content, class_="card")


def table(heads: Sequence[str], rows: Sequence[Iterable[Markup]], total: int) -> Markup:
    """Return a table; a head that begins with ``#`` stands above numbers."""
    shown = [
        tag("th", name.removeprefix("#"), scope="col", class_="num" if name.startswith("#") else None) for name in heads
    ]
    body = tag("tbody", [tag("tr", row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", shown)), body), left_out(total), class_="wide")


def left_out(total: int, most: int = MOST_ROWS) -> Markup | None:
    """Return where the rest of *total* things is, if there are more than the *most* that are shown."""
    return tag("p", f"and {total - most:,} more, in the JSON report", class_="note") if total > most else None


def pill(verdict: Verdict) -> Markup:
    """Return a cell that says *verdict*."""
    return tag("td", tag("span", verdict.value, class_=f"pill {verdict.value}"))


def tone(verdict: Verdict) -> str:
    """Return the class that colours a finding of that verdict."""
    return "info" if verdict is Verdict.PASS else verdict.value


def times(number: int) -> str:
    """Return how often, in words."""
    return "once" if number == 1 else f"{number:,} times"


def settings(parameters: Mapping[str, object]) -> str:
    """Return parameters as one writes them, without those that are not set."""
    return ", ".join(f"{name}={value(each)}" for name, each in parameters.items() if each is not None)


def value(held: object) -> str:
    """Return what an event holds, which is JSON or stands for it, as text."""
    return held if isinstance(held, str) else json.dumps(held, default=repr, ensure_ascii=False)
