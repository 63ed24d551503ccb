"""How a run is judged."""

import itertools
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoscore.verdict import (
    PRESETS,
    ExitCode,
    Severity,
    Thresholds,
    Verdict,
    exit_code,
    thresholds,
    worst,
)

VERDICTS = st.sampled_from(Verdict)


def breaches(limits: Thresholds, succeeded: int = 100, failed: int = 0, mean_s: float = 0.0, p99_s: float = 0.0) -> Any:
    return list(limits.breaches(succeeded=succeeded, failed=failed, mean_s=mean_s, p99_s=p99_s))


def test_order() -> None:
    """Pass is better than unstable, that than unknown, and that than fail."""
    ranked = sorted(Verdict, key=lambda verdict: verdict.rank)
    assert ranked == [Verdict.PASS, Verdict.UNSTABLE, Verdict.UNKNOWN, Verdict.FAIL]


def test_worst_of_none() -> None:
    """Nothing to merge is a pass."""
    assert worst([]) is Verdict.PASS


@given(st.lists(VERDICTS, min_size=1))
def test_worst(verdicts: list[Verdict]) -> None:
    """The merged verdict is one of those merged, and none of them is worse."""
    merged = worst(verdicts)
    assert merged in verdicts
    assert all(each.rank <= merged.rank for each in verdicts)


@given(VERDICTS, VERDICTS, VERDICTS)
def test_worst_merges_in_any_order(a: Verdict, b: Verdict, c: Verdict) -> None:
    """Parts of a run may be merged in any grouping and order."""
    merged = {worst([worst([x, y]), z]) for x, y, z in itertools.permutations((a, b, c))}
    assert merged == {worst([a, b, c])}


def test_severity() -> None:
    """A critical finding fails a run, a warning makes it unstable, information leaves it alone."""
    assert [severity.verdict for severity in Severity] == [Verdict.FAIL, Verdict.UNSTABLE, Verdict.PASS]


def test_exit_codes() -> None:
    """Pass and unstable are 0, unknown is 3, fail is 1, and no code has two meanings."""
    codes = {verdict: int(exit_code(verdict)) for verdict in Verdict}
    assert codes == {Verdict.PASS: 0, Verdict.UNSTABLE: 0, Verdict.UNKNOWN: 3, Verdict.FAIL: 1}
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 6, 129, 130, 143]


def test_presets() -> None:
    """Strict asks for every iteration, default for 95 %, relaxed for 80 %."""
    assert [PRESETS[name].min_success_rate for name in ("strict", "default", "relaxed")] == [1.0, 0.95, 0.8]
    assert [each.real_failure for each in PRESETS.values()] == [Verdict.FAIL, Verdict.UNSTABLE, Verdict.PASS]


def test_preset_unknown() -> None:
    """A preset that does not exist is refused with those that do."""
    with pytest.raises(ValueError, match=r"no thresholds preset 'lax'; have strict, default, relaxed"):
        thresholds("lax")  # type: ignore[arg-type]


def test_preset_changed() -> None:
    """A given threshold replaces the preset's own, 0 included, and the others stay."""
    changed = thresholds("strict", min_success_rate="90%", max_p99="250ms")
    assert (changed.min_success_rate, changed.max_p99_s, changed.max_failed_iterations) == (0.9, 0.25, 0)
    assert changed.real_failure is Verdict.FAIL
    assert thresholds("default", min_success_rate=0, max_failed_iterations=0).min_success_rate == 0.0
    assert thresholds("default", max_failed_iterations=0).max_failed_iterations == 0
    assert PRESETS["strict"].min_success_rate == 1.0


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"min_success_rate": 95}, ValueError, "a probability lies between 0 and 1"),
        ({"min_success_rate": "most"}, ValueError, "'most' is not a probability"),
        ({"max_failed_iterations": -1}, ValueError, "max_failed_iterations must be 0 or more, not -1"),
        ({"max_failed_iterations": 1.5}, TypeError, "max_failed_iterations must be a whole number, not 1.5"),
        ({"max_failed_iterations": True}, TypeError, "max_failed_iterations must be a whole number, not True"),
        ({"max_failed_iterations": "2"}, TypeError, "max_failed_iterations must be a whole number, not '2'"),
        ({"max_mean": "fast"}, ValueError, "'fast' is not a duration"),
        ({"max_p99": -1}, ValueError, "a duration must be finite and not negative"),
        ({"required": ["a", "b"], "warning": ["b", "c"]}, ValueError, "b cannot be both required and warning"),
    ],
)
def test_refused(given: dict[str, Any], error: type[Exception], text: str) -> None:
    """A threshold out of range, or of another type, is refused in one plain sentence."""
    with pytest.raises(error, match=re.escape(text)) as caught:
        thresholds("default", **given)
    assert len(caught.value.args) == 1


@pytest.mark.parametrize(
    ("limits", "outcome", "texts"),
    [
        ({}, {"succeeded": 95, "failed": 5}, []),
        ({}, {"succeeded": 94, "failed": 6}, ["success rate 94.00% is below 95.00% (94 of 100 iterations)"]),
        ({}, {"succeeded": 0, "failed": 0}, ["success rate 0.00% is below 95.00% (0 of 0 iterations)"]),
        ({"max_failed_iterations": 5}, {"succeeded": 995, "failed": 5}, []),
        ({"max_failed_iterations": 5}, {"succeeded": 994, "failed": 6}, ["6 iterations failed, at most 5 may"]),
        ({"max_mean": "5ms"}, {"mean_s": 0.005}, []),
        ({"max_mean": "5ms"}, {"mean_s": 0.0051}, ["mean duration 5.1 ms is above 5 ms"]),
        ({"max_p99": "5ms"}, {"mean_s": 1.0, "p99_s": 0.006}, ["p99 duration 6 ms is above 5 ms"]),
        (
            {"max_mean": 0, "max_p99": 0, "max_failed_iterations": 0},
            {"succeeded": 1, "failed": 3, "mean_s": 1.0, "p99_s": 2.0},
            ["success rate 25.00%", "3 iterations failed", "mean duration 1 s", "p99 duration 2 s"],
        ),
    ],
)
def test_breaches(limits: dict[str, Any], outcome: dict[str, Any], texts: list[str]) -> None:
    """Every threshold that is not reached gets its own sentence with the values; the exact limit is no breach."""
    found = breaches(thresholds("default", **limits), **outcome)
    assert len(found) == len(texts)
    assert all(text in sentence for text, sentence in zip(texts, found, strict=True))


def test_relaxed_and_strict_differ() -> None:
    """One run can pass relaxed thresholds and break strict ones."""
    assert breaches(PRESETS["relaxed"], succeeded=80, failed=20) == []
    assert len(breaches(PRESETS["strict"], succeeded=99, failed=1)) == 2


def test_severity_of_a_validator() -> None:
    """Thresholds decide what a named validator's findings weigh; the others keep their own severity."""
    limits = thresholds("default", required=["a"], warning="b")
    assert limits.severity("a", Severity.INFO) is Severity.CRITICAL
    assert limits.severity("b", Severity.CRITICAL) is Severity.WARNING
    assert limits.severity("c", Severity.INFO) is Severity.INFO


@pytest.mark.parametrize(
    "limits",
    [*PRESETS.values(), thresholds("strict", max_mean="5ms", max_p99=2, required=["b", "a"], warning=["c"])],
)
def test_round_trip(limits: Thresholds) -> None:
    """Thresholds survive the event log."""
    assert Thresholds.from_dict(json.loads(json.dumps(limits.as_dict()))) == limits
