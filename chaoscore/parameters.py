"""The parameters of a part, read from the signature of its class: names, what they take and mean."""

from __future__ import annotations

import builtins
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from functools import partial
from typing import Any

import attrs
import msgspec

from chaoscore.shapes import Shape, shape

REQUIRED: Any = inspect.Parameter.empty
"""Stands for the default of a parameter that has none."""

_ENTRY = re.compile(r" {4}(\*{0,2}\w+)(?: \([^)]*\))?:\s*(.*)")
_SECTIONS = ("Attributes:", "Args:")


class WrongValueError(ValueError):
    """
    A value that a parameter does not take.

    Attributes:
        inside: Where in the value, for example ``[1].low``; empty for the value itself.
        problem: What was expected, and what was given.
    """

    def __init__(self, inside: str, problem: str) -> None:
        self.inside, self.problem = inside, problem
        super().__init__(f"{inside}: {problem}" if inside else problem)


@attrs.frozen(kw_only=True)
class Parameter:
    """
    One parameter of a part.

    Attributes:
        name: What scenario files call it.
        keyword: What the signature calls it; differs where *name* is a word of Python, as ``for_``.
        default: What stands for it where it is left out; `REQUIRED` where it must be given.
        description: What the docstring says about it.
        shape: What it takes.
        many: Whether it takes a list of values that the signature calls ``*keyword``.
    """

    name: str
    keyword: str
    default: Any = REQUIRED
    description: str = ""
    shape: Shape
    many: bool = False

    @property
    def required(self) -> bool:
        """Tell whether it must be given."""
        return self.default is REQUIRED and not self.many

    @property
    def takes(self) -> str:
        """Return what it takes as words: ``"duration: '5ms', '1m30s' or seconds"``."""
        return self.shape.words

    @property
    def default_text(self) -> str | None:
        """Return the default as a file would write it; None where there is none to be written."""
        value = self.default
        if value is REQUIRED or value is None or value == () or isinstance(value, type(attrs.NOTHING)):
            return None
        if isinstance(value, type):
            return value.__name__
        return msgspec.json.encode(value, enc_hook=repr).decode()

    def convert(self, value: object) -> Any:
        """
        Return *value*, from a scenario file, as the part takes it.

        Raises:
            WrongValueError: It is of another type, has another unit or is out of its unit's range.
        """
        try:
            converted = msgspec.convert(value, self.shape.plain)
        except msgspec.ValidationError as error:
            inside = _inside(str(error))
            raise WrongValueError(inside, _mismatch(str(error), self.takes, value, inside)) from None
        if self.shape.parse is not None and converted is not None:
            try:
                self.shape.parse(converted)
            except (TypeError, ValueError) as error:
                raise WrongValueError("", str(error)) from None
        return converted


def parameters(make: Callable[..., Any]) -> tuple[Parameter, ...]:
    """
    Return the parameters of a class or function, in the order of its signature.

    Args:
        make: An injector, validator, reporter or target; its `inspect.signature` and its docstring are the schema.
    """
    described = _descriptions(make)
    return tuple(_parameter(each, described) for each in _signature(make) if each.kind is not each.VAR_KEYWORD)


def takes_anything(make: Callable[..., Any]) -> bool:
    """Tell whether *make* has ``**keywords``, or no signature to be read."""
    try:
        return any(each.kind is each.VAR_KEYWORD for each in inspect.signature(make).parameters.values())
    except (TypeError, ValueError):
        return True


def summary(make: Callable[..., Any]) -> str:
    """Return the `help` of *make*, or the first paragraph of its docstring, as one line without Markdown's marks."""
    first = (getattr(make, "help", None) or inspect.getdoc(_home(make)) or "").partition("\n\n")[0]
    return _unmarked(" ".join(first.split()))


