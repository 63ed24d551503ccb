from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest

from chaoscore import injectors, validators
from chaoscore.parameters import (
    REQUIRED,
    Parameter,
    WrongValueError,
    call,
    culprits,
    parameters,
    summary,
    takes_anything,
)
from chaoscore.protocols import Injector, Validator
from chaoscore.shapes import ANYTHING, shape
from chaoscore.units import Duration, Probability, Size, optional_seconds, seconds
from chaoscore.verdict import Severity


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def ratio(value: float) -> float:
    return value


def _positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.alias} must be more than 0")


@attrs.frozen
class Thing:
    """
    A thing with *parts*
    of several `sorts`.

    And more about it.

    Attributes:
        limit_s: Longest wait,
            in seconds.
        colour: One of `Colour`.
        count: How many.

    Source: nowhere.
    """

    limit_s: float = attrs.field(converter=seconds, alias="limit", validator=_positive)
    other_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="other")
    colour: Colour = attrs.field(default=Colour.RED, converter=Colour)
    count: int = attrs.field(default=3, validator=attrs.validators.ge(0))
    tags: tuple[str, ...] = attrs.field(factory=tuple)
    _hidden: int = attrs.field(default=0, init=False)


def named(make: Callable[..., Any], name: str) -> Parameter:
    """The parameter of that name."""
    (found,) = (each for each in parameters(make) if each.name == name)
    return found


def test_names_are_those_of_the_signature() -> None:
    """Aliases are the names, and what the constructor does not take is no parameter."""
    assert [each.name for each in parameters(Thing)] == ["limit", "other", "colour", "count", "tags"]


def test_a_converter_tells_what_a_field_takes() -> None:
    """The annotation comes from the converter, even where the module of the class does not know the name in it."""
    assert named(injectors.delay, "low").takes == "duration: '5ms', '1m30s' or seconds"
    assert named(injectors.delay, "probability").takes == "probability: '5%' or 0 to 1"
    assert named(Thing, "limit").takes == "duration: '5ms', '1m30s' or seconds"


def test_no_parameter_of_the_core_takes_just_anything() -> None:
    """Every parameter of the core's injectors and validators says what it takes."""
    for door in (injectors, validators):
        for name in door.__all__:
            for each in parameters(getattr(door, name)):
                assert each.shape is not ANYTHING, f"{name}.{each.name}"
                assert each.description, f"{name}.{each.name}"


def test_descriptions_come_from_the_docstring() -> None:
    """Field names of the docstring are matched with aliases, and continued lines are joined, without marks."""
    assert named(Thing, "limit").description == "Longest wait, in seconds."
    assert named(Thing, "colour").description == "One of Colour."
    assert named(Thing, "tags").description == ""


def test_a_summary_is_the_first_paragraph() -> None:
    """The first paragraph is one line, without marks."""
    assert summary(Thing) == "A thing with parts of several sorts."


def test_defaults_are_written_as_a_file_would() -> None:
    """Text is quoted, an enum is its value, a class its name; nothing stands for what a file cannot write."""
    assert named(Thing, "colour").default_text == '"red"'
    assert named(Thing, "count").default_text == "3"
    assert named(Thing, "limit").default_text is None
    assert named(Thing, "tags").default_text is None
    assert named(injectors.error, "type").default_text == "InjectedError"
    assert named(validators.max_errors, "injected").default_text == "false"


def test_required_is_what_has_no_default() -> None:
    """A parameter without default is required; one with a factory is not."""
    assert [each.name for each in parameters(Thing) if each.required] == ["limit"]
    assert named(Thing, "limit").default is REQUIRED


def test_a_trailing_underscore_is_not_part_of_the_name() -> None:
    """Files write ``for`` where Python has to write ``for_``."""

    def make(for_: int, class_: int = 0) -> None: ...

    assert [(each.name, each.keyword) for each in parameters(make)] == [("for", "for_"), ("class", "class_")]


def test_starred_parameters_take_a_list() -> None:
    """``*values`` is a parameter that takes a list, and is not required."""

    def make(*values: int) -> None: ...

    (found,) = parameters(make)
    assert (found.name, found.many, found.required) == ("values", True, False)
    assert found.convert([1, 2]) == [1, 2]


def test_double_starred_parameters_take_anything() -> None:
    """``**keywords`` is no parameter; it means that any key will do. So does having no signature."""

    def make(a: int, **rest: int) -> None: ...

    assert [each.name for each in parameters(make)] == ["a"]
    assert takes_anything(make)
    assert not takes_anything(Thing)
    assert parameters(dict) == ()
    assert takes_anything(dict)


