"""CPU time of an iteration with one step that does nothing, in all the forms that a workload has."""

from __future__ import annotations

from benchmarks.probes.noop import Target, async_step, step
from benchmarks.probes.runs import runner
from benchmarks.probes.timing import each, tell
from chaoscore import Scenario


def probe(iterations: int, log: str) -> dict[str, float]:
    """Measure each form once; *log* is the file that the event log goes to."""
    measured = {}
    for kind, call in (("sync", step), ("async", async_step)):
        for workers in (1, 4):
            scenario = Scenario("no-op").target(Target()).step("step", call).workers(workers)
            measured[f"{kind} {workers} silent"] = each(runner(scenario), iterations, 100)
            measured[f"{kind} {workers} logged"] = each(runner(scenario, log), iterations, 100)
    return measured


if __name__ == "__main__":
    tell(probe)
