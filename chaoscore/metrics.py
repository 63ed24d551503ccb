"""Numbers that plugins read from the event stream, for whoever shows them: an exporter, a live page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from chaoscore.events import Event

Reading = tuple[float, tuple[str, ...]]
"""An amount, and the values of the metric's labels that it belongs to."""

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""What a metric or a label may be called: words in small letters, joined by underscores."""

ENDINGS = frozenset({"bucket", "count", "created", "info", "sum", "total"})
"""Last words that formats of metrics give to them."""

_TAKEN = frozenset({"scenario", "le", "quantile", "job", "instance"})
"""Labels that whoever shows a metric gives to it."""


def _plain_names(_: object, attribute: attrs.Attribute[Any], labels: tuple[str, ...]) -> None:
    for label in labels:
        if not NAME.fullmatch(label) or label in _TAKEN:
            raise ValueError(f"{attribute.name}: {label!r} is no label; use small letters, and not {sorted(_TAKEN)}")


@attrs.frozen(kw_only=True)
class Metric:
    """
    A number that follows from the events of a run.

    Attributes:
        help: What it says, in a sentence.
        observes: The event types that it is read from.
        read: Returns what one such event says; nothing for most. Pure and quick: called for every one of them.
        labels: What its amounts are told apart by, beside the scenario. Each has few values: never a run's id, a number
            of an iteration or the text of an error.
        adds_up: Whether amounts are added up, as in a counter; else the latest stands, as in a gauge.
    """

    help: str
    observes: tuple[type[Event], ...]
    read: Callable[[Any], Iterable[Reading]]
    labels: tuple[str, ...] = attrs.field(default=(), validator=_plain_names)
    adds_up: bool = True
