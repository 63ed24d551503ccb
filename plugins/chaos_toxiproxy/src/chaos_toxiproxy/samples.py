"""Prometheus' text format, as far as servers count proxies and toxics with it."""

from __future__ import annotations

import re

_SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def total(text: str, name: str, **labels: str) -> int | None:
    """
    Return the sum of what *text* says of one quantity.

    Args:
        text: The answer to ``GET /metrics``.
        name: The name of the quantity.
        labels: What its labels must be; others may be anything.

    Returns:
        None where it says nothing of that.
    """
    found = [
        int(float(value))
        for quantity, inside, value in _SAMPLE.findall(text)
        if quantity == name and labels.items() <= _labels(inside).items()
    ]
    return sum(found) if found else None


def _labels(inside: str) -> dict[str, str]:
    return {name: _ESCAPED.sub(_unescaped, value) for name, value in _LABEL.findall(inside)}


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
