"""What parameters of reporters take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from chaoscore import Duration, seconds
from chaoscore.reporters import file_path

LIMIT = 200
"""Sets of labels of one metric: a histogram of so many steps has some 10,000 series."""

EVERY_S = 15.0


def limit(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no number of sets of labels."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.name}: expected a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{attribute.name}: expected 1 or more, not {value!r}")


def gateway(given: str) -> str:
    """
    Return *given* if it can be the address of a Pushgateway.

    Raises:
        TypeError: It is no text.
        ValueError: It is no address of the web.
    """
    if not isinstance(given, str):
        raise TypeError(f"url: expected the address of a Pushgateway, not {given!r}")
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", given):
        raise ValueError(f"url: expected the address of a Pushgateway, such as http://127.0.0.1:9091, not {given!r}")
    return given


def job(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what cannot be the name of a job."""
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name}: expected a name, not {value!r}")
    if not re.fullmatch(r"[\w-]{1,100}", value):
        raise ValueError(f"{attribute.name}: expected letters, digits, _ and -, not {value!r}")


def prom_file(given: str | Path) -> Path:
    """
    Return *given* as a path at which node_exporter finds a file.

    Raises:
        ValueError: It would not, or the directory does not exist.
    """
    path = file_path(given)
    if path.suffix != ".prom":
        raise ValueError(f"path: node_exporter reads files whose names end in .prom, not {str(path)!r}")
    return path


def interval(given: Duration) -> float:
    """
    Return seconds, more than 0.

    Raises:
        ValueError: It is no duration, or none at all.
    """
    value = seconds(given)
    if value <= 0:
        raise ValueError(f"every: expected a time longer than 0, not {given!r}")
    return value
