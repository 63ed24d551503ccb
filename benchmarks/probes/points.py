"""CPU time of points, and of the decision whether a fault strikes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from random import Random
from typing import ClassVar

from benchmarks.probes.noop import Target
from benchmarks.probes.runs import runner
from benchmarks.probes.timing import per_await, per_call, tell
from chaoscore import Ask, Scenario, Undo, amaybe_delay, maybe_delay
from chaoscore.injectors import delay


def empty() -> None:
    """Do nothing: what any call costs."""


async def aempty() -> None:
    """Do nothing: what any `await` of a call costs."""


def probe(calls: int) -> dict[str, float]:
    """Measure each outside a run and inside one, where one delay injector with probability 0 answers."""
    measured = {
        "empty call": per_call(empty, calls),
        "maybe_delay outside": per_call(maybe_delay, calls),
        "random with lock": per_call(locked_random(), calls),
        "empty await": asyncio.run(per_await(aempty, calls)),
        "amaybe_delay outside": asyncio.run(per_await(amaybe_delay, calls)),
    }

    def inside(target: object) -> None:
        measured["maybe_delay inside"] = per_call(maybe_delay, calls)

    async def ainside(target: object) -> None:
        measured["amaybe_delay inside"] = await per_await(amaybe_delay, calls)

    never = Scenario("points").target(Target()).inject("never", delay("1h", probability=0))
    runner(never.step("inside", inside))(1)
    runner(never.step("inside", ainside))(1)

    def decide(ask: Ask) -> None:
        measured["chance"] = per_call(lambda: ask.chance(0.5), calls)

    asks = Scenario("decisions").target(Target()).inject("asks", Asked(decide))
    runner(asks.step("ask", lambda _: maybe_delay()))(1)
    return measured


class Asked:
    """An injector that hands its ask to *decide* and lets nothing strike."""

    kind: ClassVar[str] = "asked"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"delay"})
    at: ClassVar[None] = None

    def __init__(self, decide: Callable[[Ask], None]) -> None:
        self._decide = decide

    def answer(self, ask: Ask) -> None:
        """Let nothing strike."""
        self._decide(ask)


def locked_random() -> Callable[[], bool]:
    """Return the usual way to decide in several threads; the order in which they ask changes what each gets."""
    generator, lock = Random(1), threading.Lock()

    def decide() -> bool:
        with lock:
            return generator.random() < 0.5

    return decide


if __name__ == "__main__":
    tell(probe)
