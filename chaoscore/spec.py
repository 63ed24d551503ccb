"""What a scenario says: frozen values, none of which can be wrong by itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from math import inf
from typing import Any, TypeGuard

import attrs

from chaoscore.context import POINT_KINDS
from chaoscore.errors import DuplicateNameError, ScenarioError, near_miss
from chaoscore.events import WHOLE_RUN
from chaoscore.protocols import Answers, Follows, Injector, Opens, Provider, Reports, Undo, Validator
from chaoscore.units import Duration, Probability, optional_seconds, probability, seconds, show_seconds
from chaoscore.verdict import PRESETS, Thresholds


def _positive(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"{attribute.alias} must be more than 0, not {value!r}")


def _count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"{attribute.alias} must be a whole number, not {value!r}")
    if value is not None and value < 1:
        raise ValueError(f"{attribute.alias} must be 1 or more, not {value!r}")


def _rate(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise TypeError(f"{attribute.alias} must be a number of iterations per second, not {value!r}")
    if value is not None and not 0 < value < inf:
        raise ValueError(f"{attribute.alias} must be finite and more than 0 per second, not {value!r}")


def _can_be_called(_: object, __: object, value: Any) -> None:
    if not callable(value):
        raise TypeError(f"{value!r} cannot be called; pass a function that takes the target")
    if inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value):
        raise TypeError(f"{value!r} has a `yield`, so calling it would not run it; pass a function that returns")


@attrs.frozen
class Step:
    """
    A named callable that takes the target.

    Attributes:
        name: What reports call it.
        call: Plain or `async def`; its exceptions are data.
        limit_s: Seconds after which it is given up; None: the scenario's limit.
        is_async: Whether it runs as an asyncio task.
    """

    name: str
    call: Callable[[Any], object] = attrs.field(validator=_can_be_called)
    limit_s: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=_positive, kw_only=True, alias="limit"
    )
    is_async: bool = attrs.field(init=False, eq=False)

    @is_async.default
    def _runs_as_task(self) -> bool:
        call = self.call
        return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


@attrs.frozen(kw_only=True)
class Workload:
    """
    How steps are driven. With both *repeat* and *run_for_s*, whichever ends first; with neither, one iteration.

    Attributes:
        repeat: Iterations in all, over all workers.
        run_for_s: Seconds after which no further iteration begins.
        workers: Logical workers: threads for plain steps, tasks for `async def` ones.
        rate: Iterations per second in all; None: as fast as the workers go.
    """

    repeat: int | None = attrs.field(default=None, validator=_count)
    run_for_s: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=_positive, alias="run_for"
    )
    workers: int = attrs.field(default=1, validator=_count)
    rate: float | None = attrs.field(default=None, validator=_rate)

    @property
    def iterations(self) -> int | None:
        """Return the most iterations there can be; None: no bound but time."""
        return 1 if self.repeat is None and self.run_for_s is None else self.repeat

    def describe(self) -> str:
        """Return it as a phrase: ``'100 iterations, 8 workers'``."""
        parts = [] if self.iterations is None else [f"{self.iterations:,} iteration{'s' * (self.iterations != 1)}"]
        if self.run_for_s is not None:
            parts.append(f"{'at most ' if parts else ''}{show_seconds(self.run_for_s)}")
        parts.append(f"{self.workers} worker{'s' * (self.workers != 1)}")
        if self.rate is not None:
            parts.append(f"{self.rate:g} per second")
        return ", ".join(parts)


@attrs.frozen(kw_only=True)
class Window:
    """
    When an injector is active.

    Attributes:
        start_s: Seconds after the workload began.
        until_s: Seconds after the workload began at which it is lifted; None: the end of the run.
        every_s: Open again every so many seconds from *start_s* on; None: once.
        for_s: Seconds that each opening lasts; needs *every_s*.
        probability: With *every_s*, the chance that an opening takes place; without, the chance that an iteration is
            struck.
    """

    start_s: float = attrs.field(default=0.0, converter=seconds, alias="start")
    until_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="until")
    every_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=_positive, alias="every")
    for_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=_positive, alias="for_")
    probability: float = attrs.field(default=1.0, converter=probability)

    def __attrs_post_init__(self) -> None:
        if self.until_s is not None and self.until_s <= self.start_s:
            raise ValueError(f"until {show_seconds(self.until_s)} must come after start {show_seconds(self.start_s)}")
        if (self.every_s is None) != (self.for_s is None):
            raise ValueError("every and for_ go together: every='10s', for_='2s'")
        if self.every_s is not None and self.for_s is not None and self.for_s >= self.every_s:
            raise ValueError(f"for_ {show_seconds(self.for_s)} must be shorter than every {show_seconds(self.every_s)}")

    @property
    def share(self) -> float:
        """Return the probability that it is active in an iteration."""
        return self.probability if self.every_s is None else 1.0

    def describe(self) -> str:
        """Return it as a phrase: ``'from 5 s, every 10 s for 2 s'``."""
        parts = [f"from {show_seconds(self.start_s)}"] if self.start_s else []
        if self.until_s is not None:
            parts.append(f"until {show_seconds(self.until_s)}")
        if self.every_s is not None and self.for_s is not None:
            parts.append(f"every {show_seconds(self.every_s)} for {show_seconds(self.for_s)}")
        if self.probability < 1:
            parts.append(f"in {self.probability * 100:.3g}% of {'iterations' if self.every_s is None else 'openings'}")
        return ", ".join(parts) or WHOLE_RUN


def window(
    start: Duration = 0,
    until: Duration | None = None,
    *,
    every: Duration | None = None,
    for_: Duration | None = None,
    probability: Probability = 1.0,
) -> Window:
    """
    Return when an injector is active.

    Args:
        start: Offset from the beginning of the workload.
        until: Offset at which it is lifted.
        every: Open it again and again, so long apart.
        for_: How long each opening lasts.
        probability: With *every*, the chance of each opening; without, of each iteration.

    Raises:
        ValueError: The offsets contradict each other.
    """
    return Window(start=start, until=until, every=every, for_=for_, probability=probability)


@attrs.frozen
class Injection:
    """
    An injector in a scenario.

    Attributes:
        name: Its own name there; ``scope.name`` where it belongs to a scope.
        injector: The source of faults.
        scope: The component that it belongs to, or None.
        window: When it is active.
    """

    name: str
    injector: Injector
    scope: str | None = None
    window: Window = attrs.field(factory=Window)


@attrs.frozen
class Provision:
    """A *provider* in a scenario, under its own *name* there, which is also that of a parameter of `setup`."""

    name: str
    provider: Provider


@attrs.frozen
class Expectation:
    """A validator in a scenario, under its own *name* there."""

    name: str
    validator: Validator


@attrs.frozen(kw_only=True)
class Limits:
    """
    What a run may not exceed, whatever its parts do.

    Attributes:
        step_s: Seconds for one step.
        hook_s: Seconds for one hook of the target, an injector or a validator.
        drain_s: Seconds for iterations under way when the run ends.
        run_s: Seconds for the whole run, after which it is interrupted; None: any.
        faults: Injectors that may be open at the same time; None: any.
        share: Largest share of the targets of one kind (processes, connections) that may be disturbed, 0 to 1.
    """

    step_s: float = attrs.field(default=300.0, converter=seconds, validator=_positive, alias="step")
    hook_s: float = attrs.field(default=60.0, converter=seconds, validator=_positive, alias="hook")
    drain_s: float = attrs.field(default=10.0, converter=seconds, validator=_positive, alias="drain")
    run_s: float | None = attrs.field(default=None, converter=optional_seconds, validator=_positive, alias="run")
    faults: int | None = attrs.field(default=None, validator=_count)
    share: float = attrs.field(default=1.0, converter=probability)


@attrs.frozen(kw_only=True)
class Spec:
    """
    A whole scenario as data; `Scenario` adds the verbs.

    Attributes:
        name: What reports call it.
        subject: The target, or None while there is none.
        step_list: The steps, in order.
        provisions: The providers, in order.
        injections: The injectors, in order.
        expectations: The validators, in order.
        workload: How steps are driven.
        fail_fast: Stop at the first real failure or critical finding.
        limits: How long things may take.
        goals: What the run as a whole must reach.
        fixed_seed: The seed, or None for a new one in each run.
        origin: Where it comes from, as ``FILE[:NAME]``, or None where it was built in Python.
        allowed: Networks beside loopback to which faults may go, if the command line allows them as well.
        secrets: Texts that no output may show.
    """

    name: str = attrs.field()
    subject: Any = None
    step_list: tuple[Step, ...] = ()
    provisions: tuple[Provision, ...] = ()
    injections: tuple[Injection, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    workload: Workload = attrs.field(factory=Workload)
    fail_fast: bool = True
    limits: Limits = attrs.field(factory=Limits)
    goals: Thresholds = PRESETS["default"]
    fixed_seed: int | None = None
    origin: str | None = None
    allowed: tuple[str, ...] = ()
    secrets: frozenset[str] = attrs.field(default=frozenset(), repr=False)

    @name.validator
    def _is_a_name(self, _: object, value: object) -> None:
        check_name("scenario", "its name", value)

    @property
    def target_name(self) -> str:
        """Return what reports call the target."""
        try:
            name = getattr(self.subject, "name", None)
        except Exception:  # noqa: BLE001 - a property of the system under test, which may need its setup
            name = None
        return name if isinstance(name, str) else type(self.subject).__name__

    def problems(self) -> list[ScenarioError]:
        """Return everything that keeps this scenario from being run."""
        found: list[ScenarioError] = []
        where = f"scenario {self.name!r}"
        if self.subject is None:
            found.append(ScenarioError(where, "it has no target", "add .target(...)"))
        if not self.step_list:
            found.append(ScenarioError(where, "it has no step", "add .step(name, callable)"))
        known = {each.name for each in self.expectations}
        for name in sorted((self.goals.required | self.goals.warning) - known):
            problem = f"thresholds name the expectation {name!r}, which it does not have{near_miss(name, known)}"
            found.append(ScenarioError(where, problem, f"add .expect({name!r}, ...) or drop the name"))
        found.extend(self._missing_provisions(where))
        for injection in self.injections:
            try:
                self.check_border(f"{where}, injector {injection.name!r}", injection.injector)
            except ScenarioError as error:
                found.append(error)
        return found

    def _missing_provisions(self, where: str) -> Iterator[ScenarioError]:
        known = [each.name for each in self.provisions]
        for name in setup_parameters(self.subject, required=True):
            if name not in known:
                problem = f"its setup takes {name!r}, which nothing provides{near_miss(name, known)}"
                yield ScenarioError(f"{where}, target", problem, f"add .provide({name!r}, ...) or give it a default")
        for each in self.injections:
            if each.injector.undo is Undo.PROVIDED and not known:
                problem = f"{each.injector.kind} strikes in what a scenario provides, and this one provides nothing"
                yield ScenarioError(f"{where}, injector {each.name!r}", problem, "add .provide(name, ...)")

    def check_border(self, where: str, injector: object) -> None:
        """
        See that *injector* finds its step, if it strikes at the borders of one.

        Raises:
            ScenarioError: There is no such step.
        """
        at = getattr(injector, "at", None)
        border, colon, step = (at or "").partition(":")
        names = [each.name for each in self.step_list]
        if colon and border in ("before", "after") and not any(fnmatchcase(name, step) for name in names):
            problem = f"it strikes at {at!r}, and there is no such step{near_miss(step, names)}"
            raise ScenarioError(where, problem, "name a step, or match one with *")


def check_name(where: str, what: str, name: object) -> str:
    """Return *name* where it can be one: not empty, printable, at most 200 characters."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 200:
        raise ScenarioError(where, f"{what} is {name!r:.200}", "give it a short printable name")
    return name


