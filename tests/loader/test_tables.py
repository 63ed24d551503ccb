import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaoscore import PluginError, Scenario, validators
from chaoscore.errors import InvalidScenarioError
from chaoscore.loader.imports import importable
from chaoscore.loader.tables import SETTINGS, scenario_from
from chaoscore.plugins import catalogue
from chaoscore.verdict import PRESETS, Severity

Read = Callable[..., Scenario]
Problems = Callable[..., dict[str, str]]

PARTS = """
    import attrs
    from chaoscore import Undo
    from chaoscore.injectors import delay
    from chaoscore.validators import thread_limit

    BUILT = []
    ready_delay = delay("5ms")
    ready_limit = thread_limit(200)

    class Queue:
        name = "the queue"

        def __init__(self, jobs: int = 10, *, dsn: str = "") -> None:
            BUILT.append(jobs)
            if jobs == 13:
                raise RuntimeError(f"no luck with {dsn}")

        def claim(self): ...
        async def aclaim(self): ...

    class Misspelt:
        def tearDown(self): ...

    queue = Queue(1)

    def make_queue(jobs: int):
        return Queue(jobs)

    def leave():
        raise SystemExit(0)

    def claim(target): ...
    async def aclaim(target): ...
    def holds(target): return True

    @attrs.frozen
    class Shelf:
        '''A provider of the scenario's own.'''
        kind = "shelf"
        undo = Undo.KERNEL
        size: int
        def open(self, site): ...

    @attrs.frozen
    class Own:
        '''An injector of the scenario's own.'''
        kind = "own"
        undo = Undo.KERNEL
        answers = frozenset({"point"})
        at = None
        many: int = 1
        def answer(self, ask): ...
"""
MINIMAL = {"target": {"use": "parts_x:Queue"}, "steps": [{"use": "parts_x:claim"}]}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A scenario file that is not there, with a module beside it that is."""
    (tmp_path / "parts_x.py").write_text(dedent(PARTS))
    yield tmp_path / "job.toml"
    sys.modules.pop("parts_x", None)


@pytest.fixture
def read(file: Path) -> Read:
    def read(dry: bool = False, environment: dict[str, str] | None = None, **table: Any) -> Scenario:
        with importable(file.parent):
            return scenario_from(MINIMAL | table, file, catalogue(), environment or {}, dry=dry)

    return read


@pytest.fixture
def problems(read: Read, file: Path) -> Problems:
    def problems(**table: Any) -> dict[str, str]:
        """What is wrong, by place in the file."""
        with pytest.raises(InvalidScenarioError) as caught:
            read(**table)
        found: dict[str, str] = {}
        for each in caught.value.problems:
            where = each.where.removeprefix(str(file)).removeprefix(": ")
            found[where] = f"{found.get(where, '')}{each.problem}; {each.remedy}"
        return found

    return problems


def built() -> list[int]:
    """The queues that were made."""
    found: list[int] = sys.modules["parts_x"].BUILT
    return found


# -- what can be said --------------------------------------------------------------------------------------------------


def test_a_target_and_a_step_are_enough(read: Read) -> None:
    """The smallest file gives a scenario that can be run, named after the file."""
    scenario = read()
    assert (scenario.name, scenario.target_name) == ("job", "the queue")
    assert [step.name for step in scenario.step_list] == ["claim"]
    assert scenario.problems() == []


def test_everything_can_be_said(read: Read) -> None:
    """Every section reaches the scenario, each value in its unit."""
    scenario = read(
        name="orders",
        seed=42,
        on_failure="continue",
        target={"use": "parts_x:Queue", "jobs": 5},
        steps=[{"name": "first", "use": "parts_x:claim", "limit": "5s"}, "parts_x:aclaim"],
        workload={"repeat": 400, "for": "1m", "workers": 8, "rate": 50},
        inject={
            "slow": {
                "use": "delay",
                "low": "1ms",
                "high": 0.005,
                "scope": "db",
                "window": {"start": "5s", "every": "10s", "for": "2s", "probability": "50%"},
            }
        },
        expect={"threads": {"use": "thread_limit", "limit": 200, "severity": "warning"}},
        thresholds={"preset": "strict", "min_success_rate": "95%", "required": ["threads"]},
        limits={"step": "30s", "hook": 5},
    )
    assert (scenario.name, scenario.fixed_seed, scenario.fail_fast) == ("orders", 42, False)
    assert built()[-1] == 5
    assert [(step.name, step.limit_s, step.is_async) for step in scenario.step_list] == [
        ("first", 5.0, False),
        ("aclaim", None, True),
    ]
    load = scenario.workload
    assert (load.repeat, load.run_for_s, load.workers, load.rate) == (400, 60.0, 8, 50)
    (slow,) = scenario.injections
    assert (slow.name, slow.scope) == ("db.slow", "db")
    assert (slow.injector.low_s, slow.injector.high_s) == (0.001, 0.005)  # type: ignore[attr-defined]
    window = slow.window
    assert (window.start_s, window.every_s, window.for_s, window.probability) == (5, 10, 2, 0.5)
    assert scenario.expectations[0].validator == validators.thread_limit(200, severity=Severity.WARNING)
    assert scenario.goals == attrs.evolve(PRESETS["strict"], min_success_rate=0.95, required=frozenset({"threads"}))
    assert (scenario.limits.step_s, scenario.limits.hook_s, scenario.limits.drain_s) == (30, 5, 10)


def test_injectors_keep_their_order(read: Read) -> None:
    """Injectors act in the order of the file."""
    inject = {name: {"use": "delay", "low": 1} for name in ("z", "a", "m")}
    assert [each.name for each in read(inject=inject).injections] == ["z", "a", "m"]


def test_a_step_may_be_a_method_of_the_target(read: Read) -> None:
    """``.claim`` is the target's own method, called with the target, sync or async as it is written."""
    steps = read(steps=[".claim", {"name": "again", "use": ".aclaim"}]).step_list
    assert [(step.name, step.is_async) for step in steps] == [("claim", False), ("again", True)]
    assert steps[0].call(sys.modules["parts_x"].queue) is None


