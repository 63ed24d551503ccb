"""A run as a real Prometheus sees it: scraped every second while it goes on, and asked when it is over."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import attrs
import pytest

from chaos_prometheus import prometheus
from chaos_prometheus.command import shipped
from chaos_prometheus.tally import BOUNDS
from chaoscore import Event, IterationEnded, Moment, Report, RunStarted, Scenario, Scene, Severity, record_event, window
from chaoscore.injectors import delay, error
from tests.services.child import free_port
from tests.services.prometheus import Prometheus, eventually, own

pytestmark = pytest.mark.slow

SCENARIO = "a shop"
RANGE_S = 6
ITERATIONS = "chaos_iteration_duration_seconds"


class Shop:
    """A system under test that takes its time."""

    name = "shop"

    def setup(self) -> None:
        self.sold = 0

    def teardown(self) -> None:
        self.sold = 0

    def health(self) -> bool:
        return True


def look(shop: Shop) -> None:
    time.sleep(0.001)


def buy(shop: Shop) -> None:
    shop.sold += 1
    record_event("sold")


@attrs.frozen
class Stock:
    """Holds until a hundred are sold, and never again."""

    kind: ClassVar[str] = "stock"
    severity: Severity = Severity.CRITICAL

    def start(self, scene: Scene) -> "_Counting":
        return _Counting(scene.target)


class _Counting:
    moments = frozenset({Moment.DURING})
    every_s = 0.2

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def check(self, moment: Moment) -> str | None:
        return f"{self._shop.sold} sold of 100" if self._shop.sold > 100 else None


class Diary:
    """Writes down when events happened, and how long after that a reporter heard of them at most."""

    kind: ClassVar[str] = "diary"

    def __init__(self) -> None:
        self.wall, self.lag_s = 0.0, 0.0
        self.ended: list[float] = []
        self.durations: dict[int, float] = {}

    def follow(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, RunStarted):
                self.wall = event.wall
            if isinstance(event, IterationEnded):
                self.ended.append(self.wall + event.at)
                self.durations[event.iteration] = event.duration_s
        if events:
            self.lag_s = max(self.lag_s, time.time() - self.wall - events[0].at)


@attrs.frozen
class Seen:
    """A run that is over, and the server that scraped it."""

    server: Prometheus
    report: Report
    diary: Diary
    middle: float

    def last(self, series: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The last value that was scraped of *series*, by the labels that are its own."""
        found = self.server.query(f"last_over_time({series}[10m])")
        apart = {"__name__", "job", "instance", "case", "scenario"}
        return {tuple(pair for pair in labels if pair[0] not in apart): value for labels, value in found.items()}


@pytest.fixture(scope="module")
def seen(prometheus_server: Prometheus) -> Iterator[Seen]:
    rules = prometheus_server.folder / "rules" / "alerts.yml"
    rules.write_text(shipped("alerts"))
    own(rules)
    prometheus_server.reload()
    eventually(lambda: prometheus_server.ask("rules")["groups"])
    port, diary = free_port(), Diary()
    scenario = (
        Scenario(SCENARIO)
        .target(Shop())
        .step("look", look)
        .step("buy", buy)
        .inject("slow", delay("5ms", "10ms", probability=0.3, at="before:buy"), window=window("1s", "30s"))
        .inject("refused", error("ConnectionError", probability=0.1, at="before:look"))
        .expect("stock", Stock())
        .continue_on_failure()
        .workers(2)
        .rate(150)
        .run_for("12s")
    )
    with prometheus_server.scraping(f"127.0.0.1:{port}", case="live"):
        report = scenario.run(seed=7, reporters=[prometheus(port), diary])
    yield Seen(prometheus_server, report, diary, diary.wall + 10)
    rules.unlink()
    prometheus_server.reload()


