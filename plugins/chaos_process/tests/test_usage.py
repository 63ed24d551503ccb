"""What a process uses, watched over a run."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chaos_process import system
from chaos_process.errors import GoneError, UnknownProcessError
from chaos_process.process import Process
from chaos_process.usage import Usage, UsageChecker
from chaoscore import Checks, Concludes, Moment, Scene, Verdict

SceneOf = Callable[[object], Scene]


class Meter:
    """A usage whose readings a test decides."""

    def __init__(self) -> None:
        self.value = 0
        self.values: dict[int, int] = {}
        self.gone: set[int] = set()
        self.usage = Usage(name="the number of cats", noun="cats", read=self.read, show=lambda n: f"{n:.0f}")

    def read(self, process: Process) -> int:
        if process.pid in self.gone:
            raise GoneError(process.pid)
        return self.values.get(process.pid, self.value)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def watch(meter: Meter, scene_of: SceneOf, elapsed: Any) -> Callable[..., UsageChecker]:
    """Return a checker that has seen the given readings, one each half second."""

    def start(
        *readings: int, limit: int | None = None, growth: int | None = None, of: Any = "self", target: Any = None
    ) -> UsageChecker:
        checker = UsageChecker(scene_of(target), meter.usage, of, limit, growth, 0.5)
        for reading in readings:
            look(checker, meter, elapsed, reading)
        return checker

    return start


def look(checker: UsageChecker, meter: Meter, elapsed: Any, reading: int) -> list[str]:
    elapsed.now_s += 0.5
    meter.value = reading
    return [each.message for each in checker.check(Moment.DURING)]


def concluded(checker: UsageChecker) -> list[Any]:
    found = checker.conclude()
    return found if isinstance(found, list) else [] if found is None else [found]


def test_each_crossing_is_one_violation(watch: Any, meter: Meter, elapsed: Any) -> None:
    """Going above the limit is told once, and again only after having been below."""
    checker = watch(limit=10)
    told = [look(checker, meter, elapsed, reading) for reading in (10, 11, 12, 9, 15)]
    assert [len(each) for each in told] == [0, 1, 0, 0, 1]
    assert told[1] == ["this process has 11 cats, at most 10 allowed"]


def test_the_peak_is_told_where_it_was_higher(watch: Any) -> None:
    """The end of the run brings the most that was used, unless a finding has told it."""
    assert [each.message for each in concluded(watch(11, 14, 3, limit=10))] == [
        "this process had up to 14 cats, at most 10 allowed"
    ]
    assert concluded(watch(14, 11, 3, limit=10)) == []


def test_a_limit_holds_at_the_end_as_well(watch: Any, meter: Meter) -> None:
    """What is above the limit when all faults are lifted is told, even if nobody looked before."""
    checker = watch(limit=10)
    meter.value = 12
    [violation] = concluded(checker)
    assert violation.data["value"] == 12


def test_within_the_limit_nothing_is_found(watch: Any) -> None:
    """A level at the limit is no violation."""
    assert concluded(watch(*[10] * 20, limit=10)) == []


def test_steady_growth_is_found(watch: Any) -> None:
    """A level that rises at every look is a trend, told with the numbers."""
    [violation] = concluded(watch(*range(100, 140), growth=20))
    assert violation.message.startswith("the number of cats of this process keeps growing: by 39 in 19.5 s")
    assert violation.message.endswith("(from 100 to 139), at most 20 allowed")
    assert violation.data["per_s"] == pytest.approx(2.0)
    assert violation.verdict is None


@pytest.mark.parametrize(
    "readings",
    [[100] * 40, [100] * 20 + [900] + [100] * 19, [0, 20, 40, 60, 80, *[100] * 35], [100, 103, 98, 101] * 10],
    ids=["constant", "one spike", "warm-up", "noise"],
)
def test_what_is_no_trend_is_no_growth(watch: Any, readings: list[int]) -> None:
    """Neither a constant level nor a spike, a warm-up or noise is growth, although single readings differ by more."""
    assert concluded(watch(*readings, growth=2)) == []


def test_growth_within_what_is_allowed_is_fine(watch: Any) -> None:
    """A trend that stays within its allowance is no violation; an allowance of nothing makes it one."""
    readings = range(100, 140)
    assert concluded(watch(*readings, growth=39)) == []
    assert len(concluded(watch(*readings, growth=0))) == 1


def test_too_few_looks_are_unknown(watch: Any) -> None:
    """A run too short to show a trend is unknown, not a pass, and says what to do."""
    [violation] = concluded(watch(*range(10), growth=2))
    assert violation.verdict is Verdict.UNKNOWN
    assert "run for 8 s or longer, or pass a shorter every=" in violation.message


def test_too_few_looks_do_not_hide_a_limit(watch: Any) -> None:
    """A limit is judged however short the run, and what it finds comes first."""
    [violation] = concluded(watch(5, 11, 14, limit=10, growth=2))
    assert violation.verdict is None


def test_a_limit_alone_needs_one_look(watch: Any) -> None:
    """Without growth to judge, the look at the end is enough."""
    assert concluded(watch(limit=10)) == []


def test_a_target_never_seen_is_unknown(watch: Any) -> None:
    """A target that never had a process is unknown, not a pass."""
    [violation] = concluded(watch(1, 2, limit=10, of="target", target=SimpleNamespace(pid=None)))
    assert violation.verdict is Verdict.UNKNOWN
    assert "no process of the target was ever seen" in violation.message


def test_a_target_without_a_pid_is_an_error(watch: Any) -> None:
    """A target that cannot say which process is meant makes the check raise, which is unknown."""
    with pytest.raises(UnknownProcessError):
        watch(1, limit=10, of="target", target=object())


def test_each_process_is_judged_by_itself(watch: Any, meter: Meter, spawn: Any) -> None:
    """Two processes within the limit are fine however much they use together, and the one above it is named."""
    one, two = spawn(), spawn()
    target = SimpleNamespace(workers=[one.pid, two.pid])
    assert concluded(watch(6, limit=10, of=lambda it: it.workers, target=target)) == []
    meter.values[two.pid] = 11
    [violation] = concluded(watch(6, limit=10, of=lambda it: it.workers, target=target)) or [None]
    assert violation is None  # it was told at the look, and rose no more
    checker = watch(limit=10, of=lambda it: it.workers, target=target)
    [violation] = checker.check(Moment.DURING)
    assert violation.data["pid"] == two.pid
    assert violation.message.startswith(f"process {two.pid} (")


def test_a_restarted_process_begins_anew(watch: Any, meter: Meter, elapsed: Any, spawn: Any) -> None:
    """What an earlier process used is not added to its successor's, and its growth is judged when it has ended."""
    first = spawn()
    target = SimpleNamespace(pid=first.pid)
    checker = watch(*range(100, 140), growth=20, of="target", target=target)
    first.kill()
    target.pid = spawn().pid
    assert len(look(checker, meter, elapsed, 0)) == 1
    for reading in [0] * 20:
        assert look(checker, meter, elapsed, reading) == []
    assert concluded(checker) == []