def test_a_method_of_a_target_from_a_function_is_found_when_it_is_called(read: Read) -> None:
    """Where only a call would tell what the target is, a look at the file believes in the method."""
    target = {"use": "parts_x:make_queue", "jobs": 2}
    assert read(target=target, steps=[".claim"]).problems() == []
    assert read(dry=True, target=target, steps=[".claim"]).step_list[0].name == "claim"


@pytest.mark.parametrize("use", ["parts_x:queue", "parts_x:Queue"])
def test_a_target_may_be_a_value_or_what_makes_one(read: Read, use: str) -> None:
    """Classes and functions are called, anything else is the target itself."""
    assert type(read(target={"use": use}).subject).__name__ == "Queue"


def test_injectors_of_ones_own(read: Read) -> None:
    """An injector may be a class or a value that ``module:attribute`` names."""
    inject = {"own": {"use": "parts_x:Own", "many": 3}, "ready": {"use": "parts_x:ready_delay"}}
    own, ready = read(inject=inject).injections
    assert own.injector.many == 3  # type: ignore[attr-defined]
    assert ready.injector is sys.modules["parts_x"].ready_delay


def test_what_is_provided(read: Read) -> None:
    """A provider is asked for like any other part, and its name is that of its table."""
    [shelf] = read(provide={"shelf": {"use": "parts_x:Shelf", "size": 3}}).provisions
    assert (shelf.name, shelf.provider.size) == ("shelf", 3)  # type: ignore[attr-defined]


def test_a_wrong_provider_is_said_where_it_is(problems: Problems) -> None:
    """An unknown provider, a name that no parameter can have, and a missing value are told at their places."""
    found = problems(
        provide={
            "one": {"use": "toxiproxy.proxy"},
            "a b": {"use": "parts_x:Shelf", "size": 3},
            "two": {"use": "parts_x:Shelf"},
            "three": {"use": "parts_x:ready_delay"},
        }
    )
    assert "no provider 'toxiproxy.proxy'" in found["provide.one.use"]
    assert "that a parameter of `setup` can have" in found['provide."a b"']
    assert "it is missing" in found["provide.two.size"]
    assert "is an injector, not a provider" in found["provide.three"]


