import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chaoscore.errors import InvalidScenarioError
from chaoscore.loader.imports import importable
from chaoscore.loader.schema import schema_of
from chaoscore.loader.tables import scenario_from
from chaoscore.plugins import catalogue

MINIMAL: dict[str, Any] = {"target": {"use": "parts_s:Queue"}, "steps": ["parts_s:claim"]}
FULL: dict[str, Any] = {
    "name": "orders",
    "seed": 42,
    "on_failure": "continue",
    "target": {"use": "parts_s:Queue", "jobs": 5},
    "steps": [{"name": "first", "use": "parts_s:claim", "limit": "5s"}, "parts_s:claim_more"],
    "workload": {"repeat": 400, "for": "1m", "workers": 8, "rate": 50},
    "provide": {"shelf": {"use": "parts_s:Shelf", "size": 3}},
    "inject": {
        "slow": {"use": "delay", "low": "1ms", "scope": "db", "window": {"every": "10s", "for": "2s"}},
        "both": {"use": "composite", "injectors": [{"use": "panic"}, {"use": "error", "type": "OSError"}]},
    },
    "expect": {
        "threads": {"use": "thread_limit", "limit": 200, "severity": "warning"},
        "all": {"use": "all_of", "validators": [{"use": "max_errors", "limit": 0}, "parts_s:holds"]},
        "own": {"use": "parts_s:holds", "every": 5},
    },
    "thresholds": {"preset": "strict", "min_success_rate": "95%", "required": ["threads"]},
    "limits": {"step": "30s", "hook": 5},
}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A scenario file with a module beside it."""
    source = """
class Queue:
    def __init__(self, jobs: int = 5): ...

class Shelf:
    kind, undo = "shelf", __import__("chaoscore").Undo.KERNEL

    def __init__(self, size: int): ...

    def open(self, site): ...

def claim(target): ...

def claim_more(target): ...

def holds(target):
    return True
"""
    (tmp_path / "parts_s.py").write_text(source)
    yield tmp_path / "x.toml"
    sys.modules.pop("parts_s", None)


def refusals(table: dict[str, Any]) -> list[str]:
    """Where the schema refuses *table*."""
    return [error.json_path for error in Draft202012Validator(schema_of(catalogue())).iter_errors(table)]


def loads(table: dict[str, Any], file: Path) -> bool:
    """Tell whether the loader accepts *table*."""
    try:
        with importable(file.parent):
            scenario_from(table, file, catalogue(), {})
    except InvalidScenarioError:
        return False
    return True


def test_the_schema_is_a_schema() -> None:
    """The schema keeps to its own dialect."""
    Draft202012Validator.check_schema(schema_of(catalogue()))


@pytest.mark.parametrize("table", [MINIMAL, FULL])
def test_what_the_loader_reads_the_schema_allows(file: Path, table: dict[str, Any]) -> None:
    """A file that can be loaded is valid."""
    assert loads(table, file)
    assert refusals(table) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"sed": 5}, "$"),
        ({"seed": "x"}, "$.seed"),
        ({"on_failure": "maybe"}, "$.on_failure"),
        ({"steps": []}, "$.steps"),
        ({"steps": [{"name": "x"}]}, "$.steps[0]"),
        ({"target": {}}, "$.target"),
        ({"target": {"use": "nobody"}}, "$.target"),
        ({"workload": {"repeat": "5"}}, "$.workload.repeat"),
        ({"workload": {"run_for": "5s"}}, "$.workload"),
        ({"inject": {"x": {"use": "dely", "low": 1}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "delay"}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "delay", "low": -1}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "delay", "low": 1, "hihg": 2}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "delay", "low": 1, "window": {"evry": 2}}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "delay", "low": 1, "probability": 2}}}, "$.inject.x"),
        ({"inject": {"x": {"use": "composite", "injectors": [{"use": "delay"}]}}}, "$.inject.x"),
        ({"expect": {"x": {"use": "thread_limit", "limit": 5, "severity": "bad"}}}, "$.expect.x"),
        ({"expect": {"x": {"use": "thread_limit", "limit": 5, "scope": "db"}}}, "$.expect.x"),
        ({"expect": {"x": 5}}, "$.expect.x"),
        ({"thresholds": {"preset": "strikt"}}, "$.thresholds.preset"),
        ({"limits": {"step": True}}, "$.limits.step"),
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(file: Path, change: dict[str, Any], place: str) -> None:
    """A mistake is marked where it is, and the file does not load either."""
    assert refusals(MINIMAL | change) == [place]
    assert not loads(MINIMAL | change, file)


def test_the_schema_is_of_exactly_what_is_installed(install: Callable[..., Path]) -> None:
    """A plugin's part becomes valid when it is installed, with its own parameters, and not before."""
    table = MINIMAL | {"target": {"use": "t.queue", "jobs": 5}}
    assert refusals(table) == ["$.target"]
    source = """
        from chaoscore import hookimpl

        class Queue:
            '''A queue.'''
            def __init__(self, jobs: int): ...

        @hookimpl
        def chaos_targets():
            return {"t.queue": Queue}
    """
    install("t", source)
    assert refusals(table) == []
    assert refusals(MINIMAL | {"target": {"use": "t.queue", "jobs": "x"}}) == ["$.target"]


def test_keys_are_explained() -> None:
    """Editors can show what each key means."""
    properties = schema_of(catalogue())["properties"]
    assert all(each["description"] for each in properties.values())
    delay = next(
        each
        for each in schema_of(catalogue())["$defs"]["injector"]["anyOf"]
        if "delay" in str(each["properties"]["use"])
    )
    assert delay["properties"]["low"]["description"] == "Shortest delay, seconds."


changes = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(-5, 5) | st.just("x"),
        "workload": st.fixed_dictionaries({}, optional={"repeat": st.integers(1, 9), "rate": st.floats(0.5, 9)}),
        "inject": st.dictionaries(
            st.sampled_from("ab"), st.fixed_dictionaries({"use": st.sampled_from(["delay", "panic", "parts_s:Queue"])})
        ),
    },
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=changes)
def test_the_schema_allows_whatever_loads(file: Path, change: dict[str, Any]) -> None:
    """No file that loads is marked as wrong."""
    if loads(MINIMAL | change, file):
        assert refusals(MINIMAL | change) == []
