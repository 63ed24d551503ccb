"""The validators, on real processes."""

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chaos_process import child_limit, fd_limit, memory_limit, system
from chaos_process.children import running
from chaoscore import Moment, Scene, Severity, Site, Validator

SceneOf = Callable[[object], Scene]
Spawn = Callable[..., Any]

LEAKS_MEMORY = ("held = []", "held.append(bytearray(b'x' * (1 << 20)))")
LEAKS_FILES = ("held = []", "held.append(open('/dev/null'))")
LEAKS_CHILDREN = ("", "os.fork() or signal.pause()")
LEAKS_ZOMBIES = ("", "os.fork() or os._exit(0)")
USES_AND_FREES = ("", "used = [bytearray(b'x' * (1 << 20)), open('/dev/null')]")


def judged(validator: Validator, child: Any, scene_of: SceneOf, elapsed: Any, looks: int = 20) -> list[str]:
    """Let a child do its thing before each of *looks* looks, and return what the validator says."""
    checker: Any = validator.start(scene_of(SimpleNamespace(pid=child.pid)))
    found = []
    for _ in range(looks):
        child.tell()
        elapsed.now_s += checker.every_s
        found += checker.check(Moment.DURING)
    last = checker.conclude()
    return [each.message for each in [*found, *(last if isinstance(last, list) else [last] if last else [])]]


@pytest.mark.parametrize(
    ("validator", "leak", "message"),
    [
        (memory_limit(growth="4MiB", of="target"), LEAKS_MEMORY, "the memory of process"),
        (fd_limit(growth=4, of="target"), LEAKS_FILES, "the number of open files of process"),
        (child_limit(growth=4, of="target"), LEAKS_CHILDREN, "the number of children of process"),
        (child_limit(growth=4, of="target"), LEAKS_ZOMBIES, "the number of children of process"),
    ],
    ids=["memory", "files", "children", "zombies"],
)
def test_a_leak_is_growth(
    validator: Validator, leak: tuple[str, str], message: str, spawn: Spawn, scene_of: SceneOf, elapsed: Any
) -> None:
    """A target that keeps a little more at every step is found, with how much and how fast."""
    [found] = judged(validator, spawn(*leak), scene_of, elapsed)
    assert found.startswith(message)
    assert "keeps growing: by 19" in found


@pytest.mark.parametrize(
    "validator",
    [memory_limit(growth="4MiB", of="target"), fd_limit(growth=4, of="target"), child_limit(growth=4, of="target")],
    ids=lambda validator: validator.kind,
)
def test_what_is_freed_is_no_growth(validator: Validator, spawn: Spawn, scene_of: SceneOf, elapsed: Any) -> None:
    """A target that uses memory and files, and gives them back, does not grow."""
    assert judged(validator, spawn(*USES_AND_FREES), scene_of, elapsed) == []


@pytest.mark.parametrize(
    ("validator", "leak"),
    [
        (memory_limit("12MiB", of="target"), LEAKS_MEMORY),
        (fd_limit(8, of="target"), LEAKS_FILES),
        (child_limit(5, of="target"), LEAKS_CHILDREN),
    ],
    ids=["memory", "files", "children"],
)
def test_a_limit_is_crossed(
    validator: Validator, leak: tuple[str, str], spawn: Spawn, scene_of: SceneOf, elapsed: Any
) -> None:
    """A target that uses more than its limit is found when it does, and its peak at the end."""
    crossed, peak = judged(validator, spawn(*leak), scene_of, elapsed, looks=15)
    assert "at most" in crossed
    assert "had up to" in peak


@pytest.mark.parametrize(
    "validator",
    [memory_limit("64GiB"), fd_limit(1_000_000), child_limit(100_000)],
    ids=lambda validator: validator.kind,
)
def test_this_process_is_the_default(validator: Any, scene_of: SceneOf) -> None:
    """Without `of`, the process that runs the scenario is watched."""
    checker = validator.start(scene_of(object()))
    assert checker.check(Moment.DURING) == []
    assert [each.pid for each in checker._courses] == [os.getpid()]
    assert checker.conclude() is None