def test_a_function_is_a_validator(read: Read) -> None:
    """A function of the target is what must hold, with the parameters of `state_consistency`."""
    expect = {"ok": {"use": "parts_x:holds", "every": "2s"}, "ready": {"use": "parts_x:ready_limit"}}
    ok, ready = read(expect=expect).expectations
    holds = sys.modules["parts_x"].holds
    assert ok.validator == validators.state_consistency(holds, every="2s")
    assert ready.validator is sys.modules["parts_x"].ready_limit


def test_parts_inside_parts(read: Read) -> None:
    """Composites take tables that are read like any other, and references to functions."""
    scenario = read(
        inject={"both": {"use": "composite", "injectors": [{"use": "delay", "low": "5ms"}, {"use": "panic"}]}},
        expect={"all": {"use": "all_of", "validators": [{"use": "thread_limit", "limit": 5}, "parts_x:holds"]}},
    )
    both = scenario.injections[0].injector
    assert [each.kind for each in both.injectors] == ["delay", "panic"]  # type: ignore[attr-defined]
    inner = scenario.expectations[0].validator.validators  # type: ignore[attr-defined]
    assert inner[0] == validators.thread_limit(5)
    assert len(inner) == 2


def test_a_parameter_that_is_a_function_is_referred_to(read: Read) -> None:
    """A callable parameter is written as ``module:attribute``."""
    scenario = read(expect={"state": {"use": "state_consistency", "call": "parts_x:holds"}})
    assert scenario.expectations[0].validator == validators.state_consistency(sys.modules["parts_x"].holds)


def test_an_installed_target(read: Read, install: Callable[..., Path]) -> None:
    """A target may come from a plugin, by its name, with parameters."""
    source = """
        from types import SimpleNamespace
        from chaoscore import hookimpl

        @hookimpl
        def chaos_targets():
            return {"t.space": SimpleNamespace}
    """
    install("t", source)
    assert read(target={"use": "t.space", "a": 5}).subject.a == 5


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_values_from_the_environment_are_secret(read: Read) -> None:
    """What ``${NAME}`` brings in is put in and remembered as not to be shown."""
    target = {"use": "parts_x:Queue", "dsn": "postgres://${WHO}"}
    scenario = read(environment={"WHO": "me:hunter2"}, target=target, name="$${x}")
    assert scenario.secrets == {"me:hunter2"}
    assert scenario.name == "${x}"
    assert "hunter2" not in repr(scenario)


def test_a_missing_variable_is_an_error_at_its_place(problems: Problems) -> None:
    """A variable that is not set is named with its place, and its value is not complained about as well."""
    found = problems(inject={"slow": {"use": "delay", "low": "${LOW}"}}, steps=[{"use": "${STEP}"}])
    assert "the environment variable LOW is not set" in found.pop("inject.slow.low")
    assert "the environment variable STEP is not set" in found.pop("steps[0].use")
    assert found == {}


