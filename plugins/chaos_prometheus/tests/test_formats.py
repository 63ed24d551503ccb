"""What is shown, read back by others."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from chaos_prometheus import client
from chaos_prometheus.families import families
from chaoscore import IterationEnded, Metric, Opened, Outcome, Recorded, RunStarted, Sampled, StepEnded
from chaoscore.testing import hostile_run
from tests.services.postgres import UnavailableError
from tests.services.prometheus import promtool

Make = Callable[..., Any]

read_text: Callable[[str], Iterable[Any]] = parser.text_string_to_metric_families
read_openmetrics: Callable[[str], Iterable[Any]] = openmetrics_parser.text_string_to_metric_families

HOSTILE = (
    'a "quoted" \\ back\\nslash',
    "line\nbreak\r\n# HELP chaos_run forged\nchaos_forged 1",
    '"} 1\nchaos_forged{a="',
    "\x1b]0;owned\x07\x1b[2J \x00 \ud800 \u202e",
    '} 5 # {iteration="1"} 3',
    "é 漢字 🙂",
    "x" * 10_000,
    "",
)


@pytest.fixture
def lived(book: Make) -> Any:
    """A run in which everything happened that is shown."""
    begun = book(sold=Metric(help="Sold.", observes=(Recorded,), read=lambda event: [(1, ())]))
    begun.read(Opened(0.1, "slow"), Sampled(1.0, 4, 0.5, 1000, 9, 2, {"slow": 5}), Recorded(0.1, "sold", 0, 0, "go"))
    chance = random.Random(3)
    for iteration in range(2_000):
        seconds = chance.lognormvariate(-6, 1)
        outcome = Outcome.FAILED if iteration % 100 == 0 else Outcome.OK
        begun.read(
            StepEnded(iteration * 0.01, 0, iteration, "go", outcome, seconds),
            IterationEnded(iteration * 0.01, 0, iteration, outcome, seconds),
        )
    return begun


def openmetrics(begun: Any) -> str:
    return client.openmetrics(begun.ledger).decode()


def check(metrics: str) -> None:
    """Let promtool look at *metrics*."""
    try:
        assert promtool("check", "metrics", stdin=metrics) == ""
    except UnavailableError as error:
        pytest.skip(f"cannot run here: {error}")


def test_promtool_has_nothing_to_say(lived: Any) -> None:
    """Names, units, types and help texts are as Prometheus wants them."""
    check(client.text(lived.ledger).decode())


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_labels_and_nothing_else(book: Make, started: Callable[..., RunStarted], text: str) -> None:
    """Whatever scenarios, steps and events are called, each stays one value of one label, in either format."""
    by_name = Metric(help="Names.", observes=(Recorded,), read=lambda event: [(1, (event.name,))], labels=("name",))
    begun = book(recorded=by_name)
    begun.begin(started(text, steps=(text, "go"), environment={"python": text}))
    begun.read(*hostile_run(text)[1:], StepEnded(1.0, 0, 0, text, Outcome.FAILED, 0.5), Recorded(0.1, text, 0, 0, text))
    plain = client.text(begun.ledger).decode()
    check(plain)
    own = {family.name for family in families(begun.ledger)}
    assert {family.name for family in read_openmetrics(openmetrics(begun))} == own
    names = {family.name.removesuffix("_info") for family in read_text(plain)}
    assert names <= own
    steps = {
        sample.labels["step"] for family in read_text(plain) for sample in family.samples if "step" in sample.labels
    }
    assert all(len(step) <= 100 and step.isprintable() for step in steps)


def test_both_formats_say_the_same(lived: Any) -> None:
    """Every sample of one format is in the other, with the same value."""

    def values(found: Any) -> dict[Any, float]:
        return {
            (each.name, tuple(sorted(each.labels.items()))): each.value for family in found for each in family.samples
        }

    plain, fancy = values(read_text(client.text(lived.ledger).decode())), values(read_openmetrics(openmetrics(lived)))
    assert plain == fancy
    assert len(plain) > 150


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        (None, "text/plain; version=0.0.4"),
    ],
)
def test_everybody_gets_the_format_that_is_asked_for(lived: Any, accept: str | None, kind: str) -> None:
    """Prometheus gets OpenMetrics, and a browser text."""
    said: list[Any] = []
    environ = {"REQUEST_METHOD": "GET"} if accept is None else {"REQUEST_METHOD": "GET", "HTTP_ACCEPT": accept}
    body = client.application(lived.ledger)(environ, lambda status, headers: said.append((status, dict(headers))))
    [(status, headers)] = said
    assert status == "200 OK"
    assert headers["Content-Type"].startswith(kind)
    assert headers["X-Content-Type-Options"] == "nosniff"  # whatever a label holds, no browser takes it for a page
    assert (b"".join(body).endswith(b"# EOF\n")) is kind.startswith("application")


def examples(begun: Any, name: str) -> Iterator[Any]:
    for family in read_openmetrics(openmetrics(begun)):
        yield from (each for each in family.samples if each.name == name and each.exemplar is not None)


def test_buckets_have_exemplars(lived: Any) -> None:
    """An exemplar lies in its bucket and names an iteration and its worker."""
    found = list(examples(lived, "chaos_iteration_duration_seconds_bucket"))
    assert len(found) > 5
    for each in found:
        assert each.exemplar.value <= float(each.labels["le"])
        assert each.exemplar.labels.keys() == {"iteration", "worker"}
    [failed] = [each for each in examples(lived, "chaos_iterations_total") if each.labels["outcome"] == "failed"]
    assert failed.exemplar.labels["iteration"] == "1900"
    assert float(failed.exemplar.timestamp) == 1019.0


def test_buckets_only_rise(lived: Any) -> None:
    """Each bucket holds those before it, and the last holds all."""
    counts = list(lived.values("chaos_step_duration_seconds_bucket").values())
    assert counts == sorted(counts)
    assert counts[-1] == lived.value("chaos_step_duration_seconds_count") == 2_000


def test_a_name_of_the_exporter_is_not_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's metric that is called like one of the exporter's is left out, and said to be."""
    from chaos_prometheus import families as shown

    metric = Metric(help="Mine.", observes=(Recorded,), read=lambda event: [(1, ())])
    monkeypatch.setattr(shown, "offered_metrics", lambda: {"iterations": metric, "mine": metric})
    ledger = shown.blank(10)
    assert list(ledger.metrics) == ["mine"]
    assert ledger.broken == {"iterations": "the exporter has one of its own by that name"}
