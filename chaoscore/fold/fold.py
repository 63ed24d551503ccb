"""The fold: takes events one by one, and says at any time what came of the run so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from chaoscore.events import (
    Ended,
    ErrorInfo,
    Event,
    ExpectationInfo,
    Fired,
    Found,
    InjectionInfo,
    Interrupted,
    IterationEnded,
    Lifted,
    Opened,
    Outcome,
    Phase,
    RunStarted,
    StepEnded,
    Stopped,
    Stuck,
    Trouble,
)
from chaoscore.fold.groups import Groups, error_groups, finding_groups, shape
from chaoscore.fold.judgement import judge, threshold_reports
from chaoscore.fold.landing import Landing
from chaoscore.fold.reproduction import FirstFailure
from chaoscore.fold.tally import Tally
from chaoscore.report import (
    REPORT_SCHEMA,
    ExpectationReport,
    FindingGroup,
    Reason,
    Report,
    StepReport,
    TroubleReport,
)
from chaoscore.units import show_seconds
from chaoscore.verdict import ExitCode, Verdict, worst

_OK, _CANCELLED = Outcome.OK, Outcome.CANCELLED
_NOT_STARTED = RunStarted(0.0, 0, "", "", 0, 0.0, "", "", (), (), (), {}, {}, "", "")


class Fold:
    """
    What came of a run so far. It satisfies `chaoscore.protocols.Progress`.

    Its size depends on the scenario, not on how long the run goes on: durations go into a sketch, places into top
    counts, findings and errors into a bounded number of groups of which the first and the last are kept.

    Attributes:
        started: The first event; None before.
        phase: The phase that the run is in.
        phase_at: When that began, seconds after the run started.
        last_at: Time of the latest event, seconds after the run started.
        ended: The run is over.
        iterations: How the iterations ended.
        findings: How many findings there were that weigh anything.
    """

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.phase, self.phase_at = "", 0.0
        self.last_at = 0.0
        self.ended = False
        self.iterations = Tally()
        self.findings = 0
        self._steps: dict[str, Tally] = {}
        self._landings: dict[str, Landing] = {}
        self._found: Groups[Found] = Groups()
        self._errors: Groups[StepEnded] = Groups()
        self._troubles: dict[tuple[str, str], TroubleReport] = {}
        self._stops: list[Reason] = []
        self._stopped: str | None = None
        self._interrupted: str | None = None
        self._failure = FirstFailure()
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            StepEnded: self._step_ended,
            IterationEnded: self._iteration_ended,
            RunStarted: self._run_started,
            Phase: self._phase_began,
            Opened: lambda event: self._landing(event.injector).opened(),
            Fired: lambda event: self._landing(event.injector).landed(event),
            Lifted: lambda event: self._landing(event.injector).lifted(event),
            Stuck: self._got_stuck,
            Found: self._finding,
            Trouble: self._trouble,
            Stopped: self._stop,
            Interrupted: self._interruption,
            Ended: self._end,
        }

    def add(self, event: Event) -> None:
        """Take the next event; 0.6 us for the end of a step or of an iteration, and never an exception."""
        take = self._takers.get(type(event))
        if take is not None:
            take(event)
        if event.at > self.last_at:
            self.last_at = event.at

    # -- the run so far ------------------------------------------------------------------------------------------------

    @property
    def succeeded(self) -> int:
        """Return how many iterations succeeded."""
        return self.iterations.counts[_OK]

    @property
    def failed(self) -> int:
        """Return how many iterations did not: failed, let an injected fault out, or got stuck."""
        return self.iterations.unsuccessful

    @property
    def mean_s(self) -> float:
        """Return the mean duration of the iterations, seconds; 0 where there were none."""
        return self.iterations.durations.mean or 0.0

    @property
    def maximum_s(self) -> float:
        """Return the longest duration of an iteration, seconds; 0 where there were none."""
        return self.iterations.durations.maximum or 0.0

    def quantile_s(self, q: float) -> float:
        """Return the duration that the share *q* of the iterations did not exceed, seconds; 0 where there were none."""
        return self.iterations.durations.quantile(q) or 0.0

    @property
    def faults(self) -> int:
        """Return how many faults landed."""
        return sum(landing.fired or 0 for landing in tuple(self._landings.values()))

    @property
    def kinds_of_findings(self) -> int:
        """Return how many kinds of findings there were: it rises when something new is found."""
        return len(self._found)

    @property
    def open_injectors(self) -> tuple[str, ...]:
        """Return the injectors that are open."""
        return tuple(name for name, landing in tuple(self._landings.items()) if landing.is_open)

    # -- the report ----------------------------------------------------------------------------------------------------

    def report(self, now_at: float | None = None) -> Report:
        """
        Return what came of the run so far.

        Args:
            now_at: Seconds since the run started, for a run that goes on; None: the time of the latest event.
        """
        draft = self._draft(self.last_at if now_at is None else max(now_at, self.last_at))
        verdict, code, reasons = judge(draft, self._stops)
        judged = msgspec.structs.replace(draft, verdict=verdict, exit_code=code, reasons=reasons)
        if verdict is Verdict.PASS:
            return judged
        whole, alone = self._failure.commands(self.started or _NOT_STARTED)
        return msgspec.structs.replace(judged, reproduce=whole, reproduce_alone=alone)

    def _draft(self, now_at: float) -> Report:
        run = self.started or _NOT_STARTED
        counts, timing = self.iterations.report()
        findings = finding_groups(self._found)
        return Report(
            schema=REPORT_SCHEMA,
            run_id=run.run_id,
            scenario=run.scenario,
            target=run.target,
            workload=run.workload,
            seed=run.seed,
            started_wall=run.wall,
            duration_s=now_at,
            verdict=Verdict.PASS,
            exit_code=ExitCode.OK,
            reasons=(),
            iterations=counts,
            timing=timing,
            steps=tuple(StepReport(name, *tally.report()) for name, tally in tuple(self._steps.items())),
            injections=tuple(landing.report() for landing in tuple(self._landings.values())),
            expectations=tuple(self._expectation(each, findings) for each in run.expectations),
            findings=findings,
            errors=error_groups(self._errors),
            troubles=tuple(self._troubles.values()),
            interrupted=self._interrupted,
            stopped=self._stopped,
            environment=run.environment,
            rerun=run.rerun,
            reproduce=None,
            thresholds=tuple(threshold_reports(run.thresholds, counts, timing)),
        )

    def _expectation(self, info: ExpectationInfo, findings: tuple[FindingGroup, ...]) -> ExpectationReport:
        own = [each for each in findings if each.validator == info.name]
        verdicts = [each.verdict for each in own]
        verdicts += [each.verdict for each in self._troubles.values() if each.who == f"validator {info.name!r}"]
        return ExpectationReport(info, worst(verdicts), sum(each.count for each in own))

    # -- what each event adds ------------------------------------------------------------------------------------------

    def _iteration_ended(self, event: IterationEnded) -> None:
        self.iterations.add(event.outcome, event.duration_s)
        if event.outcome is not _OK:
            self._failure.iteration_ended(event)

    def _step_ended(self, event: StepEnded) -> None:
        try:
            tally = self._steps[event.step]
        except KeyError:
            tally = self._steps[event.step] = Tally()
        tally.add(event.outcome, event.duration_s)
        if event.error is not None and event.outcome is not _CANCELLED:
            error = event.error
            self._errors.add(event.step, error.injected_by, (error.type, shape(error.message)), event)

    def _got_stuck(self, event: Stuck) -> None:
        """Keep the stack of a stuck step as if it were its error: it is what explains it."""
        message = f"did not return within {show_seconds(event.limit_s)}"
        error = ErrorInfo("stuck", message, traceback=event.stack)
        ended = StepEnded(event.at, event.worker, event.iteration, event.step, Outcome.STUCK, event.limit_s, error)
        self._errors.add(event.step, "stuck", shape(event.stack[-500:]), ended)

    def _run_started(self, event: RunStarted) -> None:
        self.started = event
        for step in event.steps:
            self._steps.setdefault(step, Tally())
        for info in event.injections:
            self._landings.setdefault(info.name, Landing(info))

    def _phase_began(self, event: Phase) -> None:
        self.phase, self.phase_at = event.name, event.at

    def _landing(self, injector: str) -> Landing:
        landing = self._landings.get(injector)
        if landing is None:
            landing = self._landings[injector] = Landing(InjectionInfo(injector, "unknown", {}))
        return landing

    def _finding(self, event: Found) -> None:
        self._found.add(event.validator, (event.severity, event.verdict), shape(event.message), event)
        self._failure.found(event)
        if event.verdict is not Verdict.PASS:
            self.findings += 1

    def _trouble(self, event: Trouble) -> None:
        key = (event.who, event.hook)
        known = self._troubles.get(key)
        if known is None:
            self._troubles[key] = TroubleReport(event.at, event.who, event.hook, event.error, event.verdict)
        else:
            verdict = worst((known.verdict, event.verdict))
            self._troubles[key] = msgspec.structs.replace(known, verdict=verdict, count=known.count + 1)

    def _stop(self, event: Stopped) -> None:
        if self._stopped is None:
            self._stopped = event.reason
        if event.verdict is not Verdict.PASS and event.verdict not in {stop.verdict for stop in self._stops}:
            self._stops.append(Reason(event.verdict, f"stopped: {event.reason}"))

    def _interruption(self, event: Interrupted) -> None:
        if self._interrupted is None:
            self._interrupted = event.reason

    def _end(self, _: Ended) -> None:
        self.ended = True


def replay(events: Iterable[Event]) -> Report:
    """
    Return the report of a finished run from its *events*, for example those of `chaoscore.eventlog.read_log`.

    A run whose events break off was killed, and so is *unknown* at best.
    """
    fold = Fold()
    for event in events:
        fold.add(event)
    if not fold.ended:
        still_open = "".join(f"; injector {name!r} was still open" for name in fold.open_injectors)
        fold.add(Interrupted(fold.last_at, f"its events end before the run does{still_open}"))
    return fold.report()
