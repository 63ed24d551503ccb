"""Every part that comes with the core keeps what the kit asks of others."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from chaoscore import (
    IterationEnded,
    Outcome,
    Stuck,
    amaybe_cancel,
    current_place,
    injectors,
    maybe_cancel,
    record_error,
    record_panic,
    record_recursion_depth,
    reporters,
    validators,
)
from chaoscore.builtin import chaos_injectors, chaos_reporters, chaos_validators
from chaoscore.testing import (
    RecordingReporter,
    RecordingTarget,
    check_injector,
    check_reporter,
    check_target,
    check_validator,
)

# -- injectors


async def wait(target: Any) -> None:
    """Wait for longer than the cancellation takes to come."""
    await amaybe_cancel()
    await asyncio.sleep(0.2)


def work(target: Any) -> None:
    """Reach a point again after two hours."""
    maybe_cancel()
    place = current_place()
    assert place is not None
    place.run.clock.sleep(7200)
    maybe_cancel()


INJECTORS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "delay": (lambda: injectors.delay("5ms", "25ms"), {"wrong": [{"low": "2s", "high": "1s"}]}),
    "delay at borders": (lambda: injectors.delay("5ms", at="before:*"), {}),
    "delay at intervals": (lambda: injectors.delay("5ms", interval="1h"), {"deterministic": False}),
    "error": (lambda: injectors.error("OSError", ["no"]), {"wrong": [{"type": "NoSuchError"}, {"type": int}]}),
    "panic": (lambda: injectors.panic(at="db.*"), {}),
    "cancellation": (injectors.cancellation, {}),
    "cancellation later": (lambda: injectors.cancellation(after="1ms"), {"strike": wait}),
    "deadline": (lambda: injectors.cancellation(after="1h"), {"strike": work}),
    "network": (lambda: injectors.network("db*", 5432, refuse=1), {"wrong": [{"port": 0}, {"refuse": 0}]}),
    "composite": (
        lambda: injectors.composite([injectors.delay("5ms"), injectors.panic()]),
        {"wrong": [{"injectors": []}, {"injectors": [5]}]},
    ),
    "composite that opens": (
        lambda: injectors.composite([injectors.delay("5ms", interval="1h"), injectors.error()]),
        {"deterministic": False},
    ),
}


@pytest.mark.parametrize("name", INJECTORS)
def test_an_injector_conforms(name: str) -> None:
    """Every injector of the core keeps its promises."""
    make, how = INJECTORS[name]
    check_injector(make, **how)


def test_no_injector_is_left_out() -> None:
    """The injectors tried here are those that the core offers."""
    assert {type(make()) for make, _ in INJECTORS.values()} == set(chaos_injectors())


# -- validators


class Shop:
    """A target that can be spoilt."""

    name = "shop"

    def __init__(self) -> None:
        self.spoilt = False

    def spoil(self) -> None:
        self.spoilt = True

    def problems(self) -> list[str]:
        return ["it is spoilt"] if self.spoilt else []


def nothing(target: Any) -> None:
    """Do nothing."""


def raise_real(target: Any) -> None:
    raise LookupError("a real one")


def meet_error(target: Any) -> None:
    record_error(LookupError("a real one"))


def recover(target: Any) -> None:
    record_panic(SystemExit("caught"))


def die(target: Any) -> None:
    raise SystemExit("not caught")


def recurse(depth: int) -> Callable[[Any], None]:
    return lambda target: record_recursion_depth(depth)


async def start_tasks(target: Any) -> None:
    _TASKS.extend(asyncio.create_task(asyncio.sleep(0.02)) for _ in range(9))


_TASKS: list[asyncio.Task[None]] = []


async def rest(target: Any) -> None:
    await asyncio.sleep(0)


SPOILT = {"holds": nothing, "broken": Shop.spoil, "target": Shop}
IN_TIME = [IterationEnded(float(n), 0, n, Outcome.OK, 0.1) for n in range(5)]
SLOW = {"holds": IN_TIME, "broken": [IterationEnded(9.0 + n, 0, n, Outcome.OK, 5.0) for n in range(5)]}
HANGING = {"holds": IN_TIME, "broken": [Stuck(9.0, 0, 0, "step", 1.0, "its stack")]}
VALIDATORS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "panic_recovery": (validators.panic_recovery, {"holds": recover, "broken": die}),
    "max_errors": (lambda: validators.max_errors(3), {"holds": nothing, "broken": meet_error}),
    "recursion_depth": (lambda: validators.recursion_depth(9), {"holds": recurse(9), "broken": recurse(10)}),
    "task_limit": (lambda: validators.task_limit(8), {"holds": rest, "broken": start_tasks, "iterations": 3}),
    "no_infinite_loop": (lambda: validators.no_infinite_loop("1s"), HANGING),
    "no_slow_iteration": (lambda: validators.no_slow_iteration("1s"), SLOW),
    "execution_time": (lambda: validators.execution_time(p99="1s"), SLOW),
    "state_consistency": (lambda: validators.state_consistency(Shop.problems), SPOILT),
    "steady_state": (lambda: validators.steady_state(Shop.problems), SPOILT),
    "success_rate": (lambda: validators.success_rate("90%"), {"holds": nothing, "broken": raise_real}),
    "all_of": (
        lambda: validators.all_of(validators.max_errors(3), validators.state_consistency(Shop.problems)),
        SPOILT,
    ),
    "any_of": (lambda: validators.any_of(validators.max_errors(3)), {"holds": nothing, "broken": meet_error}),
}


@pytest.mark.parametrize("name", VALIDATORS)
def test_a_validator_conforms(name: str) -> None:
    """Every validator of the core keeps its promises."""
    make, how = VALIDATORS[name]
    check_validator(make, **how)


def test_a_limit_of_threads_conforms() -> None:
    """The limit of threads keeps its promises, counted from the threads that there are."""
    now = sum(not each.name.startswith("chaoscore-") for each in threading.enumerate())

    def many(target: Any) -> None:
        gate = threading.Event()
        threads = [threading.Thread(target=gate.wait) for _ in range(9)]
        target.release = gate.set
        for thread in threads:
            thread.start()

    class Pool:
        def release(self) -> None: ...

        def teardown(self) -> None:
            self.release()

    how: dict[str, Any] = {"holds": nothing, "broken": many, "target": Pool, "iterations": 1}
    check_validator(lambda: validators.thread_limit(now + 5), **how)


def test_no_validator_is_left_out() -> None:
    """The validators tried here are those that the core offers."""
    tried = {type(make()) for make, _ in VALIDATORS.values()} | {validators.thread_limit}
    assert tried == set(chaos_validators())


# -- reporters and targets

REPORTERS: dict[str, Callable[..., Any]] = {
    "console": lambda: reporters.console(stream=io.StringIO()),
    "console in a file": lambda path: reporters.console(path, quiet=True),
    "events": reporters.events,
    "json": reporters.json,
    "junit": reporters.junit,
    "markdown": reporters.markdown,
    "recording": RecordingReporter,
}


@pytest.mark.parametrize("name", REPORTERS)
def test_a_reporter_conforms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reporter of the core keeps its promises, and so does the one of the kit."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    check_reporter(REPORTERS[name])


def test_no_reporter_is_left_out() -> None:
    """The reporters tried here are those that the core offers."""
    assert {each.kind for each in chaos_reporters()} == {name for name in REPORTERS if " " not in name} - {"recording"}


def test_the_recording_target_conforms() -> None:
    """The target of the kit keeps its promises."""
    check_target(RecordingTarget, step=RecordingTarget.run_once)
