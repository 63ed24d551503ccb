"""Parameters that several validators have: converters and checks with errors that say what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import attrs

from chaoscore.errors import near_miss
from chaoscore.verdict import Severity

Weight = Annotated[Severity | str, "severity"]
"""A `Severity`, or its text: ``"critical"``, ``"warning"`` or ``"info"``."""

Call = Annotated[Callable[[Any], object], "callable"]
"""A function of the target, plain or `async def`; in scenario files its ``module:attribute``."""


def weight(value: Weight) -> Severity:
    """
    Return *value* as a severity.

    Raises:
        ValueError: There is no such severity.
    """
    try:
        return Severity(value)
    except ValueError:
        known = [str(each) for each in Severity]
        hint = near_miss(str(value), known)
        raise ValueError(f"severity is one of {', '.join(known)}, not {value!r}{hint}") from None


def function(value: Call) -> Callable[[Any], object]:
    """
    Return *value* where it can be called.

    Raises:
        TypeError: It cannot.
    """
    if not callable(value):
        raise TypeError(f"expected a function that takes the target, not {value!r}")
    return value


def whole(minimum: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return the attrs validator for a whole number of *minimum* or more; None passes where the field allows it."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and attribute.default is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{attribute.alias} is a whole number, not {value!r}")
        if value < minimum:
            raise ValueError(f"{attribute.alias} must be {minimum} or more, not {value!r}")

    return check


def positive(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    """Refuse a duration of nothing, as an attrs validator; None passes."""
    if value is not None and value <= 0:
        raise ValueError(f"{attribute.alias} must be more than 0 s, or nothing could ever hold")


def one_of(validator: attrs.AttrsInstance, *names: str) -> None:
    """
    Refuse *validator* where none of its parameters is given.

    Args:
        validator: An attrs value.
        names: The public names of the parameters, of which one at least must be given.

    Raises:
        ValueError: All are None.
    """
    fields = {field.alias: field.name for field in attrs.fields(type(validator))}
    if all(getattr(validator, fields[name]) is None for name in names):
        kind = getattr(validator, "kind", type(validator).__name__)
        raise ValueError(f"{kind} needs at least one of {', '.join(f'{name}=' for name in names)}")
