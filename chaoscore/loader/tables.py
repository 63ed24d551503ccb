"""
A scenario written as tables, as in a TOML file.

The functions at the top are the file format: their signatures say which keys a table has and what each takes, their
docstrings what it means. The parts that a table asks for by ``use`` are read in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import getattr_static, isclass, isfunction, isroutine
from operator import methodcaller
from pathlib import Path
from typing import Any, Literal

import attrs

from chaoscore.errors import InvalidScenarioError, near_miss
from chaoscore.loader.drafts import Draft, Table, key_text, keys_of
from chaoscore.loader.imports import refer
from chaoscore.offers import Catalogue, Offers
from chaoscore.scenario import Scenario
from chaoscore.shapes import Shape
from chaoscore.spec import Limits, Window, Workload
from chaoscore.units import Duration
from chaoscore.verdict import thresholds as make_thresholds

# -- the file format


def scenario_file(
    *,
    target: dict[str, Any],
    steps: list[Any],
    name: str | None = None,
    seed: int | None = None,
    on_failure: Literal["stop", "continue"] = "stop",
    workload: dict[str, Any] | None = None,
    provide: dict[str, Any] | None = None,
    inject: dict[str, Any] | None = None,
    expect: dict[str, Any] | None = None,
    thresholds: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    allow: list[str] | None = None,
) -> None:
    """
    A scenario: what to run, what to break, what must hold.

    Args:
        target: The system under test: `use` and the parameters of what it names.
        steps: What an iteration does, in order.
        name: What reports call it; by default the name of the file.
        seed: Decides every fault; by default each run draws a new one and reports it.
        on_failure: Whether a run stops at the first real failure.
        workload: How the steps are driven.
        provide: What is there before the target: maps names to providers, and the target's setup gets what they make.
        inject: What to break: maps names to injectors.
        expect: What must hold: maps names to validators.
        thresholds: What the run as a whole must reach.
        limits: What the run may not exceed.
        allow: Addresses or networks beside loopback to which faults may go, if the command line allows them too.
    """


def used_part(*, use: str) -> None:
    """
    A part, and its parameters.

    Args:
        use: An installed name, see `chaoscore plugins`, or module:attribute.
    """


def used_injector(*, use: str, scope: str | None = None, window: dict[str, Any] | None = None) -> None:
    """
    An injector, where and when it is active, and its parameters.

    Args:
        use: An installed name, see `chaoscore plugins`, or module:attribute.
        scope: The component it belongs to; it strikes only at points of that component and at points of none.
        window: When it is active; by default all the time.
    """


def used_step(*, use: str, name: str | None = None, limit: Duration | None = None) -> None:
    """
    A step.

    Args:
        use: module:attribute of a function that takes the target, or .method of the target.
        name: What reports call it; by default the name of the function.
        limit: Time after which it is given up; by default the scenario's.
    """


SETTINGS: dict[str, tuple[str, Callable[..., Any]]] = {
    "workload": ("workload", Workload),
    "limits": ("limits", Limits),
    "thresholds": ("goals", make_thresholds),
}
"""For each table of settings, the field of the scenario that it makes, and from what."""


def scenario_from(
    table: Table, path: Path, catalogue: Catalogue, environment: Mapping[str, str], *, dry: bool = False
) -> Scenario:
    """
    Return the scenario that *table* describes.

    Args:
        table: The content of a file.
        path: The file, for errors; modules beside it can be used.
        catalogue: What is installed.
        environment: Where ``${NAME}`` comes from.
        dry: Put a stand-in in the place of the target, so that none of its code runs.

    Raises:
        InvalidScenarioError: Something is wrong; it names everything.
    """
    draft = _ScenarioDraft(path, catalogue, environment, dry)
    scenario = draft.read(table)
    if not draft.problems:
        draft.attempt("", scenario.check)
    if draft.problems:
        raise InvalidScenarioError(str(path), draft.problems)
    return scenario


class _ScenarioDraft(Draft):
    """A scenario that is being read, section by section."""

    def __init__(self, path: Path, catalogue: Catalogue, environment: Mapping[str, str], dry: bool) -> None:
        super().__init__(path, environment)
        self._catalogue, self._dry = catalogue, dry
        self._owner: type | None = None
        self._all_steps = False
        self._scenario = Scenario("unnamed")

    def read(self, table: Table) -> Scenario:
        """Return the scenario as far as it can be read."""
        given = self.keywords("", scenario_file, self.expanded("", dict(table)))
        self._build("name", Scenario, given.get("name", self.path.stem))
        if "target" in given:
            self._target(given["target"])
        if "steps" in given:
            self._steps(given["steps"])
        sections = (("provide", self._provider), ("inject", self._injector), ("expect", self._validator))
        for key, add in sections:
            for name, part in (given.get(key) or {}).items():
                add(f"{key}.{key_text(name)}", name, part)
        if given.get("allow"):
            self._build("allow", self._scenario.allow, *given["allow"])
        self._settings(given)
        return self._scenario

    def top_keys(self) -> frozenset[str]:
        """Return the keys of the file itself."""
        return frozenset(keys_of(scenario_file))

    # -- one method for each section

    def _target(self, table: Table) -> None:
        make, rest, _ = self._used("target", used_part, table, self._catalogue.targets)
        if make is None:
            return
        self._owner = make if isclass(make) else None
        if self._dry and _is_maker(make):
            subject = _stand_in(make) if self.fits("target", make, rest) else None
        else:
            subject = self._from("target", make, rest)
            self._owner = self._owner if subject is None else type(subject)
        if subject is not None:
            self._build("target", self._scenario.target, subject)

    def _steps(self, entries: list[Any]) -> None:
        before = len(self.problems)
        if not entries:
            self.complain("steps", "there is no step", 'add one: steps = [{ use = "module:function" }]')
        for index, entry in enumerate(entries):
            place = f"steps[{index}]"
            given = self.keywords(place, used_step, {"use": entry} if not isinstance(entry, dict) else entry)
            function = self._function(f"{place}.use", given["use"]) if "use" in given else None
            if function is not None:
                name = given.get("name") or given["use"].replace(":", ".").rpartition(".")[2]
                self._build(place, self._scenario.step, name, function, limit=given.get("limit"))
        self._all_steps = len(self.problems) == before

    def _injector(self, place: str, name: str, table: Any) -> None:
        make, rest, given = self._used(place, used_injector, table, self._catalogue.injectors)
        injector = None if make is None else self._from(place, make, rest)
        window = self.made(f"{place}.window", Window, given.get("window") or {})
        if injector is not None and window is not None:
            self._build(place, self._scenario.inject, name, injector, scope=given.get("scope"), window=window)
            if self._all_steps:
                self.attempt(f"{place}.at", self._scenario.check_border, place, injector)

    def _provider(self, place: str, name: str, table: Any) -> None:
        provider = self._part(place, table, self._catalogue.providers)
        if provider is not None:
            self._build(place, self._scenario.provide, name, provider)

    def _validator(self, place: str, name: str, table: Any) -> None:
        validator = self._part(place, table, self._catalogue.validators)
        if validator is not None:
            self._build(place, self._scenario.expect, name, validator)

    def _settings(self, given: Table) -> None:
        parts: dict[str, Any] = {
            field: self.made(key, make, given.get(key) or {}) for key, (field, make) in SETTINGS.items()
        }
        parts["fail_fast"] = given.get("on_failure") != "continue"
        parts["fixed_seed"] = given.get("seed")
        parts["secrets"] = frozenset(self.secrets)
        given_parts = {field: part for field, part in parts.items() if part is not None}
        self._scenario = attrs.evolve(self._scenario, **given_parts)
        for key in ("required", "warning"):
            self._check_names(f"thresholds.{key}", (given.get("thresholds") or {}).get(key), given.get("expect") or {})

    def _check_names(self, place: str, names: object, known: Table) -> None:
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and name not in known:
                problem = f"there is no expectation {name!r}{near_miss(name, known)}"
                self.complain(place, problem, f"add [expect.{key_text(name)}] or drop the name")

    def _build(self, place: str, make: Callable[..., Scenario], *args: Any, **keywords: Any) -> None:
        """Go on with the scenario that *make* returns, or with the present one where it refuses."""
        self._scenario = self.attempt(place, make, *args, **keywords) or self._scenario

    # -- parts: what a table asks for by `use`

    def nested(self, place: str, value: Any, shape: Shape) -> Any:
        """Return *value* with the parts and references in it in the place of their tables and texts."""
        if isinstance(value, (list, tuple)):
            return type(value)(self.nested(f"{place}[{index}]", each, shape) for index, each in enumerate(value))
        if isinstance(value, str) and shape.refers and value not in shape.choices:
            return self.attempt(place, refer, value, self.path.parent)
        if isinstance(value, dict) and shape.part is not None:
            if "use" in value:
                offers: Offers[Any] = getattr(self._catalogue, f"{shape.part}s")
                return self._part(place, value, offers)
            return {key: self.nested(f"{place}.{key_text(key)}", each, shape) for key, each in value.items()}
        return value

    def _part(self, place: str, table: Table, offers: Offers[Any]) -> Any:
        make, rest, _ = self._used(place, used_part, table, offers)
        if offers is self._catalogue.validators and isroutine(make):
            from chaoscore.validators import state_consistency

            make = partial(state_consistency, make)
        return None if make is None else self._from(place, make, rest)

    def _used(self, place: str, form: Callable[..., None], table: Any, offers: Offers[Any]) -> tuple[Any, Table, Table]:
        """Return what the `use` of *table* names (None where it fails), the parameters for it, and the rest."""
        if not isinstance(table, dict):
            self.complain(place, f"expected a table, not {table!r:.200}", 'write { use = "..." }')
            return None, {}, {}
        own = keys_of(form)
        given = self.keywords(place, form, {key: value for key, value in table.items() if key in own})
        rest = {key: value for key, value in table.items() if key not in own}
        return self._named(f"{place}.use", given.get("use"), offers), rest, given

    def _named(self, place: str, use: str | None, offers: Offers[Any]) -> Any:
        if use is None:
            return None
        if ":" in use:
            return self.attempt(place, refer, use, self.path.parent)
        offer = self.attempt(place, offers.need, use, str(self.path))
        return None if offer is None else offer.part

    def _from(self, place: str, make: Any, table: Table) -> Any:
        """Return what a class or function makes of *table*; anything else is the part already."""
        if _is_maker(make):
            return self.made(place, make, table)
        for key in table:
            remedy = "drop it, or name a class or function"
            self.complain(f"{place}.{key_text(key)}", "what `use` names is a value and takes no parameters", remedy)
        return make

    def _function(self, place: str, use: str) -> Any:
        """Return what a step calls."""
        if not use.startswith("."):
            return self.attempt(place, refer, use, self.path.parent)
        name, owner = use[1:], self._owner
        found = getattr(owner, name, None)
        if owner is not None and not callable(found):
            known = [each for each in dir(owner) if not each.startswith("_")]
            problem = f"{owner.__name__}, the target, has no method {name!r}{near_miss(name, known)}"
            self.complain(place, problem, f"have {', '.join(known) or 'none'}")
            return None
        return found if isfunction(found) else methodcaller(name)


def _is_maker(found: object) -> bool:
    return isclass(found) or isroutine(found) or isinstance(found, partial)


def _stand_in(make: Any) -> object:
    """Return an object that has the name and the methods of what *make* makes; none of their code has run."""
    own = {name: getattr_static(make, name) for name in dir(make) if not name.startswith("_")}
    if not isinstance(own.get("name"), str):
        own.pop("name", None)
    return type(getattr(make, "__name__", "target"), (), own)()
