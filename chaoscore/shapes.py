"""What a parameter takes: an annotation as words, as JSON Schema, and as a type that msgspec can check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from os import PathLike
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs
import msgspec

from chaoscore.protocols import Injector, Provider, Validator
from chaoscore.units import probability, seconds, size_bytes

Part = Literal["injector", "provider", "validator"]


@attrs.frozen
class Shape:
    """
    What a parameter takes.

    Attributes:
        words: For people: ``"duration: '5ms', '1m30s' or seconds"``.
        schema: For editors: JSON Schema.
        plain: For msgspec: a type made of what TOML knows.
        parse: Raises ValueError for a value that is of the type and yet wrong; None: the part itself says.
        refers: Whether a text names an object, as ``module:attribute``.
        part: Whether tables inside describe further parts, and of which sort.
        choices: Texts that stand for themselves, even where other texts refer.
    """

    words: str
    schema: Mapping[str, Any]
    plain: Any
    parse: Callable[[Any], object] | None = None
    refers: bool = False
    part: Part | None = None
    choices: frozenset[str] = frozenset()


_NUMBER_FROM_0 = {"type": "number", "minimum": 0}
_TEXT = {"type": "string"}
_REFERENCE = {"type": "string", "pattern": "^[^:]+:[^:]+$"}
_TABLE = {"type": "object", "properties": {"use": _TEXT}, "required": ["use"]}

ANYTHING = Shape("any value", {}, Any)
NOTHING = Shape("nothing", {"type": "null"}, None)
UNITS = {
    "duration": Shape(
        "duration: '5ms', '1m30s' or seconds", {"anyOf": [_NUMBER_FROM_0, _TEXT]}, float | int | str, seconds
    ),
    "size": Shape(
        "size: '64MiB' or bytes", {"anyOf": [{"type": "integer", "minimum": 0}, _TEXT]}, int | str, size_bytes
    ),
    "probability": Shape(
        "probability: '5%' or 0 to 1",
        {"anyOf": [_NUMBER_FROM_0 | {"maximum": 1}, _TEXT]},
        float | int | str,
        probability,
    ),
}
_TEXT_SHAPE = Shape("text", _TEXT, str)
_SCALARS: dict[Any, Shape] = {
    bool: Shape("true or false", {"type": "boolean"}, bool),
    int: Shape("whole number", {"type": "integer"}, int),
    float: Shape("number", {"type": "number"}, float),
    str: _TEXT_SHAPE,
    None: NOTHING,
    type(None): NOTHING,
    Any: ANYTHING,
    object: ANYTHING,
    Injector: Shape("injector: a table with `use`", _TABLE, dict[str, Any], part="injector"),
    Provider: Shape("provider: a table with `use`", _TABLE, dict[str, Any], part="provider"),
    Validator: Shape("validator: a table with `use`", _TABLE, dict[str, Any], part="validator"),
}
_LISTS = {list: list, tuple: tuple, set: set, frozenset: frozenset, AbstractSet: frozenset}
_LISTS |= dict.fromkeys((Sequence, Iterable, Collection), tuple)
_MAPPINGS = (dict, Mapping)


def shape(annotation: Any) -> Shape:
    """Return the shape of *annotation*; what no file can write takes any value, and the part says."""
    if isinstance(annotation, type(int | str)) or get_origin(annotation) is Union:
        return _either([shape(each) for each in get_args(annotation)])
    return _scalar(annotation) or _enum(annotation) or _generic(annotation)


def _scalar(annotation: Any) -> Shape | None:
    try:
        return _SCALARS.get(annotation)
    except TypeError:  # `Annotated` with something in it that cannot be hashed
        return None


def _enum(annotation: Any) -> Shape | None:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choice([each.value for each in annotation], annotation)
    return None


def _generic(annotation: Any) -> Shape:
    origin, args = get_origin(annotation) or annotation, get_args(annotation)
    if origin is Annotated:
        return UNITS.get(args[1]) if isinstance(args[1], str) and args[1] in UNITS else shape(args[0])  # type: ignore[return-value]
    if origin is Literal:
        return _choice(list(args), annotation)
    if origin is Callable:
        return Shape("function: 'module:attribute'", _REFERENCE, str, refers=True)
    if origin is type:
        return Shape("type: its name, or 'module:attribute'", _TEXT, str)
    if isinstance(origin, type) and issubclass(origin, PathLike):
        return Shape("path", _TEXT, str)
    if origin in _LISTS:
        return _list(_LISTS[origin], [each for each in args if each is not ...] or [Any])
    return _mapping(args[1] if args else Any) if origin in _MAPPINGS else ANYTHING


def _choice(values: Sequence[object], plain: Any) -> Shape:
    shown = [repr(each) for each in values]
    words = f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else "".join(shown)
    return Shape(words, {"enum": list(values)}, plain, choices=frozenset(str(each) for each in values))


def _list(make: Any, items: Sequence[Any]) -> Shape:
    shapes = [shape(each) for each in items]
    each = shapes[0] if len(shapes) == 1 else _either(shapes)
    words = "list of any values" if each is ANYTHING else f"list of ({each.words})"
    plain = tuple[each.plain, ...] if make is tuple else make[each.plain]  # type: ignore[name-defined]
    return Shape(words, {"type": "array", "items": dict(each.schema)}, plain, refers=each.refers, part=each.part)


def _mapping(values: Any) -> Shape:
    each = shape(values)
    words = "table" if each is ANYTHING else f"table of ({each.words})"
    schema = {"type": "object", "additionalProperties": dict(each.schema)}
    return Shape(words, schema, dict[str, each.plain], refers=each.refers, part=each.part)  # type: ignore[name-defined]


def _either(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that takes what any of *shapes* takes; TOML has no null, so None goes unsaid."""
    some = [each for each in shapes if each is not NOTHING]
    if len(some) == 1:
        return attrs.evolve(some[0], plain=Union[some[0].plain, None])  # noqa: UP007 - a value, not an annotation
    if not some or any(each is ANYTHING for each in some):
        return ANYTHING
    if any(each.plain is str or "enum" in each.schema for each in some if each is not _TEXT_SHAPE):
        some = [
            each for each in some if each is not _TEXT_SHAPE
        ]  # the text stands for the choice, the type, the function
    plain = _union([each.plain for each in some])
    words = " or ".join(dict.fromkeys(each.words for each in some))
    parts = {each.part for each in some} - {None}
    return Shape(
        words,
        {"anyOf": [dict(each.schema) for each in some]},
        plain,
        None,
        any(each.refers for each in some),
        parts.pop() if parts else None,
        frozenset().union(*(each.choices for each in some)),
    )


def _union(plains: Sequence[Any]) -> Any:
    """Return a union that msgspec can check; what it cannot tell apart is left to the part."""
    union: Any = Union.__getitem__(tuple(plains))
    try:
        msgspec.convert(None, union)
    except msgspec.ValidationError:
        return union
    except TypeError:
        return Any
    return union
