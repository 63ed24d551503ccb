"""
What happened, in order.

Everything a run does becomes one ordered stream of these frozen values; console, reports, metrics, live page and event
log all consume that stream. Each event is one line of JSON in a log, and `decode` reads it back. `at` is always in
seconds since the run started.
"""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from chaoscore.verdict import Severity, Verdict

SCHEMA = 1
"""Version of the event log; raised when a reader of the old one would misread the new one."""


class Outcome(enum.StrEnum):
    """How a step or an iteration ended."""

    OK = "ok"
    FAILED = "failed"
    """A real error, one that no injector raised."""
    FAULTED = "faulted"
    """An injected fault came out of the step: the system under test did not absorb it."""
    STUCK = "stuck"
    """It did not return within its limit and was given up."""
    CANCELLED = "cancelled"
    """The run ended first; counts neither as success nor as failure."""


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=str.lower, gc=False):
    """Something that happened *at* so many seconds after the run started."""

    at: float


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    An exception, as text.

    Attributes:
        type: Its qualified type name.
        message: Its text, shortened to a bound.
        injected_by: The injector that raised it, or None for a real one.
        where: ``file:line in function`` of the frame that raised it.
        traceback: The formatted traceback of a real one, shortened to a bound.
        while_handling: The injected error in whose handler this real one was raised, if so.
        panic: Ordinary `except Exception` handlers do not swallow it, and it is no cancellation.
    """

    type: str
    message: str
    injected_by: str | None = None
    where: str = ""
    traceback: str = ""
    while_handling: str | None = None
    panic: bool = False


WHOLE_RUN = "the whole run"
"""The window of an injector that is always active."""


class InjectionInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One configured injector: *name* and *scope* in the scenario, *kind*, parameters, when and how it is undone."""

    name: str
    kind: str
    parameters: dict[str, Any]
    scope: str | None = None
    window: str = WHOLE_RUN
    undo: str = ""


class ExpectationInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One configured validator: its *name* in the scenario, its *kind* and parameters, what its findings weigh."""

    name: str
    kind: str
    parameters: dict[str, Any]
    severity: Severity = Severity.CRITICAL


class RunStarted(Event, frozen=True):
    """The run began; everything a reader needs to know about it."""

    schema: int
    run_id: str
    scenario: str
    seed: int
    wall: float
    """Seconds since 1970-01-01 UTC."""
    workload: str
    target: str
    steps: tuple[str, ...]
    injections: tuple[InjectionInfo, ...]
    expectations: tuple[ExpectationInfo, ...]
    thresholds: dict[str, Any]
    environment: dict[str, str]
    rerun: str
    """The command or call that runs this scenario again with this seed."""
    rerun_one: str
    """The same for one iteration, whose number goes in the place of ``{iteration}``."""
    workers: int = 1
    iterations: int | None = None
    """The most iterations there can be; None: no bound but time."""
    run_for_s: float | None = None


class Phase(Event, frozen=True):
    """The run entered a phase of its life: setup, steady state, workload, validate, teardown."""

    name: str


class Opened(Event, frozen=True):
    """An injector became active."""

    injector: str


class Lifted(Event, frozen=True, omit_defaults=True):
    """
    An injector is no longer active.

    Attributes:
        injector: Its name.
        asked: How often points asked it while it was open; None if it strikes elsewhere.
        fired: How often its faults landed, by its own evidence; None if it has none.
        detail: Further evidence, for example bytes affected.
        armed: How often points armed a fault that was to strike later; `fired` has those that did.
    """

    injector: str
    asked: int | None = None
    fired: int | None = None
    detail: dict[str, Any] = {}
    armed: int = 0


class Fired(Event, frozen=True, omit_defaults=True):
    """
    A fault landed at a point.

    The identity (*injector*, *iteration*, *path*, *n*) is the same in every run with the same seed. A fault that
    strikes later than it is decided, such as a cancellation after a while, is here once it has struck (*at*), with the
    point and the identity of the ask that decided it; one whose step ends first is not.
    """

    injector: str
    fault: str
    point: str
    where: str
    worker: int
    iteration: int
    path: tuple[int, ...]
    n: int
    detail: str = ""
    step: str = ""


class StepEnded(Event, frozen=True, omit_defaults=True):
    """A step returned, raised or was given up."""

    worker: int
    iteration: int
    step: str
    outcome: Outcome
    duration_s: float
    error: ErrorInfo | None = None


class IterationEnded(Event, frozen=True):
    """A worker came to the end of one pass over the steps."""

    worker: int
    iteration: int
    outcome: Outcome
    duration_s: float


class Stuck(Event, frozen=True):
    """A step exceeded its limit; *stack* is where it was."""

    worker: int
    iteration: int
    step: str
    limit_s: float
    stack: str


class Recorded(Event, frozen=True, omit_defaults=True):
    """The system under test said something: a recursion depth, a panic or error it met, an event of its own."""

    name: str
    worker: int
    iteration: int
    step: str
    value: float | None = None
    detail: dict[str, Any] = {}
    injected: bool = False


class Sampled(Event, frozen=True, omit_defaults=True):
    """
    What this process held and did at that moment, once a second.

    Attributes:
        threads: Its threads, also those that Python does not know.
        cpu_s: Processor time that it has used since it started, seconds.
        rss_bytes: Resident memory, bytes; None where the system does not tell.
        descriptors: Open file descriptors; None where the system does not tell.
        in_flight: Iterations of which a step is under way.
        asked: How often points have asked each injector that is open, since it was opened; `Lifted` says it last.
    """

    threads: int
    cpu_s: float
    rss_bytes: int | None = None
    descriptors: int | None = None
    in_flight: int = 0
    asked: dict[str, int] = {}


class Checked(Event, frozen=True, omit_defaults=True):
    """
    A validator has looked at the system, or judged the run as a whole, and could tell.

    One that watches events is not counted here: it sees all of them.

    Attributes:
        validator: Its name in the scenario.
        findings: How many findings came of it, which are in the stream before this; 0: what it checks holds.
    """

    validator: str
    findings: int = 0


class Found(Event, frozen=True, omit_defaults=True):
    """
    A validator found something.

    Attributes:
        validator: Its name in the scenario.
        severity: What the finding weighs.
        message: What is wrong, with the values.
        verdict: The verdict it leads to.
        worker: Where, if it belongs to one worker.
        iteration: Where, if it belongs to one iteration.
        step: Where, if it belongs to one step.
        active: The injectors that were open then.
        stack: A stack, where that is the evidence.
        data: The values behind the message.
    """

    validator: str
    severity: Severity
    message: str
    verdict: Verdict
    worker: int | None = None
    iteration: int | None = None
    step: str | None = None
    active: tuple[str, ...] = ()
    stack: str = ""
    data: dict[str, Any] = {}


class Trouble(Event, frozen=True):
    """
    A hook raised or did not return: of the target, an injector, a validator or a reporter.

    Attributes:
        who: Whose hook: ``target``, ``injector 'x'``, ``validator 'x'``, ``reporter 'x'``.
        hook: Which: ``setup``, ``open``, ``lift``, ``check``, ...
        error: What it raised.
        verdict: The verdict that this brings.
    """

    who: str
    hook: str
    error: ErrorInfo
    verdict: Verdict


class Interrupted(Event, frozen=True):
    """A signal (``SIGINT``, ``SIGTERM``) or a cancellation ended the run early."""

    reason: str


class Stopped(Event, frozen=True):
    """The run stopped itself early: fail fast, a broken steady state, an injector that would not open."""

    reason: str
    verdict: Verdict


class Ended(Event, frozen=True):
    """The run is over; nothing follows."""


AnyEvent = (
    RunStarted
    | Phase
    | Opened
    | Lifted
    | Fired
    | StepEnded
    | IterationEnded
    | Stuck
    | Recorded
    | Sampled
    | Checked
    | Found
    | Trouble
    | Interrupted
    | Stopped
    | Ended
)

decode = msgspec.json.Decoder(AnyEvent).decode
"""Read one line of an event log; raises `msgspec.DecodeError`."""

encoder = msgspec.json.Encoder(enc_hook=repr)
"""Writes one event as a line of JSON; a value that JSON does not know is written as its `repr`."""
