"""What the parts ask of their parameters, as attrs converters and validators."""

from __future__ import annotations

from typing import Any

import attrs

from chaoscore import Duration, Severity, seconds


def weight(value: Severity | str) -> Severity:
    """Return *value* as a severity; raises `ValueError` where it is none."""
    known = [str(each) for each in Severity]
    if value not in known:
        raise ValueError(f"severity is one of {', '.join(known)}, not {value!r}")
    return Severity(value)


def positive_seconds(value: Duration) -> float:
    """Return *value* in seconds; raises `ValueError` where it is nothing."""
    found = seconds(value)
    if found <= 0:
        raise ValueError(f"must be more than 0 s, not {value!r}")
    return found


def optional_interval(value: Duration | None) -> float | None:
    """Return *value* in seconds, None where it is None; raises `ValueError` where it is nothing."""
    return None if value is None else positive_seconds(value)


def is_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no whole number from 1; None passes where it is the default."""
    if value is None and attribute.default is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.alias} is a whole number from 1, not {value!r}")
    if value < 1:
        raise ValueError(f"{attribute.alias} is a whole number from 1, not {value!r}")


def is_function(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what cannot be called; None passes where it is the default."""
    if not (callable(value) or (value is None and attribute.default is None)):
        raise TypeError(f"{attribute.alias} is a function of the target, not {value!r}")


def is_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no text, or an empty one."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.alias} is text, and not an empty one, not {value!r}")


def is_optional_text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither None nor text with something in it."""
    if value is not None:
        is_text(_, attribute, value)


def is_glob(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no pattern."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.alias} is a glob such as 'pay*', not {value!r}")


def is_flag(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.alias} is True or False, not {value!r}")
