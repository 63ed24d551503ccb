"""Faults of this process as a whole: descriptors and the clock."""

import datetime
import errno
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chaos_patch
from chaos_patch.clocks import skewed
from chaos_patch.exhaustion import limit_for
from chaoscore import Report, Scenario, Verdict


def run(step: Callable[[Any], object], *injectors: Any) -> Report:
    scenario = Scenario("process").target(object()).step("step", step)
    for number, each in enumerate(injectors):
        scenario = scenario.inject(f"fault {number}", each)
    return scenario.run(seed=1)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits
    assert abs(datetime.datetime.now(datetime.UTC).timestamp() - time.time()) < 5


def open_all() -> int:
    """Open files until that fails, and return how many that were."""
    held: list[int] = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return len(held) if error.errno == errno.EMFILE else -1
    finally:
        for each in held:
            os.close(each)


@pytest.mark.parametrize("left", [0, 1, 9])
def test_descriptors_run_out(left: int) -> None:
    """Just so many more files can be opened during the run, as many as before afterwards, and that is proved."""
    opened: list[int] = []
    report = run(lambda _: opened.append(open_all()), chaos_patch.descriptors(left))
    assert report.verdict is Verdict.PASS, report
    assert opened == [left]
    assert report.injections[0].where[0][0] == "this process"
    assert report.injections[0].fired == 1


def test_a_limit_that_somebody_set_meanwhile_stays() -> None:
    """A limit that the system under test has set by itself is not overwritten."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    run(lambda _: resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard)), chaos_patch.descriptors())
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == soft - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_at_a_time() -> None:
    """A second one in the same process is refused, since the first could not be undone any more."""
    report = run(lambda _: None, chaos_patch.descriptors(), chaos_patch.descriptors())
    assert report.verdict is Verdict.UNKNOWN
    assert "another one is open in this process; open one at a time" in report.troubles[0].error.message
    report = run(lambda _: None, chaos_patch.clock("1h"), chaos_patch.clock("2h"))
    assert "another one is open in this process" in report.troubles[0].error.message


@given(left=st.integers(0, 20), used=st.sets(st.integers(0, 30)), soft=st.one_of(st.just(-1), st.integers(40, 60)))
def test_the_limit_leaves_just_so_many(left: int, used: set[int], soft: int) -> None:
    """Below the limit there are as many free numbers as asked for, or the limit that there was."""
    limit = limit_for(left, used, soft)
    assert limit <= soft or soft == resource.RLIM_INFINITY
    free = len(set(range(limit)) - used)
    assert free == left or limit == soft


@pytest.mark.parametrize("left", [-1, 1.5, True, "4"])
def test_what_is_left_is_a_number(left: Any) -> None:
    """What is left is a whole number from 0."""
    with pytest.raises(ValueError, match="left is a whole number from 0, not"):
        chaos_patch.descriptors(left)


@pytest.mark.parametrize(("offset", "seconds"), [("1h", 3600), ("-2d", -172800), (datetime.timedelta(days=1), 86400)])
def test_the_clock_is_wrong(offset: Any, seconds: int) -> None:
    """All names of the clock show another time during the run, `monotonic` does not, and it is right afterwards."""
    before, monotonic = time.time(), time.monotonic()
    seen: list[float] = []

    def step(_: object) -> None:
        seen.extend((time.time(), datetime.datetime.now(datetime.UTC).timestamp(), time.monotonic()))

    report = run(step, chaos_patch.clock(offset))
    assert report.verdict is Verdict.PASS, report
    assert report.injections[0].fired == 1
    assert [round((each - before - seconds) / 60) for each in seen[:2]] == [0, 0]
    assert 0 <= seen[2] - monotonic < 30
    assert abs(time.time() - before) < 30


@pytest.mark.parametrize(
    ("offset", "problem"),
    [
        (0, "not zero"),
        ("1 parsec", "1 parsec"),
        (float("inf"), "finite"),
        (None, "an offset is seconds"),
        (True, "offset"),
    ],
)
def test_an_offset_is_a_time(offset: Any, problem: str) -> None:
    """An offset is seconds, a timedelta or text, and something else than nothing."""
    with pytest.raises((ValueError, TypeError), match=problem):
        chaos_patch.clock(offset)


def test_without_time_machine_it_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the run says how to install it."""

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("chaos_patch.clocks.import_module", missing)
    report = run(lambda _: None, chaos_patch.clock("1h"))
    assert 'it needs time-machine; run `pip install "chaos-patch[clock]"`' in report.troubles[0].error.message


def test_a_clock_that_cannot_be_skewed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time-machine without effect is found out, and nothing stays open."""

    idle = SimpleNamespace(travel=lambda *_, **__: nullcontext())
    monkeypatch.setattr("chaos_patch.clocks._time_machine", lambda: idle)
    with pytest.raises(chaos_patch.UnsupportedError, match=r"time.time\(\) is -?0.000 s off"), skewed(3600):
        pytest.fail("opened")
    monkeypatch.undo()
    with skewed(3600) as seen:
        assert round(seen) == 3600
