"""Every metric that is shown: its name, what it says, and how it is read from a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Literal, NamedTuple

import attrs

from chaos_prometheus.labels import Bounded, Key
from chaos_prometheus.ledger import Amount, Faults, Ledger, RunState
from chaos_prometheus.tally import BOUNDS, QUANTILES, Example, Tally
from chaoscore import Outcome, Verdict, offered_metrics

Sort = Literal["counter", "gauge", "histogram", "summary", "info"]


class Sample(NamedTuple):  # made in a fraction of the time of a frozen attrs class, and there are thousands
    """
    One line of what is shown.

    Attributes:
        suffix: What stands behind the metric's name: ``_total``, ``_bucket``, ...
        labels: Values by name.
        value: The number.
        example: One of those that were counted.
    """

    suffix: str
    labels: dict[str, str]
    value: float
    example: Example | None = None


@attrs.frozen
class Family:
    """
    One metric.

    Attributes:
        sort: What Prometheus calls its type.
        name: With its unit, without what stands behind it.
        help: What it says, in a sentence.
        samples: Its lines.
    """

    sort: Sort
    name: str
    help: str
    samples: list[Sample]


def blank(limit: int) -> Ledger:
    """Return a ledger in which nothing stands yet, with the metrics of installed plugins; *limit* as for `Ledger`."""
    metrics = dict(offered_metrics())
    own = {family.name.removeprefix("chaos_") for family in families(Ledger(limit, {}))}
    ledger = Ledger(limit, {name: metric for name, metric in metrics.items() if name not in own})
    ledger.broken = dict.fromkeys(own & metrics.keys(), "the exporter has one of its own by that name")
    return ledger


def families(ledger: Ledger) -> Iterator[Family]:
    """Yield everything that *ledger* knows; its lock must be held."""
    yield from _runs(ledger.runs)
    yield from _iterations(ledger)
    yield from _steps(ledger)
    yield from _injectors(ledger.injectors)
    yield from _judgement(ledger)
    yield from _process(ledger)
    yield from _plugins(ledger)
    yield from _exporter(ledger)


# -- the run


def _runs(runs: Bounded[RunState]) -> Iterator[Family]:
    states = [({"scenario": scenario}, state) for (scenario,), state in runs.items()]
    infos = [Sample("_info", {**state.info, **labels}, 1) for labels, state in states]
    yield Family("info", "chaos_run", "What the latest run of a scenario was made with: seed and versions.", infos)

    def gauge(name: str, text: str, field: str) -> Family:
        found = ((labels, getattr(state, field)) for labels, state in states)
        return Family("gauge", name, text, [Sample("", labels, value) for labels, value in found if value is not None])

    yield gauge("chaos_runs_under_way", "Runs that have begun and not ended.", "under_way")
    yield gauge("chaos_iterations_in_flight", "Iterations of which a step is under way, once a second.", "in_flight")
    yield gauge("chaos_run_start_timestamp_seconds", "When the latest run began.", "started")
    yield gauge("chaos_run_deadline_timestamp_seconds", "When the last iteration may begin.", "deadline")
    yield gauge("chaos_run_planned_iterations", "The most iterations that the run makes.", "planned")
    yield gauge("chaos_target_healthy", "1 if the target said it was well when it was last asked, else 0.", "healthy")
    yield Family(
        "gauge",
        "chaos_verdict",
        "1 for the verdict so far, 0 for the others: the worst of what was found; the report's at the end.",
        [
            Sample("", labels | {"verdict": verdict}, verdict is state.verdict)
            for labels, state in states
            for verdict in Verdict
        ],
    )


# -- iterations and steps


def _iterations(ledger: Ledger) -> Iterator[Family]:
    tallies = [({"scenario": scenario}, tally) for (scenario,), tally in ledger.iterations.items()]
    yield _outcomes("chaos_iterations", "Iterations by how they ended.", tallies)
    yield from _durations("iteration", "iterations", tallies)


def _steps(ledger: Ledger) -> Iterator[Family]:
    tallies = [({"scenario": scenario, "step": step}, tally) for (scenario, step), tally in ledger.steps.items()]
    yield _outcomes("chaos_steps", "Calls of steps by how they ended.", tallies)
    yield from _durations("step", "calls of a step", tallies)


Tallies = list[tuple[dict[str, str], Tally]]


def _outcomes(name: str, text: str, tallies: Tallies) -> Family:
    samples = [
        Sample("_total", labels | {"outcome": outcome}, tally.counts[outcome], tally.last.get(outcome))
        for labels, tally in tallies
        for outcome in Outcome
    ]
    return Family("counter", name, text, samples)


def _durations(what: str, plural: str, tallies: Tallies) -> Iterator[Family]:
    text = f"How long {plural} took that were not cancelled, in buckets."
    buckets = [sample for labels, tally in tallies for sample in _buckets(labels, tally)]
    yield Family("histogram", f"chaos_{what}_duration_seconds", text, buckets)
    text = f"How long {plural} took since the run began: quantiles of all of them, off by at most 0.4 %."
    quantiles = [sample for labels, tally in tallies for sample in _quantiles(labels, tally)]
    yield Family("summary", f"chaos_{what}_duration_quantile_seconds", text, quantiles)


def _buckets(labels: dict[str, str], tally: Tally) -> Iterator[Sample]:
    durations = tally.durations
    for number, (_, count) in enumerate(durations.buckets(_LIMITS)):
        yield Sample("_bucket", labels | {"le": _LE[number]}, count, tally.examples.get(number))
    yield Sample("_count", labels, durations.count)
    yield Sample("_sum", labels, durations.total)


def _quantiles(labels: dict[str, str], tally: Tally) -> Iterator[Sample]:
    durations = tally.durations
    for q, value in zip(QUANTILES, durations.quantiles(QUANTILES), strict=True):
        if value is not None:
            yield Sample("", labels | {"quantile": str(q)}, value)
    yield Sample("_count", labels, durations.count)
    yield Sample("_sum", labels, durations.total)


_LIMITS = (*BOUNDS, inf)
_LE = tuple("+Inf" if bound == inf else repr(bound) for bound in _LIMITS)


# -- faults


def _injectors(injectors: Bounded[Faults]) -> Iterator[Family]:
    names = ("scenario", "injector", "kind")
    found = [(dict(zip(names, key, strict=True)), faults) for key, faults in injectors.items()]

    def family(sort: Sort, name: str, text: str, field: str) -> Family:
        suffix = "_total" if sort == "counter" else ""
        values = ((labels, getattr(faults, field)) for labels, faults in found)
        return Family(sort, name, text, [Sample(suffix, labels, each) for labels, each in values if each is not None])

    yield family("gauge", "chaos_injector_active", "1 while an injector is open.", "active")
    yield family("counter", "chaos_injector_openings", "How often an injector was opened.", "openings")
    yield family("counter", "chaos_faults_asked", "How often points asked an injector whether to strike.", "asked")
    yield family("counter", "chaos_faults_fired", "Faults that landed.", "fired")
    text = "1 if an injector was opened and nothing has shown yet that a fault landed."
    yield family("gauge", "chaos_injector_evidence_missing", text, "unproven")


# -- judgement


def _judgement(ledger: Ledger) -> Iterator[Family]:
    text = "How often a validator looked at the system, or judged the run, and could tell."
    yield _amounts("counter", "chaos_validator_checks", text, ("validator",), ledger.checks)
    text = "What validators found, by what it weighs."
    yield _amounts("counter", "chaos_validator_violations", text, ("validator", "severity"), ledger.violations)
    text = "Hooks of targets, injectors, validators and reporters that failed."
    yield _amounts("counter", "chaos_troubles", text, ("hook", "verdict"), ledger.troubles)


def _amounts(sort: Sort, name: str, text: str, labels: Iterable[str], amounts: Bounded[Amount]) -> Family:
    names: Key = ("scenario", *labels)
    suffix = "_total" if sort == "counter" else ""
    samples = [Sample(suffix, dict(zip(names, key, strict=True)), each.value) for key, each in amounts.items()]
    return Family(sort, name, text, samples)


# -- the process, plugins, and the exporter itself


def _process(ledger: Ledger) -> Iterator[Family]:
    sample = ledger.process
    for sort, name, text, field in (
        ("gauge", "chaos_process_resident_memory_bytes", "Resident memory of the process that runs.", "rss_bytes"),
        ("gauge", "chaos_process_threads", "Threads of the process that runs.", "threads"),
        ("gauge", "chaos_process_open_descriptors", "File descriptors that the process has open.", "descriptors"),
        ("counter", "chaos_process_cpu_seconds", "Processor time that the process has used.", "cpu_s"),
    ):
        value = getattr(sample, field, None)
        suffix = "_total" if sort == "counter" else ""
        yield Family(sort, name, text, [] if value is None else [Sample(suffix, {}, value)])  # type: ignore[arg-type]  # of the table


def _plugins(ledger: Ledger) -> Iterator[Family]:
    for name, (metric, amounts) in ledger.readings.items():
        yield _amounts("counter" if metric.adds_up else "gauge", f"chaos_{name}", metric.help, metric.labels, amounts)


def _exporter(ledger: Ledger) -> Iterator[Family]:
    text = "Most sets of labels that a metric may have; whatever comes later is counted together."
    yield Family("gauge", "chaos_exporter_label_sets_limit", text, [Sample("", {}, ledger.limit)])
    text = "How often something came after the limit, and was counted with others."
    folded = [Sample("_total", {"part": part}, count) for part, count in ledger.folded.items()]
    yield Family("counter", "chaos_exporter_label_sets_folded", text, folded)
    yield Family("counter", "chaos_exporter_events", "Events that were read.", [Sample("_total", {}, ledger.events)])
    text = "1 for each metric of a plugin that failed, and is read no more."
    broken = [Sample("", {"metric": name}, 1) for name in ledger.broken]
    yield Family("gauge", "chaos_exporter_metric_broken", text, broken)