def test_a_partial_has_the_rest_of_the_parameters() -> None:
    """What a partial has been given already is asked no more; the rest is described as before."""
    found = parameters(partial(validators.state_consistency, print))
    assert "call" not in [each.name for each in found]
    assert named(partial(validators.state_consistency, print), "every").takes.startswith("duration")


def test_an_annotation_for_type_checkers_only_takes_anything() -> None:
    """A name that exists for type checkers only is no failure; the part says what it does not like."""

    def make(a: NotThere, b: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert [each.takes for each in parameters(make)] == ["any value", "whole number"]


@pytest.mark.parametrize(
    ("annotation", "words", "good", "bad"),
    [
        (int, "whole number", [5], ["5", 5.5, True, None]),
        (float, "number", [5, 5.5], ["5", True]),
        (str, "text", ["x"], [5]),
        (bool, "true or false", [True], [1, "true"]),
        (Duration, "duration: '5ms', '1m30s' or seconds", ["5ms", 5, 0.1], ["5", "5MB", -1, True, [5], float("nan")]),
        (Size, "size: '64MiB' or bytes", ["64MiB", 5], ["64", 5.5, -1]),
        (Probability, "probability: '5%' or 0 to 1", ["5%", 0.5, 1], ["5", 1.5, "101%"]),
        (Duration | None, "duration: '5ms', '1m30s' or seconds", ["5ms"], ["5"]),
        (Literal["a", "b"], "'a' or 'b'", ["a"], ["c", 5]),
        (Severity | str, "'critical', 'warning' or 'info'", ["info"], ["bad", 5]),
        (Annotated[Severity | str, "severity"], "'critical', 'warning' or 'info'", ["info"], ["bad"]),
        (list[int], "list of (whole number)", [[1]], [1, ["x"], "x"]),
        (Sequence[str], "list of (text)", [["x"], []], ["x", [1]]),
        (dict[str, int], "table of (whole number)", [{"a": 1}], [{"a": "x"}, []]),
        (Mapping[str, Any], "table", [{"a": 1}], [5]),
        (int | list[int], "whole number or list of (whole number)", [1, [1]], ["x"]),
        (type[Exception] | str, "type: its name, or 'module:attribute'", ["OSError"], [5]),
        (Callable[[Any], object], "function: 'module:attribute'", ["a:b"], [5]),
        (str | PathLike[str], "path", ["a/b"], [5]),
        (Injector, "injector: a table with `use`", [{"use": "delay"}], [5]),
        (tuple[Validator, ...], "list of (validator: a table with `use`)", [[{"use": "x"}]], [{"use": "x"}]),
        (Any, "any value", [5, "x", None], []),
        (object, "any value", [5], []),
        (timedelta, "any value", [5], []),
        (int | complex, "any value", [5], []),
        (Path, "path", ["a/b"], [5]),
    ],
)
def test_what_an_annotation_takes(annotation: Any, words: str, good: list[object], bad: list[object]) -> None:
    """Each annotation has its words, lets good values pass and refuses bad ones."""
    found = Parameter(name="x", keyword="x", shape=shape(annotation))
    assert found.takes == words
    for value in good:
        found.convert(value)
    for value in bad:
        with pytest.raises(WrongValueError):
            found.convert(value)


def test_a_wrong_value_is_shown_with_what_is_expected() -> None:
    """The error says what the parameter takes and what it was given."""
    with pytest.raises(WrongValueError, match="expected whole number, not '5'"):
        named(Thing, "count").convert("5")


def test_a_wrong_value_inside_is_located() -> None:
    """In a list, the error says which element."""
    with pytest.raises(WrongValueError) as caught:
        Parameter(name="x", keyword="x", shape=shape(list[int])).convert([1, "x"])
    assert caught.value.inside == "[1]"


def test_culprits_are_all_wrong_fields() -> None:
    """All fields that are wrong by themselves are found, not only the first."""
    wrong = dict(culprits(Thing, {"limit": 0, "colour": "green", "count": -1, "other": "1s"}))
    assert set(wrong) == {"limit", "colour", "count"}
    assert "limit must be more than 0" in wrong["limit"]


def test_what_is_no_attrs_class_has_no_culprits() -> None:
    """A function cannot be asked field by field."""
    assert list(culprits(ratio, {"value": "x"})) == []


def test_call_puts_values_where_the_signature_wants_them() -> None:
    """Positional, starred and keyword parameters all get their values by keyword."""

    def make(a: int, /, b: int, *rest: int, c: int = 0) -> tuple[object, ...]:
        return a, b, rest, c

    assert call(make, {"a": 1, "b": 2, "rest": [3, 4], "c": 5}) == (1, 2, (3, 4), 5)
    assert call(make, {"a": 1, "b": 2}) == (1, 2, (), 0)
