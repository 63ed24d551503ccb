"""Three workflow patterns under the same faults, each for a while, with statistics as they run."""

import argparse
import sys
from collections.abc import Awaitable, Callable

import patterns
from live import Live
from patterns import Backend

from chaoscore import Scenario
from chaoscore.injectors import delay, error
from chaoscore.validators import no_infinite_loop, success_rate


def workflow(name: str, step: Callable[[Backend], Awaitable[None]]) -> Scenario:
    """The pattern *step* under the faults that all of them have to stand."""
    return (
        Scenario(name)
        .target(Backend())
        .step("run", step)
        .inject("slow", delay("1ms", "10ms"))
        .inject("broken", error(ConnectionResetError, ["connection lost"], probability=0.02))
        .expect("no-hang", no_infinite_loop("500ms"))
        .thresholds("relaxed")
        .continue_on_failure()
        .workers(8)
        .run_for("10s")
    )


fan_out = workflow("fan-out", patterns.fan_out).expect("no-work-for-nobody", Backend.goes_on_for_nobody)
pipeline = workflow("pipeline", patterns.pipeline)
retry = workflow("retry", patterns.retry).expect("reliable", success_rate("99.9%"))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--for", dest="run_for", default="10s", help="how long each of them runs (default: 10s)")
    options.add_argument("--every", default="1s", help="time between two lines of statistics (default: 1s)")
    options.add_argument("--seed", type=int, default=1, help="decides the faults (default: 1)")
    given = options.parse_args()
    live = Live(given.every)
    runs = [each.run_for(given.run_for).run(seed=given.seed, reporters=[live]) for each in (fan_out, pipeline, retry)]
    return max(report.exit_code for report in runs)


if __name__ == "__main__":
    sys.exit(main())