def check_scope(where: str, scope: object) -> str:
    """Return *scope* where it can be the name of a component: a name without a dot."""
    name = check_name(where, "its scope", scope)
    if "." in name:
        problem = f"its scope {name!r} has a dot, so no point belongs to it"
        raise ScenarioError(where, problem, f"use what stands before the first dot: {name.partition('.')[0]!r}")
    return name


def check_window(where: str, window: object) -> Window:
    """Return *window* where it is one, and the whole run for None."""
    if window is None:
        return Window()
    if not isinstance(window, Window):
        raise ScenarioError(where, f"{window!r} is not a window", "pass window(...), such as window(until='10s')")
    return window


def check_injector(where: str, injector: object) -> Injector:
    """
    Return *injector* where it is one.

    Raises:
        ScenarioError: It neither opens nor answers, or lacks its kind.
    """
    if isinstance(injector, type) or not isinstance(getattr(injector, "kind", None), str):
        remedy = "pass an injector value such as delay('5ms'), with a `kind`"
        raise ScenarioError(where, f"{injector!r} is not an injector", remedy)
    if not isinstance(injector, (Opens, Answers)):
        raise ScenarioError(
            where, f"injector {injector!r} can do nothing", "give it `open` or `answer` (with `answers` and `at`)"
        )
    if not isinstance(getattr(injector, "undo", None), Undo):
        raise ScenarioError(
            where, f"injector {injector!r} does not say how it is undone", "add `undo = Undo.KERNEL` or another"
        )
    _check_answers(where, injector)
    return injector  # type: ignore[return-value]  # checked above, attribute by attribute


