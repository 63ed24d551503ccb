"""The scenario: what to run, what to break, what must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs

from chaoscore.errors import InvalidScenarioError, ScenarioError
from chaoscore.safety.permission import network
from chaoscore.spec import (
    Expectation,
    Injection,
    Provision,
    Spec,
    Step,
    Window,
    asks_target,
    check_injector,
    check_name,
    check_provider,
    check_reporters,
    check_scope,
    check_target,
    check_unique,
    check_validator,
    check_window,
)
from chaoscore.units import Duration, Probability
from chaoscore.verdict import Preset, Thresholds, thresholds

if TYPE_CHECKING:
    from logging import Logger

    from chaoscore.clock import Clock
    from chaoscore.protocols import Injector, Provider, Reporter, Validator
    from chaoscore.report import Report

_T = TypeVar("_T")


class Scenario(Spec):
    """
    A scenario, built up call by call: every call returns a new one, and a wrong value cannot be built.

    Example:
        >>> scenario = Scenario("orders").target(shop).step("buy", buy).inject("slow", delay("5ms")).repeat(100)
        >>> report = scenario.run(seed=42)
    """

    def __init__(self, name: str, **parts: Any) -> None:
        """
        Begin a scenario.

        Args:
            name: What reports call it.
            parts: Parts of a `Spec`, for code that has them ready.

        Raises:
            ScenarioError: The name is empty or unprintable.
        """
        super().__init__(name=name, **parts)

    # -- what to run

    def target(self, target: object) -> Self:
        """
        Set the system under test.

        Args:
            target: Any object; its `setup`, `teardown`, `health` and `name` are used where it has them.

        Raises:
            ScenarioError: It is None, or has a misspelt hook such as `tearDown`.
        """
        return self._with(subject=check_target(self._place("target"), target))

    def step(self, name: str, call: Callable[[Any], object], *, limit: Duration | None = None) -> Self:
        """
        Add a step; an iteration runs all steps in order, until one fails.

        Args:
            name: Its name, unique among the steps.
            call: Takes the target; plain or `async def`. What it raises is data.
            limit: Time after which it is given up; by default the scenario's.

        Raises:
            ScenarioError: The name is taken, or *call* cannot be called.
        """
        where = self._place(f"step {name!r}")
        check_unique(where, "step", check_name(where, "its name", name), {each.name for each in self.step_list})
        return self._with(step_list=(*self.step_list, self._build(where, Step, name, call, limit=limit)))

    def repeat(self, iterations: int) -> Self:
        """Run so many iterations in all, over all workers; with `run_for`, whichever ends first."""
        return self._workload(repeat=iterations)

    def run_for(self, duration: Duration) -> Self:
        """Begin no iteration after *duration*; with `repeat`, whichever ends first."""
        return self._workload(run_for=duration)

    def workers(self, workers: int) -> Self:
        """Drive the steps with so many logical workers: threads for plain steps, tasks for `async def` ones."""
        return self._workload(workers=workers)

    def rate(self, per_second: float) -> Self:
        """Begin at most so many iterations per second in all."""
        return self._workload(rate=per_second)

    def provide(self, name: str, provider: Provider) -> Self:
        """
        Add something that is there before the target is set up and until it is torn down, such as a proxy.

        Args:
            name: Its name, unique among what is provided: the target's `setup` gets it where it has a parameter of that
                name, and injectors find it under that name.
            provider: Makes it.

        Raises:
            ScenarioError: The name is taken or cannot be that of a parameter, or *provider* is none.
        """
        where = self._place(f"provider {name!r}")
        if not check_name(where, "its name", name).isidentifier():
            raise ScenarioError(where, f"its name is {name!r}", "give it a name that a parameter of `setup` can have")
        check_unique(where, "provider", name, {each.name for each in self.provisions})
        return self._with(provisions=(*self.provisions, Provision(name, check_provider(where, provider))))

    # -- what to break

    def inject(self, name: str, injector: Injector, *, scope: str | None = None, window: Window | None = None) -> Self:
        """
        Add an injector.

        Args:
            name: Its name, unique among the injectors; reports and seeds go by it.
            injector: For example ``delay("5ms")``.
            scope: The component it belongs to: its full name becomes ``scope.name``, and it strikes only at points of
                that component (``"db.read"`` for ``db``) and at points of none.
            window: When it is active; by default all the time.

        Raises:
            ScenarioError: The name is taken, or *injector* is none.
        """
        where = self._place(f"injector {name!r}")
        full = check_name(where, "its name", name)
        if scope is not None:
            full = f"{check_scope(where, scope)}.{name}"
        check_unique(where, "injector", full, {each.name for each in self.injections})
        injection = Injection(full, check_injector(where, injector), scope, check_window(where, window))
        if not getattr(injector, "answers", ()) and injection.window.share < 1:
            problem = f"{injector.kind} is opened for a time, so it cannot be active by iteration"
            raise ScenarioError(where, problem, "give its window every= and for_= as well, or drop probability=")
        return self._with(injections=(*self.injections, injection))

    def scope(self, name: str, injectors: Mapping[str, Injector], *, window: Window | None = None) -> Self:
        """Add several injectors for one component, by their names in it, with one window."""
        if not isinstance(injectors, Mapping):
            where = self._place(f"scope {name!r}")
            raise ScenarioError(where, f"{injectors!r} is no mapping", "pass a dict from names to injectors")
        scenario = self
        for each, injector in injectors.items():
            scenario = scenario.inject(each, injector, scope=name, window=window)
        return scenario

    # -- what must hold

    def expect(self, name: str, validator: Validator | Callable[[Any], object]) -> Self:
        """
        Add a validator.

        Args:
            name: Its name, unique among the validators; thresholds and reports go by it.
            validator: For example ``thread_limit(200)``; or a function of the target that returns whether all is well.

        Raises:
            ScenarioError: The name is taken, or *validator* is none.
        """
        where = self._place(f"validator {name!r}")
        check_unique(where, "validator", check_name(where, "its name", name), {each.name for each in self.expectations})
        if asks_target(validator):
            from chaoscore.validators import state_consistency

            validator = state_consistency(validator)
        return self._with(expectations=(*self.expectations, Expectation(name, check_validator(where, validator))))

    def thresholds(
        self,
        preset: Preset | Thresholds = "default",
        *,
        min_success_rate: Probability | None = None,
        max_failed_iterations: int | None = None,
        max_mean: Duration | None = None,
        max_p99: Duration | None = None,
        required: Sequence[str] = (),
        warning: Sequence[str] = (),
    ) -> Self:
        """
        Set what the run as a whole must reach.

        Args:
            preset: ``strict``, ``default``, ``relaxed``, or a `Thresholds` value that stands as it is.
            min_success_rate: Least share of iterations that succeed, 0 to 1 or ``"95%"``.
            max_failed_iterations: Most iterations that may end otherwise.
            max_mean: Longest mean duration of an iteration.
            max_p99: Longest 99th percentile of the same.
            required: Names of expectations whose findings fail the run, whatever they weigh.
            warning: Names of expectations whose findings only make it unstable.

        Raises:
            ScenarioError: A value is out of range.
        """
        if isinstance(preset, Thresholds):
            return self._with(goals=preset)
        goals = self._build(
            self._place("thresholds"),
            thresholds,
            preset,
            min_success_rate=min_success_rate,
            max_failed_iterations=max_failed_iterations,
            max_mean=max_mean,
            max_p99=max_p99,
            required=required,
            warning=warning,
        )
        return self._with(goals=goals)

    def continue_on_failure(self, go_on: bool = True) -> Self:
        """Go on after a failure; by default a run stops at the first real one. Injected faults never stop it."""
        return self._with(fail_fast=not go_on)

    def limit(
        self,
        *,
        step: Duration | None = None,
        hook: Duration | None = None,
        drain: Duration | None = None,
        run: Duration | None = None,
        faults: int | None = None,
        share: Probability | None = None,
    ) -> Self:
        """
        Set what the run may not exceed, whatever its parts do; what is not given stays as it is.

        Args:
            step: Time for one step, 5 minutes by default.
            hook: Time for one hook of the target, an injector or a validator, 1 minute by default.
            drain: Time for iterations under way when the run ends, 10 seconds by default.
            run: Time for the whole run, after which it is interrupted; any by default.
            faults: Injectors that may be open at the same time; any number by default.
            share: Largest share of the targets of one kind that may be disturbed, 0 to 1; all by default.
        """
        given = {"step": step, "hook": hook, "drain": drain, "run": run, "faults": faults, "share": share}
        changes = {name: value for name, value in given.items() if value is not None}
        return self._with(limits=self._build(self._place("limits"), attrs.evolve, self.limits, **changes))

    def allow(self, *addresses: str) -> Self:
        """
        Let faults go to addresses or networks beside loopback, such as ``"10.1.0.0/16"``.

        The command line must allow them as well (`--allow`), so that a file alone cannot send faults anywhere.
        """
        for address in addresses:
            self._build(self._place("allow"), network, address)
        return self._with(allowed=(*self.allowed, *addresses))

    def seed(self, seed: int) -> Self:
        """Fix the seed; by default each run draws a new one and reports it."""
        return self._with(fixed_seed=self._whole("seed", seed))

    # -- what to do

    def check(self) -> Self:
        """
        Return this scenario if it can be run.

        Raises:
            InvalidScenarioError: It cannot; says everything that is wrong with it.
        """
        problems = self.problems()
        if problems:
            raise InvalidScenarioError(f"scenario {self.name!r}", problems)
        return self

    def run(
        self,
        *,
        seed: int | None = None,
        reporters: Sequence[Reporter] = (),
        logger: Logger | None = None,
        clock: Clock | None = None,
        inject: bool = True,
        only_iteration: int | None = None,
        allow: Sequence[str] = (),
        production: bool = False,
    ) -> Report:
        """
        Run it to its end, from any thread that has no running event loop.

        Args:
            seed: Decides every fault; by default the scenario's, else a new one.
            reporters: See the events as they happen, and the report.
            logger: Where the run's own log records go; by default ``logging.getLogger("chaoscore")``.
            clock: Reads time and sleeps; by default the machine's.
            inject: False runs it without any fault, for comparison.
            only_iteration: Run this one iteration alone, with the faults it has in the whole run.
            allow: Addresses or networks to which faults may go, if the scenario allows them as well.
            production: Inject although the environment is named production.

        Returns:
            The report. Whatever goes wrong during the run is in it, not raised.

        Raises:
            InvalidScenarioError: It cannot be run at all.
            ProductionError: The environment is named production (``$CHAOSCORE_ENVIRONMENT``).
            LeverPulledError: `chaoscore stop` forbids injecting.
            FaultsLeftError: A run that died left faults behind; `chaoscore recover`.
            BlockingCallError: An event loop runs in this thread; `await arun()` there.
        """
        from chaoscore.executor import (
            Options,
            run,
        )  # the machinery is loaded by those who run, not by those who describe

        self.check()._check_choice(seed, only_iteration, reporters)
        return run(
            self, Options(seed, tuple(reporters), logger, clock, inject, only_iteration, tuple(allow), production)
        )

    async def arun(
        self,
        *,
        seed: int | None = None,
        reporters: Sequence[Reporter] = (),
        logger: Logger | None = None,
        clock: Clock | None = None,
        inject: bool = True,
        only_iteration: int | None = None,
        allow: Sequence[str] = (),
        production: bool = False,
    ) -> Report:
        """Run it inside the running event loop; the same as `run` otherwise. Cancelling it lifts every fault first."""
        from chaoscore.executor import Options, arun

        self.check()._check_choice(seed, only_iteration, reporters)
        return await arun(
            self, Options(seed, tuple(reporters), logger, clock, inject, only_iteration, tuple(allow), production)
        )

    # -- helpers

    def _place(self, where: str) -> str:
        return f"scenario {self.name!r}, {where}"

    def _check_choice(self, seed: int | None, only_iteration: int | None, reporters: Sequence[Reporter]) -> None:
        check_reporters(self._place("reporters"), reporters)
        if seed is not None:
            self._whole("seed", seed)
        if only_iteration is None:
            return
        count = self.workload.iterations
        if self._whole("only_iteration", only_iteration) < 0 or (count is not None and only_iteration >= count):
            remedy = "they are numbered from 0" if count is None else f"they are numbered from 0 to {count - 1}"
            raise ScenarioError(self._place("only_iteration"), f"there is no iteration {only_iteration}", remedy)

    def _whole(self, where: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ScenarioError(self._place(where), f"{value!r} is not a whole number", "pass an int")
        return value

    def _with(self, **parts: Any) -> Self:
        return attrs.evolve(self, **parts)

    def _workload(self, **parts: Any) -> Self:
        return self._with(workload=self._build(self._place("workload"), attrs.evolve, self.workload, **parts))

    def _build(self, where: str, make: Callable[..., _T], *args: Any, **parts: Any) -> _T:
        """Make a value, and say where in the scenario it was if it cannot be made."""
        try:
            return make(*args, **parts)
        except (TypeError, ValueError) as error:
            raise ScenarioError(where, str(error), "mend the value") from error
