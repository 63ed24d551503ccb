"""CPU time of functions that are patched, or were."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from unittest import mock

import chaos_patch
from benchmarks.probes.noop import Target
from benchmarks.probes.timing import per_await, per_call, tell
from chaoscore import Scenario


def function() -> None:
    """Be patched."""


async def afunction() -> None:
    """Be patched, and awaited."""


def empty() -> None:
    """Do nothing: what any call costs."""


async def aempty() -> None:
    """Do nothing: what any `await` of a call costs."""


def in_c() -> Callable[[], object]:
    """Return a call of a function in C, by the name that may be patched."""
    return lambda: math.sqrt(4.0)


def probe(calls: int) -> dict[str, float]:
    """Measure empty functions beside patched ones, outside a run and inside one in which nothing strikes."""
    before = function.__code__, afunction.__code__
    measured = {
        "empty call": per_call(empty, calls),
        "empty await": asyncio.run(per_await(aempty, calls)),
        "C call": per_call(in_c(), calls),
    }
    chaos_patch.prepare(function, afunction, "math:sqrt")
    measured["armed"] = per_call(function, calls)
    measured["armed await"] = asyncio.run(per_await(afunction, calls))
    measured["armed C call"] = per_call(in_c(), calls)
    chaos_patch.restore()
    measured["other code objects"] = sum(now is not then for now, then in zip(codes(), before, strict=True))
    measured["disarmed"] = per_call(function, calls)
    measured["disarmed await"] = asyncio.run(per_await(afunction, calls))
    with mocked():
        measured["mock"] = per_call(function, calls // 10)
    return measured | inside(calls)


def codes() -> tuple[Any, Any]:
    """Return what the functions have for code now."""
    return function.__code__, afunction.__code__


@contextmanager
def mocked() -> Any:
    """Patch the function as `unittest.mock` does."""
    with mock.patch(f"{__name__}.function", side_effect=lambda: None):
        yield


def inside(calls: int) -> dict[str, float]:
    """Measure them in a run whose injectors are asked and never strike."""
    measured: dict[str, float] = {}

    def step(target: object) -> None:
        measured["in a run"] = per_call(function, calls // 10)

    async def astep(target: object) -> None:
        measured["in a run await"] = await per_await(afunction, calls // 10)

    scenario = Scenario("patching").target(Target()).limit(step="300s").repeat(1)
    scenario = scenario.inject("never", chaos_patch.error(function, probability=0))
    scenario = scenario.inject("anever", chaos_patch.error(afunction, probability=0))
    scenario.step("inside", step).run()
    scenario.step("inside", astep).run()
    return measured


if __name__ == "__main__":
    tell(probe)