def test_counters_are_those_of_the_report(seen: Seen) -> None:
    """The last scrape has the counts of the report, to the last one."""
    counts = seen.report.iterations
    iterations = seen.last("chaos_iterations_total")
    ended = {outcome: count for ((_, outcome),), count in iterations.items() if count}
    assert ended == {"ok": counts.ok, "faulted": counts.faulted}
    steps = seen.last("chaos_steps_total")
    assert steps[("outcome", "ok"), ("step", "look")] == seen.report.steps[0].counts.ok
    fired = {labels[0][1]: n for labels, n in seen.last("chaos_faults_fired_total").items()}
    asked = {labels[0][1]: n for labels, n in seen.last("chaos_faults_asked_total").items()}
    assert fired == {each.info.name: each.fired for each in seen.report.injections}
    assert asked == {each.info.name: each.asked for each in seen.report.injections}
    strikes = {tuple(name for _, name in labels): n for labels, n in seen.last("chaos_strikes_total").items()}
    assert strikes == {("delay", "slow", "buy"): fired["slow"], ("error", "refused", "look"): fired["refused"]}
    [stock] = [each for each in seen.report.expectations if each.info.name == "stock"]
    violations = seen.last("chaos_validator_violations_total")
    assert violations == {(("severity", "critical"), ("validator", "stock")): stock.findings}
    assert stock.findings > 10
    assert seen.last("chaos_recorded_total") == {(("name", "sold"),): seen.report.steps[1].counts.ok}


def test_the_end_of_the_run_is_seen(seen: Seen) -> None:
    """The exporter waits for one more scrape: the verdict of the report and the health after all faults are in it."""
    verdicts = {labels[0][1]: value for labels, value in seen.last("chaos_verdict").items()}
    assert [name for name, value in verdicts.items() if value] == [seen.report.verdict] == ["fail"]
    assert seen.last("chaos_runs_under_way") == {(): 0}
    assert seen.last("chaos_target_healthy") == {(): 1}
    assert set(seen.last("chaos_injector_active").values()) == {0}


def test_rates_agree_with_what_happened(seen: Seen) -> None:
    """The rate that Prometheus computes is that of the events, within 1 % and what reporters heard late."""
    series = f'chaos_iterations_total{{case="live",outcome="ok"}}[{RANGE_S}s]'
    [samples] = seen.server.ask("query", query=series, time=seen.middle)["result"]
    times = [float(when) for when, _ in samples["values"]]
    spent = times[-1] - times[0]
    happened = [when for when in seen.diary.ended if times[0] < when <= times[-1]]
    range_ms = round(spent * 1000) + 500  # so much before the first sample is made up for, whatever scrape was late
    rate = seen.server.value(f'sum(rate(chaos_iterations_total{{case="live"}}[{range_ms}ms]))', times[-1])
    assert len(happened) > 100
    assert rate == pytest.approx(len(happened) / spent, rel=0.01 + 2 * seen.diary.lag_s / spent)


@pytest.mark.parametrize(("q", "field"), [(0.5, "p50_s"), (0.9, "p90_s"), (0.99, "p99_s")])
def test_quantiles_are_those_of_the_report(seen: Seen, q: float, field: str) -> None:
    """The quantiles that are shown are the report's, and one read from buckets lies in the bucket of the true one."""
    true = getattr(seen.report.timing, field)
    shown = seen.last(f'chaos_iteration_duration_quantile_seconds{{quantile="{q}"}}')
    assert list(shown.values()) == [pytest.approx(true, rel=0.01)]
    estimate = seen.server.value(f"histogram_quantile({q}, last_over_time({ITERATIONS}_bucket[10m]))")
    below = max((bound for bound in BOUNDS if bound < true * 0.99), default=0.0)
    above = min(bound for bound in BOUNDS if bound >= true * 0.99)
    assert below * 0.99 <= estimate <= above * 1.01


def test_sums_and_counts_are_those_of_the_report(seen: Seen) -> None:
    """The mean that sum and count of a histogram give is the report's."""
    total = seen.server.value(f"last_over_time({ITERATIONS}_sum[10m])")
    count = seen.server.value(f"last_over_time({ITERATIONS}_count[10m])")
    assert count == seen.report.timing.count
    assert total / count == pytest.approx(seen.report.timing.mean_s, rel=1e-9)