def test_children_of_the_tool_do_not_count(site: Site, scene_of: SceneOf, elapsed: Any) -> None:
    """Opening faults that start children, again and again and more of them, is no leak of the target's."""
    before = len([each for each in system.descendants(system.this_process()) if not system.is_helper(each)])
    checker: Any = child_limit(before, growth=0, every="1s").start(scene_of(object()))
    found = []
    for count in (1, 1, 2, 3):
        with running(site, "process.cpu", "cpu", 0.01, count):
            for _ in range(5):
                elapsed.now_s += 1.0
                found += checker.check(Moment.DURING)
    assert found == []
    assert checker.conclude() is None


def test_children_of_the_target_count_beside_those_of_the_tool(
    site: Site, spawn: Spawn, scene_of: SceneOf, elapsed: Any
) -> None:
    """One child too many is found although a fault is open."""
    before = len([each for each in system.descendants(system.this_process()) if not system.is_helper(each)])
    checker: Any = child_limit(before).start(scene_of(object()))
    with running(site, "process.cpu", "cpu", 0.01):
        spawn()
        [violation] = checker.check(Moment.DURING)
    assert violation.message == f"this process has {before + 1} child processes, at most {before} allowed"


@pytest.mark.parametrize("validator", [memory_limit, fd_limit, child_limit])
def test_something_must_be_limited(validator: Any) -> None:
    """A validator that could find nothing cannot be built."""
    with pytest.raises(ValueError, match=r"process\.\w+_limit needs at least one of limit=, growth="):
        validator()


@pytest.mark.parametrize(
    ("validator", "parts"),
    [
        (memory_limit, {"limit": "64"}),
        (memory_limit, {"limit": 1.5}),
        (memory_limit, {"growth": "-1MiB"}),
        (fd_limit, {"limit": 0}),
        (fd_limit, {"limit": "10"}),
        (fd_limit, {"growth": -1}),
        (child_limit, {"limit": True}),
        (child_limit, {"limit": 1, "of": "children"}),
        (child_limit, {"limit": 1, "of": 12}),
        (child_limit, {"limit": 1, "every": 0}),
        (child_limit, {"limit": 1, "every": "1"}),
        (child_limit, {"limit": 1, "severity": "bad"}),
    ],
)
def test_wrong_values_cannot_be_built(validator: Any, parts: dict[str, Any]) -> None:
    """Units, ranges and words are checked when a validator is made."""
    with pytest.raises((TypeError, ValueError)):
        validator(**parts)


def test_they_are_validators() -> None:
    """Each has a kind and a severity, critical unless it is told otherwise."""
    for validator in (memory_limit("1GiB"), fd_limit(10), child_limit(0)):
        assert isinstance(validator, Validator)
        assert validator.severity is Severity.CRITICAL
    assert memory_limit("1GiB", severity="warning").severity is Severity.WARNING


def test_a_checker_begins_anew_with_each_run(scene_of: SceneOf) -> None:
    """Two runs of one validator have nothing in common."""
    validator = memory_limit("1GiB")
    first, second = validator.start(scene_of(object())), validator.start(scene_of(object()))
    first.check(Moment.DURING)
    assert second._courses == {}


def test_the_resource_tracker_is_no_leak(scene_of: SceneOf, spawn: Spawn) -> None:
    """The standard library's helper, which lives as long as the process, does not count."""
    command = ["-c", "import time; time.sleep(60)", "from multiprocessing.resource_tracker import main"]
    child = spawn("import subprocess", f"subprocess.Popen([sys.executable, *{command}])")
    child.tell()
    checker: Any = child_limit(0, of="target").start(scene_of(SimpleNamespace(pid=child.pid)))
    assert checker.check(Moment.DURING) == []
