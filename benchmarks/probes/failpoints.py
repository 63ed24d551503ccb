"""CPU time of failpoints: off, armed and not firing, firing; and of reading terms."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from time import thread_time
from typing import Any

from benchmarks.probes.noop import Target
from benchmarks.probes.timing import ATTEMPTS, per_call, tell
from chaos_failpoint import armed, failpoint, failpoints, parse
from chaoscore import Scenario

fp = failpoint("bench.hot")

GUARDED = "if fp.armed: fp.hit()"
AWAITED = "if fp.armed: await fp.ahit()"
SELDOM = "0.00000001%panic"
"""Never fires in the lifetime of a benchmark, and still has to be decided."""

TERMS = '5*return(5)->0.1%return(22)->50%3*sleep(10ms)->print("still alive!")'


def empty() -> None:
    """Do nothing: what any call costs."""


async def aempty() -> None:
    """Do nothing: what any `await` of a call costs."""


def probe(calls: int) -> dict[str, float]:
    """Measure one failpoint in every state."""
    failpoint.hit("bench.cold")
    measured = {
        "empty call": per_statement("empty()", calls),
        "empty await": per_statement("await aempty()", calls),
        "off": per_statement(GUARDED, calls * 4),  # so little that a short time is mostly noise
        "off, awaited": per_statement(AWAITED, calls * 4),
        "off, by name": per_statement('failpoint.hit("bench.cold")', calls),
        "parse": per_call(lambda: parse(TERMS), calls // 100),
    }
    for name, terms in {"never": "0%panic", "seldom": SELDOM, "often": "1%yield", "always": "return(5)"}.items():
        with armed("bench.hot", terms, scope="process"):
            measured[f"armed: {name}"] = per_statement(GUARDED, calls if name in ("never", "seldom") else calls // 10)
    with armed("bench.hot", SELDOM):
        measured["armed by a block"] = per_statement(GUARDED, calls)
        measured["armed by a block, awaited"] = per_statement(AWAITED, calls)
        measured["armed elsewhere"] = in_thread(lambda: per_statement(GUARDED, calls))
    return measured | inside(calls)


def inside(calls: int) -> dict[str, float]:
    """Measure it in a run in which it is armed and does not fire."""
    measured: dict[str, float] = {}

    def step(target: object) -> None:
        measured["armed in a run"] = per_statement(GUARDED, calls)

    scenario = Scenario("failpoints").target(Target()).limit(step="300s").step("inside", step)
    scenario.inject("seldom", failpoints("bench.hot", SELDOM)).repeat(1).run(seed=1)
    return measured


def per_statement(statement: str, calls: int) -> float:
    """Return the least CPU time of *statement*; ten stand in a row, so that the loop around them does not count."""
    kind = "async def" if "await " in statement else "def"
    head = [f"{kind} once(calls):", " began = thread_time()", " for _ in range(calls // 10):"]
    names: dict[str, Any] = {**globals(), "thread_time": thread_time}
    exec("\n".join([*head, *[f"  {statement}"] * 10, " return (thread_time() - began) / calls"]), names)
    once: Callable[[int], Any] = names["once"]
    took: list[float] = [asyncio.run(once(calls)) if "await " in statement else once(calls) for _ in range(ATTEMPTS)]
    return min(took)


def in_thread(measure: Callable[[], float]) -> float:
    """Return what *measure* does in a thread of its own."""
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.append(measure()))
    thread.start()
    thread.join()
    return found[0]


if __name__ == "__main__":
    tell(probe)