def test_no_error_shows_a_secret(read: Read) -> None:
    """A wrong value from the environment is complained about without being shown, in the cause's text neither."""
    with pytest.raises(InvalidScenarioError) as caught:
        read(
            environment={"TOKEN": "hunter2"},
            limits={"step": "${TOKEN}"},
            target={"use": "parts_x:Queue", "jobs": 13, "dsn": "${TOKEN}"},
        )
    assert "'***' is not a duration" in str(caught.value)
    assert "no luck with ***" in str(caught.value)
    assert "hunter2" not in str(caught.value)


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_all_problems_are_found_at_once(problems: Problems) -> None:
    """One pass finds what is wrong in every section, each with its place."""
    found = problems(
        seed="x",
        on_failure="maybe",
        target={"use": "parts_x:Queue", "jobz": 5},
        steps=[{"use": "parts_x:clam"}, {"nam": "x"}, 5, ".clam"],
        workload={"repeat": 0, "for": "60", "workers": "8", "rate": -1},
        inject={
            "slow": {"use": "dely"},
            "wrong": {
                "use": "delay",
                "hihg": 1,
                "probability": 2,
                "scope": 5,
                "window": {"start": "5s", "until": "3s"},
            },
        },
        expect={"threads": {"use": "thread_limit", "limit": -5, "severity": "bad"}},
        thresholds={"preset": "strikt", "required": ["thread"]},
        limits={"stepp": 5},
    )
    expected = {
        "seed": "expected whole number, not 'x'",
        "on_failure": "expected 'stop' or 'continue', not 'maybe'",
        "target.jobz": "no key 'jobz' here (did you mean 'jobs'?); have jobs, dsn",
        "steps[0].use": "there is no 'clam' in it (did you mean 'claim'?)",
        "steps[1].nam": "(did you mean 'name'?)",
        "steps[1].use": "it is missing",
        "steps[2].use": "expected text, not 5",
        "steps[3].use": "Queue, the target, has no method 'clam' (did you mean 'claim'?)",
        "workload.repeat": "repeat must be 1 or more, not 0",
        "workload.for": "'60' has no unit, did you mean '60s'?",
        "workload.workers": "expected whole number, not '8'",
        "workload.rate": "rate must be finite and more than 0",
        "inject.slow.use": "no injector 'dely' (did you mean 'delay'?)",
        "inject.wrong.hihg": "(did you mean 'high'?)",
        "inject.wrong.low": "it is missing; add it: duration",
        "inject.wrong.probability": "a probability lies between 0 and 1",
        "inject.wrong.scope": "expected text, not 5",
        "inject.wrong.window": "until 3 s must come after start 5 s",
        "expect.threads.limit": "limit must be 1 or more, not -5",
        "expect.threads.severity": "expected 'critical', 'warning' or 'info', not 'bad'",
        "thresholds.preset": "expected 'strict', 'default' or 'relaxed', not 'strikt'",
        "thresholds.required": "there is no expectation 'thread' (did you mean 'threads'?)",
        "limits.stepp": "(did you mean 'step'?)",
    }
    assert found.keys() == expected.keys()
    for place, text in expected.items():
        assert text in found[place], place


