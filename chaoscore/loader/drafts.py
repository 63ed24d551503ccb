"""Tables checked against the signatures of what they describe, with every problem noted and none fatal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from chaoscore.errors import InvalidScenarioError, PluginError, ScenarioError, near_miss
from chaoscore.loader.imports import UnimportableError
from chaoscore.parameters import Parameter, WrongValueError, call, culprits, parameters, takes_anything
from chaoscore.redact import expand, redact
from chaoscore.shapes import Shape

_T = TypeVar("_T")
Table = Mapping[str, Any]

SPELLED = {"run_for": "for"}
"""Parameters that files call otherwise."""


def keys_of(make: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the parameters of *make* by the keys that files use for them."""
    return {SPELLED.get(each.name, each.name): each for each in parameters(make)}


def key_text(key: str) -> str:
    """Return *key* as TOML would write it in a dotted path."""
    return key if key.replace("-", "_").isidentifier() and key.isascii() else f'"{key}"'


class Draft:
    """
    A file that is being read.

    Attributes:
        path: The file.
        problems: What is wrong so far.
        secrets: What came from the environment.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self.problems: list[ScenarioError] = []
        self.secrets: set[str] = set()
        self._environment = environment

    def complain(self, place: str, problem: str, remedy: str, cause: BaseException | None = None) -> None:
        """Add a problem at *place* in the file, with nothing secret in it."""
        where = f"{self.path}: {place}" if place else str(self.path)
        error = ScenarioError(where, redact(problem, self.secrets), redact(remedy, self.secrets))
        error.__cause__ = cause
        self.problems.append(error)

    def attempt(self, place: str, make: Callable[..., _T], *args: Any, **keywords: Any) -> _T | None:
        """Return what *make* returns; where it raises, complain and return None."""
        try:
            return make(*args, **keywords)
        except InvalidScenarioError as error:
            for each in error.problems:
                self.complain(place, each.problem, each.remedy, error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's constructor may raise anything, even exit
            self.complain(place, *_halves(error), error)
        return None

    def expanded(self, place: str, value: Any) -> Any:
        """Return *value* with the environment's values in its texts."""
        if isinstance(value, str):
            try:
                return expand(value, self._environment, self.secrets)
            except ValueError as error:
                problem, _, remedy = str(error).partition("; ")
                self.complain(place, problem, remedy)
                return _Unset(value)
        if isinstance(value, dict):
            return {key: self.expanded(f"{place}.{key_text(key)}".lstrip("."), each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.expanded(f"{place}[{index}]", each) for index, each in enumerate(value)]
        return value

    def made(self, place: str, make: Callable[..., _T], table: Table) -> _T | None:
        """Return what *make* makes of *table*; None where anything is wrong with it."""
        before = len(self.problems)
        given = self.keywords(place, make, table)
        if len(given) < len(table) or len(self.problems) > before:
            self._blame(place, make, given)
            return None
        before = len(self.problems)
        made: _T | None = self.attempt(place, call, make, dict(given))
        if len(self.problems) > before and self._blame(place, make, given):
            del self.problems[before]
        return made

    def fits(self, place: str, make: Callable[..., Any], table: Table) -> bool:
        """Tell whether *table* fits the signature of *make*, which is not called."""
        before = len(self.problems)
        return len(self.keywords(place, make, table)) == len(table) and len(self.problems) == before

    def keywords(self, place: str, make: Callable[..., Any], table: Table) -> dict[str, Any]:
        """Return as much of *table* as *make* takes, as keywords, and complain about the rest."""
        known, given = keys_of(make), dict[str, Any]()
        for key, value in table.items():
            if isinstance(value, _Unset):
                continue
            if key in known:
                self._take(f"{place}.{key_text(key)}".lstrip("."), known[key], value, given)
            elif takes_anything(make):
                given[key] = value
            else:
                self._unknown(place, key, known)
        for key, parameter in known.items():
            if parameter.required and key not in table:
                self.complain(f"{place}.{key}".lstrip("."), "it is missing", f"add it: {parameter.takes}")
        return given

    def nested(self, place: str, value: Any, shape: Shape) -> Any:
        """Return *value* with the parts and references in it in the place of their tables and texts."""
        raise NotImplementedError

    def top_keys(self) -> frozenset[str]:
        """Return the keys of the file itself, which slip into the last table when they stand below it."""
        raise NotImplementedError

    def _take(self, place: str, parameter: Parameter, value: Any, given: dict[str, Any]) -> None:
        before = len(self.problems)
        try:
            converted = parameter.convert(value)
        except WrongValueError as error:
            self.complain(f"{place}{error.inside}", error.problem, _mend(parameter))
            return
        if parameter.shape.part or parameter.shape.refers:
            converted = self.nested(place, converted, parameter.shape)
        if len(self.problems) == before:
            given[parameter.keyword] = converted

    def _unknown(self, place: str, key: str, known: Mapping[str, Parameter]) -> None:
        at = f"{place}.{key_text(key)}".lstrip(".")
        if place and key in self.top_keys():
            self.complain(at, f"{key!r} belongs to the file itself", "write it at the top, above the first [table]")
        else:
            self.complain(
                at, f"there is no key {key!r} here{near_miss(key, known)}", f"have {', '.join(known) or 'none'}"
            )

    def _blame(self, place: str, make: Callable[..., Any], values: dict[str, Any]) -> bool:
        """Complain about those of *values* that are wrong by themselves, if that can be found out."""
        wrong = dict(culprits(make, values))
        for key, parameter in keys_of(make).items():
            if parameter.keyword in wrong:
                self.complain(f"{place}.{key}", wrong[parameter.keyword], _mend(parameter))
        return bool(wrong)


class _Unset(str):
    """A text whose variables are not all set; that has been complained about already."""


def _mend(parameter: Parameter) -> str:
    about = parameter.description.rstrip(".")
    return f"mend it ({about})" if about else "mend it"


def _halves(error: BaseException) -> tuple[str, str]:
    """Return what is wrong, and what to do about it."""
    if isinstance(error, ScenarioError):
        return error.problem, error.remedy
    if isinstance(error, PluginError):
        return str(error).removesuffix("; see `chaoscore plugins`"), "see `chaoscore plugins`"
    if isinstance(error, UnimportableError):
        return str(error), "write 'module:attribute' of something that can be imported"
    if isinstance(error, (ValueError, TypeError)) and str(error):
        return str(error), "mend it"
    return f"it raised {type(error).__name__}: {error}", "mend the code, or what it is given"