def check_provider(where: str, provider: object) -> Provider:
    """
    Return *provider* where it is one.

    Raises:
        ScenarioError: It lacks its kind, `open`, or how it is undone, or it strikes at points.
    """
    if isinstance(provider, Answers):
        raise ScenarioError(where, f"{provider!r} is an injector, not a provider", "add it with .inject(...)")
    if isinstance(provider, type) or not isinstance(provider, Provider) or not isinstance(provider.kind, str):
        remedy = "pass a value with `kind`, `undo` and `open`"
        raise ScenarioError(where, f"{provider!r} is not a provider", remedy)
    if not isinstance(provider.undo, Undo):
        problem = f"provider {provider!r} does not say how it is undone"
        raise ScenarioError(where, problem, "add `undo = Undo.KERNEL` or another")
    return provider


def setup_parameters(target: object, *, required: bool = False) -> tuple[str, ...]:
    """
    Return the names of what the `setup` of *target* can be passed by name.

    Args:
        target: The system under test.
        required: Leave out those that have a default.
    """
    try:
        parameters = inspect.signature(getattr(target, "setup", None)).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):  # it has none, or one that does not tell
        return ()
    return tuple(
        each.name
        for each in parameters
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        and not (required and each.default is not each.empty)
    )


def _check_answers(where: str, injector: object) -> None:
    if not isinstance(injector, Answers):
        return
    for kind in injector.answers:
        if kind not in POINT_KINDS:
            problem = f"injector {injector!r} answers {kind!r}, which nothing asks{near_miss(str(kind), POINT_KINDS)}"
            raise ScenarioError(where, problem, f"have {', '.join(POINT_KINDS)}")
    if injector.at is not None and not isinstance(injector.at, str):
        raise ScenarioError(where, f"injector {injector!r} is at {injector.at!r}", "give it a glob as text, or None")


