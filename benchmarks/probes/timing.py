"""How probes take CPU time, and tell what they measured."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from time import process_time, thread_time
from typing import Any

ATTEMPTS = 5


def tell(probe: Callable[..., Mapping[str, float]]) -> None:
    """Call *probe* with the parameters of the command line and print what it measured."""
    parameters: dict[str, Any] = dict(argument.split("=", 1) for argument in sys.argv[1:])
    measured = probe(**{name: int(text) if text.isdecimal() else text for name, text in parameters.items()})
    print(json.dumps(measured))


def cpu_time(work: Callable[[], object]) -> float:
    """Return the CPU time of *work*, of all threads, in seconds."""
    began = process_time()
    work()
    return process_time() - began


def each(work: Callable[[int], object], many: int, few: int) -> float:
    """
    Return the CPU time that one more unit of *work* takes, in seconds.

    Args:
        work: Does so many units.
        many: Units that are measured.
        few: Units that are measured apart and taken off again, and with them all that does not depend on the number.
    """
    work(few)
    fixed = min(cpu_time(lambda: work(few)) for _ in range(3))
    return (cpu_time(lambda: work(many)) - fixed) / (many - few)


def per_call(call: Callable[[], object], calls: int) -> float:
    """Return the least CPU time of *call*; ten stand in a row, so that the loop around them does not count."""

    def once() -> float:
        began = thread_time()
        for _ in range(calls // 10):
            call()
            call()
            call()
            call()
            call()
            call()
            call()
            call()
            call()
            call()
        return (thread_time() - began) / calls

    return min(once() for _ in range(ATTEMPTS))


async def per_await(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """Return the same for an awaitable."""

    async def once() -> float:
        began = thread_time()
        for _ in range(calls // 10):
            await call()
            await call()
            await call()
            await call()
            await call()
            await call()
            await call()
            await call()
            await call()
            await call()
        return (thread_time() - began) / calls

    return min([await once() for _ in range(ATTEMPTS)])


def rss_bytes() -> int:
    """Return how much memory of this process is resident (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a Path would allocate in what is measured
        return int(statm.read().split()[1]) * resource.getpagesize()
