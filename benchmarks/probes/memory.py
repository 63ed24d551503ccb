"""How much memory a run takes more at its end than after its first thousand iterations."""

from __future__ import annotations

from benchmarks.probes.noop import Target
from benchmarks.probes.runs import runner
from benchmarks.probes.timing import rss_bytes, tell
from chaoscore import Scenario

FIRST = 1_000


def probe(iterations: int, log: str = "") -> dict[str, float]:
    """Run so many iterations; *log* is the file that the event log goes to, if there is one."""
    done, first, most = 0, 0, 0

    def step(target: object) -> None:
        nonlocal done, first, most
        done += 1
        if done == FIRST:
            first = rss_bytes()
        elif not done % FIRST:
            most = max(most, rss_bytes())

    runner(Scenario("memory").target(Target()).step("step", step), log)(iterations)
    growth = max(most, rss_bytes()) - first
    return {"growth": growth, "per iteration": growth / (iterations - FIRST)}


if __name__ == "__main__":
    tell(probe)