def test_an_alert_fires_on_a_violated_invariant(seen: Seen) -> None:
    """The rules that are shipped, as they are, make Prometheus fire while the run goes on."""
    fired = seen.server.query('last_over_time(ALERTS{alertname="ChaosInvariantViolated",alertstate="firing"}[10m])')
    [labels] = (dict(each) for each in fired)
    assert (labels["scenario"], labels["validator"], labels["severity"]) == (SCENARIO, "stock", "critical")
    quiet = seen.server.query('last_over_time(ALERTS{alertname="ChaosTargetUnhealthy"}[10m])')
    assert quiet == {}


def test_exemplars_name_iterations(seen: Seen) -> None:
    """A bucket's exemplar names an iteration that took as long as it says: it can be run again alone."""
    parameters = {"query": f"{ITERATIONS}_bucket", "start": seen.diary.wall, "end": seen.diary.wall + 60}
    exemplars = [each for found in seen.server.ask("query_exemplars", **parameters) for each in found["exemplars"]]
    assert len(exemplars) > 3
    for each in exemplars:
        assert seen.diary.durations[int(each["labels"]["iteration"])] == pytest.approx(float(each["value"]))


def test_fault_windows_are_seen(seen: Seen) -> None:
    """An injector is seen open in its window and closed outside; one without a window, open as long as the workload."""
    active = 'chaos_injector_active{{injector="{}"}}'
    assert seen.server.value(active.format("slow"), seen.middle) == 1
    assert seen.server.value(f"min_over_time({active.format('slow')}[10m])") == 0
    assert seen.server.value(active.format("refused"), seen.middle) == 1


def test_the_process_is_seen(seen: Seen) -> None:
    """Memory, threads, descriptors and processor time are there, and so is what is in flight and when it is to end."""
    at = seen.middle
    assert seen.server.value("chaos_process_resident_memory_bytes", at) > 10e6
    assert seen.server.value("chaos_process_threads", at) >= 4
    assert seen.server.value("chaos_process_open_descriptors", at) > 3
    assert seen.server.value("rate(chaos_process_cpu_seconds_total[10s])", at) > 0
    assert 0 <= seen.server.value("chaos_iterations_in_flight", at) <= 2
    left = seen.server.value("chaos_run_deadline_timestamp_seconds - chaos_run_start_timestamp_seconds", at)
    assert 12 <= left < 20


def test_seed_and_versions_are_in_info_only(seen: Seen) -> None:
    """The seed is a label of `chaos_run_info` and of nothing else, and the run's id of nothing at all."""
    info = seen.server.ask("series", **{"match[]": "chaos_run_info"})
    assert [(each["seed"], each["scenario"]) for each in info] == [("7", SCENARIO)]
    everything = seen.server.ask("series", **{"match[]": '{__name__=~"chaos_.+"}'})
    assert len(everything) > 100
    assert [each for each in everything if "seed" in each] == info
    assert seen.report.run_id not in json.dumps(everything)


def expressions() -> Iterator[Any]:
    dashboard = json.loads(shipped("dashboard"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for annotation in dashboard["annotations"]["list"]:
        yield pytest.param(annotation["expr"], id=annotation["name"])


VARIABLES = {"$__rate_interval": "10s", "$__interval": "10s", "$scenario": ".*"}


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_panel_answers(seen: Seen, expression: str) -> None:
    """Each expression of the dashboard has an answer in the middle of the run, and each value of it is a number."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    found = seen.server.query(expression, seen.middle)
    assert found
    assert all(value == value for value in found.values())


def test_the_verdict_panel_tells_the_verdict(seen: Seen) -> None:
    """What is found after the first violation is shown as fail, whose number is 3."""
    [panel] = [each for each in json.loads(shipped("dashboard"))["panels"] if each["title"] == "Verdict so far"]
    expression = panel["targets"][0]["expr"].replace("$scenario", ".*")
    assert seen.server.value(expression, seen.middle) == 3


def test_the_scenarios_to_choose_from_are_found(seen: Seen) -> None:
    """The dashboard's variable lists the values of a label that there is."""
    [_, variable] = json.loads(shipped("dashboard"))["templating"]["list"]
    match = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"])
    assert match is not None
    assert seen.server.ask(f"label/{match[2]}/values", **{"match[]": match[1]}) == [SCENARIO]
