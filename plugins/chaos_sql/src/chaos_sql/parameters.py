"""What the parts ask of their parameters, as attrs validators."""

from __future__ import annotations

from typing import Any

import attrs


def is_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.alias} is text, and not an empty one, not {value!r}")


def is_name(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither None nor text with something in it."""
    if value is not None:
        is_text(_, attribute, value)


def is_glob(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no pattern."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.alias} is a glob of SQL such as 'UPDATE jobs *', not {value!r}")


def is_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither None nor a whole number from 1."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"{attribute.alias} is a whole number from 1, not {value!r}")


def is_flag(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.alias} is True or False, not {value!r}")
