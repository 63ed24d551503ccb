"""
The parts that a scenario is put together from: target, provider, injector, validator, reporter.

Each protocol is small; what a part can do beyond it is another small protocol that it may satisfy as well. Hooks that
talk to the outside (`setup`, `open`, `check`, ...) may be plain functions or `async def`; each gets a deadline. Parts
are frozen values: what changes during a run lives in the object that `open` or `start` returns, so that one scenario
can run many times.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from logging import Logger
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import attrs

from chaoscore.clock import Clock
from chaoscore.context import Ask, Fault
from chaoscore.errors import LimitError
from chaoscore.events import Event
from chaoscore.report import Report
from chaoscore.verdict import Severity, Verdict

_T = TypeVar("_T")

# -- targets


class Target(Protocol):
    """
    The system under test.

    Every method is optional at run time, and may be `async`: any object that your steps can use will do. A `teardown`
    always runs when `setup` began. A `health` that returns False or raises, while no fault is open, is a broken steady
    state.
    """

    @property
    def name(self) -> str:
        """Return what reports call it; the class name by default."""
        ...

    def setup(self) -> object:
        """Bring it into the state in which steps can run."""
        ...

    def teardown(self) -> object:
        """Leave nothing behind."""
        ...


# -- injectors and providers


class Undo(enum.StrEnum):
    """What takes a fault back if the run cannot, from best to worst."""

    KERNEL = "kernel"
    """It dies with this process or with a child that dies with it."""
    TTL = "time-to-live"
    """The target drops it by itself after a time."""
    PROVIDED = "provided"
    """It lives in something that the scenario provides, and ends with that at the latest."""
    JOURNAL = "journal"
    """Its undo is on disk before it is applied."""
    MANUAL = "manual"
    """Somebody has to; the injector's documentation says how."""


class Undoing(Protocol):
    """Holds a fault, or something provided, that the kernel would not undo."""

    def __call__(
        self, undo: str, args: Mapping[str, Any], *, target: str, manual: str, survives_boot: bool = False
    ) -> AbstractContextManager[None]:
        """
        Return a block in which the fault may be applied: its intent is on disk before, and it is taken back after.

        Args:
            undo: Name of the action that takes it back, as offered by `chaos_undos`.
            args: That action's arguments, JSON-able, with what guards it: a start time, a run id.
            target: What is disturbed, in words; one run at a time may disturb it.
            manual: What a person does if the action fails.
            survives_boot: Whether it is in effect after a reboot, as rows and files are.

        Raises:
            LostLeaseError: The watchdog has taken over; this run injects nothing more.
            TargetBusyError: Another run disturbs *target*.
            UndoError: On leaving: the fault could not be taken back; the journal keeps it for `chaoscore recover`.
        """
        ...


@attrs.frozen(kw_only=True)
class Site:
    """
    Where an injector or a provider is opened.

    Attributes:
        injection: The injector's or provider's name in the scenario.
        scenario: The scenario's name.
        run_id: Names everything that the run creates outside this process.
        seed: The run's seed.
        target: The system under test, after its `setup`; for a provider, before it.
        clock: The run's clock.
        log: A logger whose records carry the scenario and the injection.
        draw: Returns a seeded number in [0, 1) for decisions that no point asks for; same arguments, same number.
        landed: Tells the run that a fault landed outside any point: ``landed(fault_kind, where, detail)``.
        elapsed_s: Returns seconds since the run started.
        share: Largest share of the targets of one kind that may be disturbed, 0 to 1.
        resolve: Returns the address of ``(host, port)``; raises `ForbiddenTargetError` where faults may not go there.
        undoing: See `Undoing`; only for parts whose `undo` is `Undo.JOURNAL`, and for injectors whose `undo` is
            `Undo.PROVIDED` by such a part.
        scope: The component that the injector belongs to, or None.
        provided: What the scenario's providers gave, by their names.
    """

    injection: str
    scenario: str
    run_id: str
    seed: int
    target: Any
    clock: Clock
    log: Logger
    draw: Callable[..., float]
    landed: Callable[[str, str, str], None]
    elapsed_s: Callable[[], float]
    share: float
    resolve: Callable[[str, int], str]
    undoing: Undoing
    scope: str | None = None
    provided: Mapping[str, Any] = attrs.field(factory=dict)

    def choose(self, candidates: Sequence[_T], *identity: object, count: int | None = None) -> tuple[_T, ...]:
        """
        Return *count* of *candidates*, seeded, in their order; never more than the scenario's share of them.

        Args:
            candidates: Everything of the kind that could be disturbed, in an order that does not depend on chance.
            identity: Tells this choice from others of the same injector.
            count: How many; None: as many as the limit permits.

        Raises:
            LimitError: *count* exceeds the share that may be disturbed, or not even one is permitted.
        """
        most = int(len(candidates) * self.share + 1e-9)
        wanted = most if count is None else min(count, len(candidates))
        if wanted > most or (candidates and most == 0):
            raise LimitError(f"injector {self.injection!r}", f"{wanted or 1} of {len(candidates)}", f"{self.share:.0%}")
        ranked = sorted(range(len(candidates)), key=lambda index: self.draw("choose", *identity, index))
        return tuple(candidates[index] for index in sorted(ranked[:wanted]))


