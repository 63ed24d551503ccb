"""A few facts as a small table of HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

CHARS = 500
"""Longest text that is shown as one value."""

_COLORS = {"pass": "#18794e", "unstable": "#9a6700", "unknown": "#6e4bc0", "fail": "#c4303b"}
_LABEL = "text-align: left; padding: 1px 16px 1px 0; opacity: 0.65; font-weight: normal; vertical-align: top"
_VALUE = "text-align: left; padding: 1px 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere"


def card(title: str, verdict: str, facts: Mapping[str, str]) -> str:
    """
    Return HTML in which nothing of the arguments is markup.

    Args:
        title: Stands above.
        verdict: Beside it, in its colour.
        facts: Maps names to values; those without a value are left out.
    """
    badge = f'<b style="color: {_COLORS.get(verdict, "inherit")}">{_text(verdict.upper())}</b>'
    rows = "".join(_row(name, value) for name, value in facts.items() if value)
    return f'<div><div style="margin-bottom: 4px"><b>{_text(title)}</b> &nbsp;{badge}</div><table>{rows}</table></div>'


def _row(name: str, value: str) -> str:
    head = f'<th style="{_LABEL}">{_text(name)}</th>'
    return f'<tr style="background: none">{head}<td style="{_VALUE}">{_text(value)}</td></tr>'


def _text(value: str) -> str:
    """Return *value*, shortened, as text; what does not print, such as marks that turn the writing, is escaped."""
    shown = value if len(value) <= CHARS else f"{value[:CHARS]}..."
    return escape("".join(each if each.isprintable() else repr(each)[1:-1] for each in shown))
