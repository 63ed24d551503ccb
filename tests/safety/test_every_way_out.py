"""Whatever fails on the way, every journalled fault is undone, and the first error is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaoscore import ExitCode, Report, Scenario, Verdict
from chaoscore.plugins import catalogue
from chaoscore.safety import undo
from tests.executor.parts import Collect, Diary, Door, Looker, Target, step
from tests.safety.toys import Toybox

HOOKS = [
    "setup",
    "teardown",
    *(f"{verb} {name}" for verb in ("open", "lift", "evidence") for name in "ab"),
    *(f"{verb} l" for verb in ("start", "conclude")),
    *(f"check l {moment}" for moment in ("before", "during", "after")),
    "step",
    *(f"{verb} r" for verb in ("follow", "report")),
]
PLACES = (0, 1, 2)
"""Where the toys stand in the order of the injectors."""


@pytest.fixture(autouse=True)
def _plugin(box: Toybox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process have the plugin, and lose no time between attempts to undo."""
    monkeypatch.syspath_prepend(str(box.site))
    monkeypatch.setattr(undo, "PAUSES_S", (0, 0, 0))


def run(box: Toybox, diary: Diary, place: int, bad: str, asyncs: list[bool]) -> Report:
    """Run two doors and the toys, with everything that *diary* says failing."""
    toys: Any = catalogue().injectors.by_name()["toy.switch"]
    injectors = [("a", Door(diary, "a", asyncs[0])), ("b", Door(diary, "b", asyncs[1]))]
    injectors.insert(place, ("toys", toys(str(box.toys), bad=bad)))
    chaos = Scenario("hostile").target(Target(diary, asyncs[2])).step("work", step(diary, asyncs[3]))
    for name, injector in injectors:
        chaos = chaos.inject(name, injector)
    chaos = chaos.expect("l", Looker(diary, "l", asyncs[4])).repeat(2)
    return chaos.run(reporters=[Collect(diary, "r")])


def check(box: Toybox, diary: Diary, report: Report) -> None:
    """See that nothing is left, and that what failed first is what is told first."""
    assert (box.on(), box.journals(), box.watchdogs()) == ([], [], [])
    failed = [line for line in diary.lines if line in diary.failing]
    inner = [line for line in failed if line != "step" and not line.startswith(("follow", "report"))]
    troubles = [each for each in report.troubles if not each.who.startswith("reporter")]
    assert [each.error.message for each in troubles[:1]] == inner[:1]
    assert (report.exit_code is ExitCode.FAULTS_LEFT) == bool({"lift a", "lift b"} & set(failed))
    assert not inner or report.verdict.rank >= Verdict.UNKNOWN.rank
    opened = [line.split()[1] for line in diary.of("open") if line not in diary.failing]
    assert [line.split()[1] for line in diary.of("lift")] == opened[::-1]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_leaves_no_fault(box: Toybox, hook: str) -> None:
    """Each hook by itself."""
    diary = Diary(hook)
    check(box, diary, run(box, diary, HOOKS.index(hook) % 3, "", [False] * 5))


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failing=st.sets(st.sampled_from(HOOKS)),
    place=st.sampled_from(PLACES),
    bad=st.sampled_from(["", "fails twice", "all fails twice"]),
    asyncs=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_any_set_of_hooks_that_raise_leaves_no_fault(
    box: Toybox, failing: set[str], place: int, bad: str, asyncs: list[bool]
) -> None:
    """Wherever the fault stands among the others, and where its undo needs several attempts."""
    Path(box.tries).unlink(missing_ok=True)
    diary = Diary(*failing)
    check(box, diary, run(box, diary, place, bad, asyncs))