@attrs.frozen(kw_only=True)
class Evidence:
    """
    Proof that a fault landed.

    Attributes:
        fired: How often it did; None: as often as points and `Site.landed` say.
        detail: What else shows it, for example ``{"bytes": 5120}``.
    """

    fired: int | None
    detail: Mapping[str, object] = attrs.field(factory=dict)


@runtime_checkable
class Injector(Protocol):
    """
    A source of faults: a frozen value whose parameters are those of its constructor.

    It satisfies at least one of `Opens` (changes the world for its window) and `Answers` (strikes at points).

    Attributes:
        kind: The name by which scenario files ask for it, and which reports show.
        undo: What takes its faults back if the run cannot.
    """

    kind: ClassVar[str]

    @property
    def undo(self) -> Undo: ...


@runtime_checkable
class Opens(Protocol):
    """
    An injector that is opened for its window and lifted afterwards.

    What the context manager yields stands for the open fault: if it satisfies `Answers` or `Evident`, it is asked
    instead of the injector, so that state lives there. Yielding None means the injector itself.
    """

    def open(self, site: Site) -> AbstractContextManager[object] | AbstractAsyncContextManager[object]:
        """Return the context manager that injects on entry and lifts on exit, however it is left."""
        ...


@runtime_checkable
class Provider(Protocol):
    """
    Something that is there before the target is set up and until it is torn down: a proxy, a server, a folder.

    It is a frozen value whose parameters are those of its constructor. It brings no fault, so nothing is proved of it.
    What its context manager yields is passed to the target's `setup`, where that has a parameter of the provider's
    name, and injectors find it in `Site.provided`.

    Attributes:
        kind: The name by which scenario files ask for it.
        undo: What takes it away if the run cannot.
    """

    kind: ClassVar[str]

    @property
    def undo(self) -> Undo: ...

    def open(self, site: Site) -> AbstractContextManager[object] | AbstractAsyncContextManager[object]:
        """Return the context manager that makes it on entry and takes it away on exit, however that is left."""
        ...


@runtime_checkable
class Answers(Protocol):
    """
    Something that strikes at points.

    Attributes:
        answers: The kinds of points that ask it, of `chaoscore.context.POINT_KINDS`.
        at: Glob that the names of those points must match; None for any. ``"before:STEP"`` and ``"after:STEP"`` are the
            borders of steps.
    """

    @property
    def answers(self) -> frozenset[str]: ...

    @property
    def at(self) -> str | None: ...

    def answer(self, ask: Ask) -> Fault | None:
        """Return the fault that strikes here, or None. Pure and quick: called for every visit of a point."""
        ...


@runtime_checkable
class Evident(Protocol):
    """An open fault that can prove that it landed."""

    def evidence(self) -> Evidence | Awaitable[Evidence]:
        """Return the proof so far; asked before it is lifted."""
        ...


@runtime_checkable
class Aims(Protocol):
    """A part that goes over the network; `chaoscore plan` shows what its names stand for."""

    @property
    def aims(self) -> tuple[tuple[str, int], ...]:
        """Return hosts and ports."""
        ...


@runtime_checkable
class Finds(Protocol):
    """An injector that can tell what is there for it to strike before it is opened; `chaoscore plan` shows that."""

    def finds(self) -> Sequence[str]:
        """Return what it would strike or choose from if it were opened now, each in words; touches nothing."""
        ...


@runtime_checkable
class UndoAction(Protocol):
    """
    Takes back one kind of fault, given nothing but the arguments that were on disk before it was applied.

    It runs in the run itself, in its watchdog, or days later in `chaoscore recover`. So it guards itself (a pid goes
    with a start time, an object with the run's id), does nothing where there is nothing to undo, and touches nothing
    else.
    """

    def undo(self, args: Mapping[str, Any]) -> str:
        """Take the fault back and return in a few words how, such as ``"continued"`` or ``"it was gone"``."""
        ...

    def in_effect(self, args: Mapping[str, Any]) -> bool:
        """Tell whether the fault is in effect; asked after `undo`, which must not be believed."""
        ...


# -- validators


class Moment(enum.StrEnum):
    """When a checker's `check` is called."""

    BEFORE = "before"
    """After the target's setup, before any fault; what it finds ends the run as *unknown* with nothing injected."""
    DURING = "during"
    """Again and again while the workload runs."""
    AFTER = "after"
    """When all faults are lifted, before the target's teardown."""