def test_ended_processes_are_forgotten(watch: Any, meter: Meter, elapsed: Any, spawn: Any) -> None:
    """Nothing is kept of a process that has ended, so restarts cost no memory."""
    child = spawn()
    checker = watch(1, 2, growth=20, of="target", target=SimpleNamespace(pid=child.pid))
    assert len(checker._courses) == 1
    child.kill()
    look(checker, meter, elapsed, 3)
    assert checker._courses == {}


def test_a_process_that_ends_while_it_is_read_is_passed_over(watch: Any, meter: Meter, spawn: Any) -> None:
    """Ending between two system calls is no error."""
    child = spawn()
    meter.gone.add(child.pid)
    [violation] = concluded(watch(1, limit=10, of="target", target=SimpleNamespace(pid=child.pid)))
    assert violation.verdict is Verdict.UNKNOWN


def test_a_process_is_known_again_after_the_clock_was_set(
    watch: Any, meter: Meter, elapsed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting the clock moves the start time of a process, and makes it no other one."""
    checker = watch(1, growth=20)
    now = system.this_process()
    moved = Process(now.pid, now.create_time + 1.0, now.start_ticks)
    monkeypatch.setattr(system, "look_up", lambda pid: moved)
    look(checker, meter, elapsed, 2)
    assert len(checker._courses) == 1


def test_it_looks_during_the_workload_and_at_the_end(watch: Any) -> None:
    """A checker looks again and again, and concludes; it asks for nothing before the faults."""
    checker = watch(limit=1)
    assert isinstance(checker, Checks)
    assert isinstance(checker, Concludes)
    assert checker.moments == {Moment.DURING}
    assert checker.every_s == 0.5
