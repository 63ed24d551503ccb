"""How the events of one run get into a ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

import attrs

from chaos_prometheus.labels import clean
from chaos_prometheus.ledger import Faults, Ledger, RunState
from chaoscore import (
    Checked,
    Ended,
    Event,
    Fired,
    Found,
    Interrupted,
    IterationEnded,
    Lifted,
    Metric,
    Opened,
    Phase,
    RunStarted,
    Sampled,
    StepEnded,
    Stopped,
    Trouble,
    Verdict,
)

HEALTH = "target health"
"""What the run calls the validator that asks the target's own `health`."""


class Reader:
    """
    Reads one run into a ledger.

    Series that will be there for certain are there from the beginning, at 0: `rate` and `increase` do not see the first
    step of a counter that appears with it.
    """

    def __init__(self, ledger: Ledger, started: RunStarted) -> None:
        self._ledger, self.scenario, self._wall = ledger, clean(started.scenario), started.wall
        self._run_for_s = started.run_for_s
        self._in_flight = 0
        self._over = False
        self._open: dict[str, _Opening] = {}
        self._proven: set[str] = set()
        self._run = RunState()
        with ledger.lock:
            self._begin(started)
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            Phase: self._phase_began,
            Opened: self._opened,
            Fired: self._fired,
            Lifted: self._lifted,
            Sampled: self._sampled,
            Checked: self._checked,
            Found: self._found,
            Trouble: self._trouble,
            Stopped: lambda event: self._worsen(event.verdict),
            Interrupted: lambda event: self._worsen(Verdict.UNKNOWN),
            Ended: lambda event: self.end(),
        }
        self._observers: defaultdict[type[Event], list[str]] = defaultdict(list)
        for name, metric in ledger.metrics.items():
            for kind in metric.observes:
                self._observers[kind].append(name)

    def read(self, events: Sequence[Event]) -> None:
        """Take the next events."""
        takers, observers = self._takers, self._observers
        steps: defaultdict[str, list[StepEnded]] = defaultdict(list)
        iterations: list[IterationEnded] = []
        with self._ledger.lock:
            for event in events:
                kind = type(event)
                if kind is StepEnded:
                    steps[event.step].append(event)  # type: ignore[attr-defined, arg-type]  # its exact type is known
                elif kind is IterationEnded:
                    iterations.append(event)  # type: ignore[arg-type]  # the same
                elif kind in takers:
                    takers[kind](event)
                if kind in observers:
                    self._read_metrics(event, observers[kind])
            self._ledger.events += len(events)
            self._ended(iterations, steps)

    def conclude(self, verdict: Verdict) -> None:
        """Let the verdict of the report stand."""
        with self._ledger.lock:
            self._run.verdict = verdict
            self.end()

    def end(self) -> None:
        """Take the run out of what is under way; the lock is held."""
        if self._over:
            return
        self._over = True
        self._run.under_way -= 1
        self._flying(0)
        for name in tuple(self._open):
            self._close(name)

    def _begin(self, started: RunStarted) -> None:
        ledger = self._ledger
        self._run = run = ledger.runs.at(self.scenario)
        run.under_way += 1
        run.verdict, run.healthy = Verdict.PASS, None
        run.started, run.deadline, run.planned = started.wall, None, started.iterations
        run.info = {"seed": str(started.seed), **{key: clean(text) for key, text in started.environment.items()}}
        self._iterations = ledger.iterations.at(self.scenario)
        self._steps = {name: ledger.steps.at(self.scenario, name) for name in started.steps}
        self._faults = {
            each.name: ledger.injectors.at(self.scenario, each.name, each.kind) for each in started.injections
        }
        for faults in self._faults.values():
            faults.unproven = False
        for expectation in started.expectations:
            ledger.violations.at(self.scenario, expectation.name, expectation.severity)

    # -- iterations

    def _ended(self, iterations: list[IterationEnded], steps: Mapping[str, list[StepEnded]]) -> None:
        """Count what ended in a batch, all of a kind at once: that is what most events are."""
        if iterations:
            self._iterations.add(iterations, self._wall)
        for step, ended in steps.items():
            tally = self._steps.get(step) or self._ledger.steps.at(self.scenario, step)
            tally.add(ended, self._wall)

    def _sampled(self, event: Sampled) -> None:
        self._ledger.process = event
        self._flying(event.in_flight)
        for name, asked in event.asked.items():
            if name in self._open:
                self._asked(name, asked)

    def _flying(self, in_flight: int) -> None:
        self._run.in_flight += in_flight - self._in_flight
        self._in_flight = in_flight

    def _phase_began(self, event: Phase) -> None:
        if event.name == "workload" and self._run_for_s is not None:
            self._run.deadline = self._wall + event.at + self._run_for_s

    # -- faults

    def _faults_of(self, name: str) -> Faults:
        return self._faults.get(name) or self._ledger.injectors.at(self.scenario, name, "unknown")

    def _opened(self, event: Opened) -> None:
        faults = self._faults_of(event.injector)
        faults.openings += 1
        faults.active += 1
        faults.unproven = faults.unproven or event.injector not in self._proven
        self._open[event.injector] = _Opening()

    def _fired(self, event: Fired) -> None:
        self._landed(event.injector, 1)
        if event.injector in self._open:
            self._open[event.injector].fired += 1

    def _lifted(self, event: Lifted) -> None:
        """Take over what it says itself at last, unless that is less than was seen: counters only rise."""
        if event.injector not in self._open:
            return
        if event.asked is not None:
            self._asked(event.injector, event.asked)
        if event.fired is not None:
            self._landed(event.injector, event.fired - self._open[event.injector].fired)
        self._close(event.injector)

    def _landed(self, name: str, more: int) -> None:
        if more > 0:
            faults = self._faults_of(name)
            faults.fired += more
            faults.unproven = False
            self._proven.add(name)

    def _asked(self, name: str, asked: int) -> None:
        opening, faults = self._open[name], self._faults_of(name)
        faults.asked = (faults.asked or 0) + max(0, asked - opening.asked)
        opening.asked = max(asked, opening.asked)

    def _close(self, name: str) -> None:
        del self._open[name]
        self._faults_of(name).active -= 1

    # -- judgement

    def _checked(self, event: Checked) -> None:
        if event.validator == HEALTH:
            self._run.healthy = event.findings == 0
        self._ledger.checks.at(self.scenario, event.validator).value += 1

    def _found(self, event: Found) -> None:
        self._ledger.violations.at(self.scenario, event.validator, event.severity).value += 1
        self._worsen(event.verdict)

    def _trouble(self, event: Trouble) -> None:
        if event.who == f"validator {HEALTH!r}":
            self._run.healthy = False
        self._ledger.troubles.at(self.scenario, event.hook, event.verdict).value += 1
        self._worsen(event.verdict)

    def _worsen(self, verdict: Verdict) -> None:
        if verdict.rank > self._run.verdict.rank:
            self._run.verdict = verdict

    # -- what plugins read

    def _read_metrics(self, event: Event, names: Iterable[str]) -> None:
        metrics, broken = self._ledger.metrics, self._ledger.broken
        for name in names:
            if name not in broken:
                try:
                    self._note(name, metrics[name], event)
                except Exception as error:  # noqa: BLE001 - a plugin's code; it is asked no more, and the report says so
                    broken[name] = f"{type(error).__name__}: {error}"

    def _note(self, name: str, metric: Metric, event: Event) -> None:
        for amount, labels in metric.read(event):
            if not 0 <= amount < inf and metric.adds_up:
                raise ValueError(f"what adds up takes numbers of 0 or more, not {amount!r}")
            if len(labels) != len(metric.labels) or not all(isinstance(each, str) for each in labels):
                raise ValueError(f"it has the labels {metric.labels}, and not so many texts for them: {labels!r:.200}")
            noted = self._ledger.readings[name][1].at(self.scenario, *labels)
            noted.value = noted.value + amount if metric.adds_up else amount


@attrs.define
class _Opening:
    """What is known of an injector since it was opened: how often it was asked, and how many faults were seen."""

    asked: int = 0
    fired: int = 0