@attrs.frozen
class Violation:
    """
    What a checker returns for something that must not be.

    Attributes:
        message: What is wrong, with the values and the limit.
        data: The values behind it.
        worker: Where, if it belongs to one worker.
        iteration: Where, if it belongs to one iteration.
        step: Where, if it belongs to one step.
        stack: A stack, where that is the evidence.
        verdict: The verdict it leads to where that is not the severity's own, for example *unknown* for "could not
            tell".
    """

    message: str
    data: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    worker: int | None = attrs.field(default=None, kw_only=True)
    iteration: int | None = attrs.field(default=None, kw_only=True)
    step: str | None = attrs.field(default=None, kw_only=True)
    stack: str = attrs.field(default="", kw_only=True)
    verdict: Verdict | None = attrs.field(default=None, kw_only=True)


Judgement = Violation | str | Iterable[Violation] | None
"""What a checker returns: None or nothing for *holds*, a sentence or violations for *broken*."""


class Progress(Protocol):
    """The run so far, as a validator may see it."""

    @property
    def succeeded(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def mean_s(self) -> float: ...
    @property
    def maximum_s(self) -> float: ...
    def quantile_s(self, q: float) -> float: ...


@attrs.frozen(kw_only=True)
class Scene:
    """
    What a validator sees of a run: never the injectors.

    Attributes:
        expectation: The validator's name in the scenario.
        scenario: The scenario's name.
        target: The system under test.
        clock: The run's clock.
        elapsed_s: Returns seconds since the run started.
        progress: Counts and durations of the iterations so far.
        log: A logger whose records carry the scenario and the expectation.
    """

    expectation: str
    scenario: str
    target: Any
    clock: Clock
    elapsed_s: Callable[[], float]
    progress: Progress
    log: Logger


@runtime_checkable
class Validator(Protocol):
    """
    Something that must hold: a frozen value whose parameters are those of its constructor.

    Attributes:
        kind: The name by which scenario files ask for it, and which reports show.
        severity: What its findings weigh.
    """

    kind: ClassVar[str]

    @property
    def severity(self) -> Severity: ...

    def start(self, scene: Scene) -> Checker:
        """Return a fresh checker for one run; nothing of an earlier run is left in it."""
        ...


class Checker(Protocol):
    """
    Judges one run. It satisfies any of `Observes`, `Checks` and `Concludes`.

    A method that raises makes the run *unknown*, never *pass*, and the others go on.
    """


@runtime_checkable
class Observes(Protocol):
    """
    A checker that looks at events as they happen.

    Attributes:
        observes: The event types that it is shown.
    """

    @property
    def observes(self) -> tuple[type[Event], ...]: ...

    def observe(self, event: Any) -> Judgement:
        """Judge one event. Synchronous, quick, called by one thread at a time."""
        ...


@runtime_checkable
class Checks(Protocol):
    """
    A checker that looks at the system.

    Attributes:
        moments: When.
        every_s: Seconds between two checks during the workload.
    """

    @property
    def moments(self) -> frozenset[Moment]: ...

    @property
    def every_s(self) -> float: ...

    def check(self, moment: Moment) -> Judgement | Awaitable[Judgement]:
        """Look, and judge what is there."""
        ...


@runtime_checkable
class Concludes(Protocol):
    """A checker that judges the run as a whole."""

    def conclude(self) -> Judgement | Awaitable[Judgement]:
        """Judge when the workload is over and all faults are lifted, before the target's teardown."""
        ...


@runtime_checkable
class LimitsSteps(Protocol):
    """A validator that says how long a step may take before it is given up and its stack recorded."""

    @property
    def step_limit_s(self) -> float: ...


# -- reporters


@runtime_checkable
class Reporter(Protocol):
    """
    Shows a run; changes nothing.

    It satisfies at least one of `Follows` and `Reports`. If it fails, the run goes on without it.

    Attributes:
        kind: The name by which `--report KIND=PATH` asks for it.
    """

    kind: ClassVar[str]


@runtime_checkable
class Follows(Protocol):
    """A reporter that sees the events as they happen, in a thread of its own."""

    def follow(self, events: Sequence[Event]) -> None:
        """Take the next events, in order; called about twenty times a second, also when nothing happened."""
        ...


@runtime_checkable
class Reports(Protocol):
    """A reporter that sees the finished report."""

    def report(self, report: Report) -> None:
        """Take the report; called once, last."""
        ...


@runtime_checkable
class Examines(Protocol):
    """An injector, provider, validator or target that can say before a run whether what it needs answers."""

    def examine(self) -> str:
        """Use what it needs and say what was seen, such as which database answered; raise where it does not answer."""
        ...


Checkup = Callable[[], str]
"""Does a thing to see whether it works here, and says what it saw; raises where it does not work."""

InjectorType = type[Injector]
ProviderType = type[Provider]
ValidatorType = type[Validator]
ReporterType = type[Reporter]
TargetType = Callable[..., Any]