_HOOKS = ("setup", "teardown", "health")


def check_target(where: str, target: object) -> object:
    """
    Return *target* where it can be one.

    Raises:
        ScenarioError: It is None or a class, or one of its public names looks like a misspelt hook.
    """
    if target is None or isinstance(target, type):
        raise ScenarioError(
            where, f"{target!r} is not a target", "pass an object, with `setup` and `teardown` where it needs them"
        )
    for name in dir(target):
        bare = name.replace("_", "").lower()
        misspelt = not name.startswith("_") and bare in _HOOKS and name != bare and not hasattr(target, bare)
        if misspelt and callable(getattr(target, name)):
            raise ScenarioError(
                where, f"{type(target).__name__} has {name!r}, which is never called", f"rename it to {bare!r}"
            )
    return target


def asks_target(value: object) -> TypeGuard[Callable[[Any], object]]:
    """Tell whether *value* is a function of the target, in whatever form, which stands for its `state_consistency`."""
    return callable(value) and not isinstance(value, (type, Validator))


def check_validator(where: str, validator: object) -> Validator:
    """
    Return *validator* where it is one.

    Raises:
        ScenarioError: It cannot start a checker, or lacks its kind or severity.
    """
    if isinstance(validator, type) or not isinstance(validator, Validator):
        remedy = (
            "pass a value such as thread_limit(200), with `kind`, `severity` and `start`, or a function of the target"
        )
        raise ScenarioError(where, f"{validator!r} is not a validator", remedy)
    return validator


def check_reporters(where: str, reporters: object) -> None:
    """
    See that *reporters* are some.

    Raises:
        ScenarioError: It is no list, or one of them shows neither events nor reports.
    """
    for each in reporters if isinstance(reporters, (list, tuple)) else (reporters,):
        if isinstance(each, type) or not isinstance(each, (Follows, Reports)) or each is reporters:
            remedy = "pass a list of values such as chaoscore.reporters.json('run.json'), with `follow` or `report`"
            problem = f"{each!r} is not a list" if each is reporters else f"{each!r} is not a reporter"
            raise ScenarioError(where, problem, remedy)


def check_unique(where: str, what: str, name: str, taken: Mapping[str, object] | set[str]) -> None:
    """Raise `DuplicateNameError` where *name* is among *taken*."""
    if name in taken:
        raise DuplicateNameError(where, what, name)
