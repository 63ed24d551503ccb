"""What is promised of every part as a value: it says what it is, refuses what is wrong, and never changes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from chaoscore.parameters import Parameter, call, parameters
from chaoscore.testing.promises import Promise
from chaoscore.units import probability, seconds, size_bytes

Wrong = Iterable[Mapping[str, Any]]
"""Keyword arguments, each set of which the class must refuse."""

SAYS_WHAT_IT_IS = Promise(
    "its class says what it is",
    "give the class a docstring and `kind`, a short printable text without a colon, as scenario files will write it",
)
REFUSES = Promise(
    "a wrong value cannot be built: ValueError or TypeError, naming the parameter, the value or its type",
    "give the parameter a converter such as `chaoscore.seconds`, or an attrs validator that says what is expected",
)
IS_A_VALUE = Promise(
    "it is a value: frozen, and equal to one with the same parameters",
    "decorate the class with `@attrs.frozen`, and keep what changes in the object that `open` or `start` returns",
)

_BY_PARSER: dict[Any, tuple[object, ...]] = {
    seconds: ("5 parsecs", -1.0, math.nan, []),
    size_bytes: ("5 parsecs", -1, []),
    probability: ("5 parsecs", -0.5, 1.5, math.nan, []),
}
_BY_TYPE: dict[str, tuple[object, ...]] = {
    "boolean": ("perhaps",),
    "integer": ("three", []),
    "number": ("three", []),
    "string": (5, []),
}


def check_kind(part: object) -> None:
    """See that the class of *part* says what it is."""
    kind = getattr(type(part), "kind", None)
    tried = "read `kind` and the docstring of the class"
    if not isinstance(kind, str) or not kind.isprintable() or kind.strip() != kind or not kind or ":" in kind:
        raise SAYS_WHAT_IT_IS.broken(part, tried, f"kind is {kind!r}")
    if not (inspect.getdoc(type(part)) or "").strip():
        raise SAYS_WHAT_IT_IS.broken(part, tried, "there is no docstring, so `chaoscore plugins` cannot say what it is")


def check_value(one: object, same: object) -> None:
    """See that *one* is frozen, and equal to the *same* made once more."""
    for name in [*_attributes(one), "kind"]:
        tried = f"set its {name!r}"
        try:
            setattr(one, name, getattr(one, name))
        except (AttributeError, TypeError):
            continue
        raise IS_A_VALUE.broken(one, tried, "it let itself be changed")
    if one != same:
        raise IS_A_VALUE.broken(one, "made two with the same parameters", f"they differ: {one!r} and {same!r}")
    with IS_A_VALUE.kept(one, "took the hash of two that are equal"):
        if _hash(one) != _hash(same):
            raise IS_A_VALUE.broken(one, "took the hash of two that are equal", "the hashes differ")


def check_parameters(part: object, wrong: Wrong = ()) -> None:
    """See that the class of *part* refuses, one by one, wrong values for its parameters, and all of *wrong*."""
    given = parameters_of(part)
    for parameter in parameters(type(part)):
        if parameter.keyword in given:
            for value in _wrong_values(parameter):
                _refuses(part, {**given, parameter.keyword: value}, {parameter.keyword: value}, parameter.name)
    for values in wrong:
        _refuses(part, {**given, **values}, values, *values)


def remade(part: Any, **changes: object) -> Any:
    """Return a part like *part* with some parameters changed."""
    return call(type(part), {**parameters_of(part), **changes})


def parameters_of(part: object) -> dict[str, Any]:
    """Return the parameters that *part* was made with, as far as it has kept them."""
    attributes = _attributes(part)
    keywords = {each.keyword for each in parameters(type(part))}
    return {keyword: getattr(part, name) for name, keyword in attributes.items() if keyword in keywords}


def _attributes(part: object) -> dict[str, str]:
    """Map the attributes of *part* that hold its parameters to the keywords for them."""
    kind: Any = type(part)
    if attrs.has(kind):
        return {field.name: field.alias or field.name for field in attrs.fields(kind) if field.init}
    return {each.keyword: each.keyword for each in parameters(kind) if hasattr(part, each.keyword)}


def _wrong_values(parameter: Parameter) -> Iterator[object]:
    """Yield values that are wrong for anything that takes what *parameter* says it takes."""
    shape = parameter.shape
    if parameter.many or shape.part is not None:
        return
    if shape.refers:
        yield 5
    elif shape.parse is not None:
        yield from _BY_PARSER.get(shape.parse, ())
    elif "enum" in shape.schema:
        yield from ("no such choice", 5.5)
    else:
        yield from _BY_TYPE.get(str(shape.schema.get("type")), ())


def _refuses(part: object, values: dict[str, Any], wrong: Mapping[str, Any], *names: str) -> None:
    shown = ", ".join(f"{name}={value!r}" for name, value in wrong.items())
    tried = f"made one with {shown}"
    try:
        call(type(part), values)
    except (TypeError, ValueError) as error:
        if not any(hint in str(error) for hint in (*names, *_hints(wrong.values()))):
            raise REFUSES.broken(part, tried, f"the error does not say what is wrong: {error!r}") from error
    except Exception as error:
        raise REFUSES.broken(part, tried, f"it raised another error: {error!r}") from error
    else:
        raise REFUSES.broken(part, tried, "it was accepted")


def _hints(values: Iterable[object]) -> Iterator[str]:
    """Yield what may tell *values*, or what is in them, in the text of an error."""
    for value in values:
        yield from (str(value), type(value).__name__)
        if isinstance(value, list | tuple):
            yield from _hints(value)


def _hash(value: object) -> int | None:
    try:
        return hash(value)
    except TypeError:  # one of its parameters cannot be hashed, which is fine
        return None
