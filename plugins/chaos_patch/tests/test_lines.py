"""Lines of files as targets."""

import asyncio
import sys
from typing import Any

import pytest

import chaos_patch
from chaos_patch import lines
from chaos_patch.engine import Patches
from chaos_patch.errors import TargetError, UnsupportedError
from chaos_patch.lines import LineSeat
from chaoscore import InjectedError, Report, Scenario

OLD = sys.version_info < (3, 12)
new = pytest.mark.skipif(OLD, reason="cannot run here: needs Python 3.12")

SOURCE = """\
def outer(number):
    def inner():
        doubled = number * 2
        return doubled
    return inner() + 1


async def waits(number):
    number += 1
    return number


class Service:
    def method(self):
        total = 0
        for each in range(3):
            total += each
        return total
"""


@pytest.fixture
def home(module: Any) -> Any:
    return module("patched_lines", SOURCE)


def monitoring() -> Any:
    return vars(sys)["monitoring"]


def nobody_watches() -> bool:
    return not lines._watched and all(monitoring().get_tool(number) is None for number in (3, 4))


@pytest.mark.skipif(not OLD, reason="cannot run here: Python 3.12 has lines")
def test_an_old_python_refuses_lines() -> None:
    """On Python 3.11 a line is refused at construction, with the version it needs."""
    with pytest.raises(TargetError, match=r"a line as a target needs Python 3.12, and this is 3.11; name a function"):
        chaos_patch.error("shop.py:12")


@new
def test_a_line_is_seen_each_time(home: Any, hook: Any) -> None:
    """A hook on a line is called whenever it is about to be executed, also in a loop, and not afterwards."""
    armed = Patches(lambda: True).arm(LineSeat("patched_lines.py", 17), hook)
    assert home.Service().method() == 3
    armed.disarm()
    assert (home.Service().method(), hook.seen) == (3, ["before"] * 3)
    assert nobody_watches()


@new
def test_a_function_inside_a_function_is_reached(home: Any, hook: Any) -> None:
    """The line of a function that is made anew by each call is seen in each of them, and named."""
    armed = Patches(lambda: True).arm(LineSeat("patched_lines.py", 3), hook)
    assert (home.outer(1), home.outer(2), len(hook.seen)) == (3, 5, 2)
    assert [each.rpartition(" in ")[2] for each in armed.places] == ["outer.<locals>.inner"]
    armed.disarm()


@new
def test_two_lines_of_a_function_leave_in_any_order(home: Any, recorder: Any) -> None:
    """Patches on several lines of one function do not disturb one another."""
    patches, one, other = Patches(lambda: True), recorder(), recorder()
    first, second = (
        patches.arm(LineSeat("patched_lines.py", 3), one),
        patches.arm(LineSeat("patched_lines.py", 4), other),
    )
    home.outer(1)
    first.disarm()
    home.outer(1)
    second.disarm()
    home.outer(1)
    assert (len(one.seen), len(other.seen), nobody_watches()) == (1, 2, True)


@new
def test_what_a_hook_raises_is_raised_in_that_line(home: Any, hook: Any) -> None:
    """An error comes out of the line, which is not executed."""

    def fail(*_: object) -> None:
        raise LookupError

    hook.before = fail
    armed = Patches(lambda: True).arm(LineSeat("patched_lines.py", 17), hook)
    with pytest.raises(LookupError) as caught:
        home.Service().method()
    armed.disarm()
    assert any(entry.lineno + 1 == 17 and entry.name == "method" for entry in caught.traceback)


@new
@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("no_such_file.py:3", "no loaded function comes from such a file; import it first, and write its path"),
        ("patched_lines.py:99", "no function has code in that line; there is some in 18, 17, 16"),
        ("patched_lines.py:12", "no function has code in that line; there is some in"),
        ("tests/patched_lines.py:3", "no loaded function comes from such a file"),
        ("__init__.py:3", r"\d+ files end like that: .*; write more of the path"),
    ],
)
def test_a_line_that_is_not_there_is_refused(home: Any, target: str, problem: str) -> None:
    """A line of no loaded file, without code, or of several files, is an error that helps to find the right one."""
    with pytest.raises(TargetError, match=problem):
        chaos_patch.error(target)


@new
@pytest.mark.parametrize("make", [chaos_patch.corrupt, chaos_patch.after])
def test_a_line_has_no_value(home: Any, make: Any) -> None:
    """What needs the value of a function cannot strike at a line."""
    with pytest.raises(TargetError, match="needs what a function returns; name a function, not a line"):
        make("patched_lines.py:3")


@new
def test_where_every_number_is_taken_it_is_refused(home: Any, hook: Any) -> None:
    """Where other tools watch under both numbers, arming fails with their names, and nothing is left."""
    for number in (3, 4):
        monitoring().use_tool_id(number, f"tool {number}")
    patches = Patches(lambda: True)
    try:
        with pytest.raises(UnsupportedError, match=r"other tools are watching \(tool 4, tool 3\)"):
            patches.arm(LineSeat("patched_lines.py", 3), hook)
    finally:
        for number in (3, 4):
            monitoring().free_tool_id(number)
    assert (patches.armed, lines._watched) == ((), {})
    patches.arm(LineSeat("patched_lines.py", 3), hook).disarm()


def run(injector: Any, step: Any, repeat: int = 1) -> Report:
    scenario = Scenario("lines").target(object()).step("step", step).inject("line", injector).repeat(repeat)
    return scenario.continue_on_failure().thresholds("relaxed").run(seed=1)


@new
def test_a_line_is_a_point_of_a_run(home: Any) -> None:
    """An injector strikes at a line with its probability, in the run and nowhere else."""
    report = run(chaos_patch.error("patched_lines.py:3", probability=0.5), lambda _: home.outer(1), 40)
    [injection] = report.injections
    assert injection.asked == 40
    assert 5 < report.iterations.faulted < 35
    assert injection.fired == report.iterations.faulted
    assert "outer.<locals>.inner" in str(injection.detail["reached"])
    assert (home.outer(1), nobody_watches()) == (3, True)


@new
def test_a_line_of_a_task_can_be_cancelled(home: Any) -> None:
    """A cancellation at a line of an `async def` function reaches its task."""

    async def step(_: object) -> None:
        await home.waits(1)
        await asyncio.sleep(0)

    report = run(chaos_patch.cancel("patched_lines.py:9"), step)
    assert (report.iterations.faulted, report.injections[0].fired) == (1, 1)


@new
def test_outside_a_run_a_line_passes_through(home: Any) -> None:
    """Code that does not belong to the run is not struck while an injector is open."""

    def step(_: object) -> None:
        with pytest.raises(InjectedError):
            home.outer(1)
        from contextvars import Context

        assert Context().run(home.outer, 1) == 3

    assert run(chaos_patch.error("patched_lines.py:3"), step).iterations.ok == 1