def culprits(make: Callable[..., Any], values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Yield the parameters of an attrs class that are wrong by themselves, with what is wrong.

    A constructor stops at the first error; this asks the converter and the validator of each field.

    Args:
        make: The class; nothing is yielded for anything else.
        values: Maps the keywords of its parameters to values.
    """
    for keyword, field in _fields(make).items():
        if keyword not in values:
            continue
        try:
            converter = _converter(field)
            value = values[keyword] if converter is None else converter(values[keyword])
            if field.validator is not None:
                field.validator(None, field, value)
        except (TypeError, ValueError) as error:
            yield keyword, str(error.args[0] if error.args else error)
        except Exception:  # noqa: BLE001, S112 - a validator may need the whole object; the constructor has the word
            continue


def call(make: Callable[..., Any], values: dict[str, Any]) -> Any:
    """
    Call *make*.

    Args:
        make: The class or function.
        values: Maps the keywords of its parameters to values; for ``*keyword`` the list of them.
    """
    spread = next((each.name for each in _signature(make) if each.kind is each.VAR_POSITIONAL), None)
    several = values.pop(spread, ()) if spread is not None else ()
    before = [
        each.name
        for each in _signature(make)
        if each.kind is each.POSITIONAL_ONLY or (several and each.kind is each.POSITIONAL_OR_KEYWORD)
    ]
    return make(*(values.pop(name) for name in before if name in values), *several, **values)


def _signature(make: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        found = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.replace(annotation=_annotation(make, each)) for each in found]


def _annotation(make: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """
    Return the annotation of *parameter* as an object.

    `inspect.signature(eval_str=True)` would not do: attrs copies the annotation of a converter, and where that is
    postponed, the name in it means something in the module of the converter only.
    """
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    home = _home(make)
    field = _fields(home).get(parameter.name)
    converter = None if field is None else _converter(field)
    owner = home if converter is None else converter
    return _evaluated(parameter.annotation, vars(sys.modules.get(getattr(owner, "__module__", ""), builtins)))


def _converter(field: attrs.Attribute[Any]) -> Callable[[Any], Any] | None:
    found: Any = field.converter
    inner: Callable[[Any], Any] | None = getattr(found, "converter", found)
    return inner  # of an `attrs.Converter`, where it is one


def _evaluated(annotation: str, names: dict[str, Any]) -> Any:
    def carrier() -> None: ...

    carrier.__annotations__ = {"it": annotation}
    try:
        return inspect.get_annotations(carrier, globals=names, eval_str=True)["it"]
    except Exception:  # noqa: BLE001 - an annotation is any expression; what only type checkers can read takes any value
        return Any


def _fields(make: object) -> dict[str, attrs.Attribute[Any]]:
    """Map the keywords of an attrs class to its fields; nothing for anything else."""
    return (
        {field.alias or field.name: field for field in attrs.fields(make)}
        if isinstance(make, type) and attrs.has(make)
        else {}
    )


def _parameter(found: inspect.Parameter, described: dict[str, str]) -> Parameter:
    annotation = found.annotation
    if annotation is REQUIRED and isinstance(found.default, Enum):
        annotation = type(found.default)  # attrs knows no annotation for a field whose converter is an enum
    many = found.kind is found.VAR_POSITIONAL
    return Parameter(
        name=found.name.rstrip("_"),
        keyword=found.name,
        default=found.default,
        description=described.get(found.name, ""),
        shape=shape(list[annotation] if many else annotation),  # type: ignore[valid-type]  # a value, not a type expression
        many=many,
    )


def _descriptions(make: Callable[..., Any]) -> dict[str, str]:
    """Map the keywords of *make* to what the sections of its docstring say about them."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in _docstrings(_home(make)).splitlines():
        if line and not line.startswith(" "):
            inside = line in _SECTIONS
        elif inside and (entry := _ENTRY.fullmatch(line)):
            name = entry[1].lstrip("*")
            found[name] = entry[2]
        elif inside and name and line:
            found[name] += f" {line.strip()}"
    return _by_keyword(make, {name: _unmarked(text) for name, text in found.items()})


def _unmarked(text: str) -> str:
    """Return *text* without the marks of docstrings: ``*emphasis*`` and backticks."""
    return re.sub(r"\*(\w+)\*", r"\1", text.replace("`", ""))


def _docstrings(home: object) -> str:
    """Return the docstring of a function, or those of a class and its bases: a field is described where it stands."""
    bases = [each for each in inspect.getmro(home) if each is not object] if isinstance(home, type) else [home]
    return "\n".join(inspect.cleandoc(each.__doc__ or "") for each in reversed(bases))


def _by_keyword(make: Callable[..., Any], described: dict[str, str]) -> dict[str, str]:
    """Docstrings of attrs classes speak of fields (``limit_s``), signatures of their aliases (``limit``)."""
    return described | {
        keyword: described[field.name] for keyword, field in _fields(make).items() if field.name in described
    }


def _inside(message: str) -> str:
    """Return the place that msgspec names in *message*, relative to the value: ``$[1].x`` becomes ``[1].x``."""
    match = re.search(r" - at `(?:key in )?\$(.*)`$", message)
    return match[1] if match else ""


def _mismatch(message: str, takes: str, value: object, inside: str) -> str:
    if inside:
        return f"{message.partition(' - at ')[0].lower().replace('`', '')}; the whole is {takes}"
    return f"expected {takes}, not {value!r:.200}"


def _home(make: object) -> object:
    """Return where *make* is written: for a `partial`, the function in it."""
    return make.func if isinstance(make, partial) else make
