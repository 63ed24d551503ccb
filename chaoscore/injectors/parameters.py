"""What the injectors ask of their parameters."""

from __future__ import annotations

from typing import Any

import attrs

BORDERS = ("before:", "after:")
"""How the names of the borders of steps begin."""


def optional_glob(value: str | None) -> str | None:
    """
    Return *value*, a glob that names must match; None: any name.

    Raises:
        ValueError: It is empty, so that nothing matches it.
        TypeError: It is no text.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a glob is text such as 'db.*', not {value!r}")
    if value is not None and not value.strip():
        raise ValueError(f"a glob must not be empty: {value!r}; leave it out to match any name")
    return value


def glob(value: str) -> str:
    """Return *value*, a glob that names must match; raises as `optional_glob` does, and for None."""
    if value is None:
        raise TypeError("a glob is text such as 'db.*', not None")
    return optional_glob(value) or ""


def is_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no text, as an attrs validator."""
    if not isinstance(value, str):
        raise TypeError(f"{attribute.alias} must be text, not {value!r}")


def at_border(names: str | None) -> bool:
    """Tell whether the glob *names* is about the borders of steps."""
    return names is not None and names.startswith(BORDERS)
