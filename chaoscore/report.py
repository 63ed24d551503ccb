"""What a run leaves to be read: the frozen report, folded from the event stream."""

from __future__ import annotations

from typing import Any

import msgspec

from chaoscore.card import card
from chaoscore.events import ErrorInfo, ExpectationInfo, Found, InjectionInfo
from chaoscore.units import show_seconds
from chaoscore.verdict import ExitCode, Severity, Verdict

REPORT_SCHEMA = 1
"""Version of the JSON form of `Report`."""


class Counts(msgspec.Struct, frozen=True):
    """How many iterations (or calls of a step) ended in which way."""

    ok: int = 0
    failed: int = 0
    faulted: int = 0
    stuck: int = 0
    cancelled: int = 0

    @property
    def judged(self) -> int:
        """Return those that say something about the system: all but the cancelled."""
        return self.ok + self.unsuccessful

    @property
    def unsuccessful(self) -> int:
        """Return those that did not succeed."""
        return self.failed + self.faulted + self.stuck

    @property
    def success_rate(self) -> float:
        """Return the share that succeeded, 0 to 1; 0 where there were none."""
        return self.ok / self.judged if self.judged else 0.0


class Timing(msgspec.Struct, frozen=True):
    """Durations in seconds; all 0 where *count* is 0."""

    count: int = 0
    mean_s: float = 0.0
    p50_s: float = 0.0
    p90_s: float = 0.0
    p99_s: float = 0.0
    max_s: float = 0.0


class StepReport(msgspec.Struct, frozen=True):
    """One step: how its calls ended and how long they took."""

    name: str
    counts: Counts
    timing: Timing


class InjectionReport(msgspec.Struct, frozen=True):
    """
    One injector: what it is and the proof that it landed.

    Attributes:
        info: Its name, kind, parameters, scope, window and class of undo.
        opened: How often it was opened.
        asked: How often points asked it; None if it strikes elsewhere.
        fired: How many faults landed; None if it has no evidence to give.
        where: The places where most landed, with counts.
        detail: Further evidence.
        armed: How often points armed a fault that was to strike later; `fired` has those that did.
    """

    info: InjectionInfo
    opened: int
    asked: int | None
    fired: int | None
    where: tuple[tuple[str, int], ...]
    detail: dict[str, Any]
    armed: int = 0


class ExpectationReport(msgspec.Struct, frozen=True):
    """One validator: what it is, its verdict, and how many findings led to it."""

    info: ExpectationInfo
    verdict: Verdict
    findings: int


class FindingGroup(msgspec.Struct, frozen=True):
    """Findings of one validator that say the same but for numbers: how many, the *first* and the *last*."""

    validator: str
    severity: Severity
    verdict: Verdict
    count: int
    first: Found
    last: Found


class ErrorGroup(msgspec.Struct, frozen=True):
    """Errors out of one step that are the same but for numbers: how many, and the first of them."""

    step: str
    count: int
    first: ErrorInfo
    iteration: int
    worker: int
    first_at: float
    last_at: float


class TroubleReport(msgspec.Struct, frozen=True):
    """A hook that raised or did not return, *count* times; the first of them."""

    at: float
    who: str
    hook: str
    error: ErrorInfo
    verdict: Verdict
    count: int = 1


class ThresholdReport(msgspec.Struct, frozen=True):
    """
    One threshold of the run as a whole.

    Attributes:
        name: As in `chaoscore.verdict.Thresholds`.
        limit: What had to be reached, as a phrase.
        verdict: The verdict that a breach brings.
        breach: A sentence with the values where it was not reached; None where it was, or where nothing was there to
            compare.
    """

    name: str
    limit: str
    verdict: Verdict
    breach: str | None = None


class Reason(msgspec.Struct, frozen=True):
    """Why the verdict is not better."""

    verdict: Verdict
    text: str


class Report(msgspec.Struct, frozen=True):
    """
    What came of a run.

    Attributes:
        schema: `REPORT_SCHEMA`.
        run_id: Names the run.
        scenario: The scenario's name.
        target: The target's name.
        workload: How the steps were driven, as a phrase.
        seed: Decided every fault.
        started_wall: Seconds since 1970-01-01 UTC.
        duration_s: Seconds from the first event to the last.
        verdict: What the run says about the system.
        exit_code: What the command line returns.
        reasons: Why the verdict is not better, worst first; empty for pass.
        iterations: How the iterations ended.
        timing: How long those that ended took.
        steps: The same for each step.
        injections: What was injected, and proof.
        expectations: What was expected, and what came of it.
        findings: What validators found, most severe first.
        errors: What came out of steps, most frequent first.
        troubles: Hooks that failed; the first is the first thing that went wrong.
        interrupted: ``SIGINT``, ``SIGTERM``, ``SIGHUP``, ``cancelled``, another reason, or None.
        stopped: Why the run stopped itself early, or None.
        environment: Versions and platform.
        rerun: Runs the scenario again with this seed.
        reproduce: Reproduces the first failure; None where there was none.
        reproduce_alone: Runs the iteration of the first failure alone, where *reproduce* runs all of them because what
            came before, or how several workers took turns, may have led to it.
        thresholds: What the run as a whole had to reach.
    """

    schema: int
    run_id: str
    scenario: str
    target: str
    workload: str
    seed: int
    started_wall: float
    duration_s: float
    verdict: Verdict
    exit_code: ExitCode
    reasons: tuple[Reason, ...]
    iterations: Counts
    timing: Timing
    steps: tuple[StepReport, ...]
    injections: tuple[InjectionReport, ...]
    expectations: tuple[ExpectationReport, ...]
    findings: tuple[FindingGroup, ...]
    errors: tuple[ErrorGroup, ...]
    troubles: tuple[TroubleReport, ...]
    interrupted: str | None
    stopped: str | None
    environment: dict[str, str]
    rerun: str
    reproduce: str | None
    reproduce_alone: str | None = None
    thresholds: tuple[ThresholdReport, ...] = ()

    @property
    def passed(self) -> bool:
        """Tell whether the verdict is pass or unstable, as the exit code does."""
        return self.exit_code == ExitCode.OK

    def _repr_html_(self) -> str:
        """Return the summary that notebooks show."""
        counts, timing = self.iterations, self.timing
        landed = [f"{each.info.name}: {each.fired or 0:,}" for each in self.injections]
        findings = [f"{each.validator}: {each.count:,} x {each.first.message}" for each in self.findings[:5]]
        facts = {
            "why": "; ".join(each.text for each in self.reasons[:5]),
            "iterations": f"{counts.judged + counts.cancelled:,}, {counts.success_rate:.2%} ok"
            if counts.judged
            else "0",
            "duration": f"p50 {show_seconds(timing.p50_s)}, p99 {show_seconds(timing.p99_s)}" if timing.count else "",
            "faults landed": ", ".join(landed),
            "findings": "; ".join(findings),
            "took": show_seconds(self.duration_s),
            "seed": str(self.seed),
            "reproduce": self.reproduce or "",
        }
        return card(self.scenario, self.verdict.value, facts)