@pytest.mark.parametrize(
    ("table", "place", "text"),
    [
        ({"steps": []}, "steps", "there is no step"),
        ({"steps": "parts_x:claim"}, "steps", "expected list of any values, not 'parts_x:claim'"),
        ({"steps": [".claim", ".claim"]}, "steps[1]", "there are two steps named 'claim'"),
        ({"steps": ["claim"]}, "steps[0].use", "'claim' is not of the form 'module:attribute'"),
        ({"steps": ["parts_x:BUILT"]}, "steps[0]", "cannot be called"),
        ({"target": {}}, "target.use", "it is missing; add it: text"),
        ({"target": {"use": "nobody"}}, "target.use", "no target 'nobody'"),
        ({"target": {"use": "parts_x:queue", "jobs": 5}}, "target.jobs", "is a value and takes no parameters"),
        ({"target": {"use": "parts_x:leave"}}, "target", "it raised SystemExit: 0"),
        ({"target": {"use": "parts_x:Queue", "jobs": 13}}, "target", "it raised RuntimeError: no luck"),
        ({"target": {"use": "parts_x:Queue", "jobs": "5"}}, "target.jobs", "expected whole number, not '5'"),
        ({"target": {"use": "parts_x:Misspelt"}}, "target", "rename it to 'teardown'"),
        ({"target": 5}, "target", "expected table, not 5"),
        ({"name": ""}, "name", "its name is ''"),
        ({"name": "a\nb"}, "name", "its name is 'a\\nb'"),
        ({"seed": True}, "seed", "expected whole number, not True"),
        ({"step": []}, "step", "did you mean 'steps'?"),
        ({"limits": {"seed": 5}}, "limits.seed", "'seed' belongs to the file itself; write it at the top"),
        ({"inject": {"a b": {"use": "delay"}}}, 'inject."a b".low', "it is missing"),
        ({"inject": {"x": {"use": "network"}}}, "inject.x", "network does nothing; give it delay="),
        ({"inject": {"x": {"use": "parts_x:claim"}}}, "inject.x.target", "it is missing"),
        ({"inject": {"x": {"use": "parts_x:Queue"}}}, "inject.x", "is not an injector"),
        ({"inject": {"x": {"use": "parts_x:queue"}}}, "inject.x", "is not an injector"),
        ({"inject": {"x": 5}}, "inject.x", "expected a table, not 5"),
        ({"inject": {"x": {"use": "delay", "low": 1, "window": {"every": "5s"}}}}, "inject.x.window", "go together"),
        (
            {"inject": {"b": {"use": "composite", "injectors": [{"use": "delay", "low": "x"}]}}},
            "inject.b.injectors[0].low",
            "'x' is not a duration",
        ),
        (
            {"expect": {"s": {"use": "state_consistency", "call": "parts_x:hold"}}},
            "expect.s.call",
            "there is no 'hold' in it (did you mean 'holds'?)",
        ),
        ({"expect": {"s": {"use": "delay", "low": 1}}}, "expect.s.use", "no validator 'delay'"),
        ({"expect": {"s": {"use": "thread_limit"}}}, "expect.s", "needs at least one of limit=, growth="),
        ({"thresholds": {"max_failed_iterations": -1}}, "thresholds", "max_failed_iterations"),
        (
            {"inject": {"slow": {"use": "delay", "low": 1, "at": "before:clam", "scope": "db"}}},
            "inject.slow.at",
            "it strikes at 'before:clam', and there is no such step (did you mean 'claim'?); name a step",
        ),
        ({"thresholds": {"required": "threads"}}, "thresholds.required", "expected list of (text), not 'threads'"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(problems: Problems, table: dict[str, Any], place: str, text: str) -> None:
    """Each mistake is told once, at its place in the file."""
    found = problems(**table)
    assert list(found) == [place]
    assert text in found[place]


def test_a_scope_can_make_two_names_one(problems: Problems) -> None:
    """Two injectors whose full names are the same are found, though their keys differ."""
    slow = {"use": "delay", "low": 1}
    found = problems(inject={"db.slow": slow, "slow": slow | {"scope": "db"}})
    assert "there are two injectors named 'db.slow'" in found["inject.slow"]


def test_a_broken_plugin_is_the_cause(read: Read, install: Callable[..., Path]) -> None:
    """A part that only a broken plugin could offer is a problem at its place, caused by that plugin."""
    install("bad", "1 / 0")
    with pytest.raises(InvalidScenarioError, match=r"inject\.x\.use: plugin 'bad' of chaos-bad 1.0") as caught:
        read(inject={"x": {"use": "bad.nap"}})
    assert isinstance(caught.value.problems[0].__cause__, PluginError)


# -- looking only ------------------------------------------------------------------------------------------------------


def test_looking_runs_no_code_of_the_target(read: Read) -> None:
    """With `dry` the target is not made, and yet its name and its methods are known."""
    scenario = read(dry=True, target={"use": "parts_x:Queue", "jobs": 13}, steps=[".aclaim"])
    assert built() == [1]
    assert (scenario.target_name, scenario.step_list[0].is_async) == ("the queue", True)


def test_looking_finds_what_is_wrong_with_the_target(file: Path) -> None:
    """With `dry`, wrong parameters and misspelt hooks of the target are found all the same."""
    for target, text in (
        ({"use": "parts_x:Queue", "jobs": "x"}, "target.jobs"),
        ({"use": "parts_x:Misspelt"}, "teardown"),
    ):
        with importable(file.parent), pytest.raises(InvalidScenarioError, match=text):
            scenario_from(MINIMAL | {"target": target}, file, catalogue(), {}, dry=True)


# -- anything at all ---------------------------------------------------------------------------------------------------

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5ms", "50%", "delay", "composite", "all_of", "thread_limit", ".x", "parts_x:claim", "${X}"])
    | st.datetimes()
)
keys = st.text(max_size=6) | st.sampled_from(
    ["use", "low", "window", "scope", "injectors", "validators", "limit", "name", "for", "required", "every", "kind"]
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))
sections = st.sampled_from(["target", "steps", "inject", "expect", "name", "seed", "on_failure", *SETTINGS])
parts = st.dictionaries(keys, values, max_size=3).map(lambda table: {"use": "delay", "low": "1ms"} | table)
tables = st.dictionaries(
    sections | keys, values | parts | st.dictionaries(st.text(max_size=5), parts, max_size=2), max_size=6
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables)
def test_no_table_raises_anything_else(read: Read, table: dict[str, Any]) -> None:
    """Whatever a file says, the answer is a scenario or one error that lists its problems."""
    table = {key: value for key, value in table.items() if key not in ("dry", "environment")}
    problems: Sequence[Exception] = ()
    with suppress(InvalidScenarioError):
        problems = read(**table).problems()
    assert list(problems) == []
