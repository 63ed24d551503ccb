"""CPU time that one more injector or validator adds to an iteration, when nothing comes of it."""

from __future__ import annotations

from benchmarks.probes.noop import Target, step
from benchmarks.probes.runs import runner
from benchmarks.probes.timing import each, tell
from chaoscore import Injector, Scenario, Validator, maybe_delay
from chaoscore.injectors import delay, error
from chaoscore.validators import no_slow_iteration, thread_limit

MORE = 20


def asking(target: object) -> None:
    """Ask every delay injector once."""
    maybe_delay()


def probe(iterations: int) -> dict[str, float]:
    """Measure iterations with none, and with twenty of a kind: a twentieth of the difference is the cost of one."""
    plain = Scenario("idle").target(Target()).step("step", step)
    asked = Scenario("asked").target(Target()).step("step", asking)
    without, without_asked = cost(plain, iterations), cost(asked, iterations)
    return {
        "injector, never asked": (cost(injecting(plain, error(ValueError)), iterations) - without) / MORE,
        "injector, asked": (cost(injecting(asked, delay(0, probability=0)), iterations) - without_asked) / MORE,
        "injector, drawing": (cost(injecting(asked, delay(0, probability=1e-9)), iterations) - without_asked) / MORE,
        "validator of the system": (cost(expecting(plain, thread_limit(10_000)), iterations) - without) / MORE,
        "validator of iterations": (cost(expecting(plain, no_slow_iteration("1h")), iterations) - without) / MORE,
    }


def cost(scenario: Scenario, iterations: int) -> float:
    """Return the CPU time of one iteration."""
    return each(runner(scenario), iterations, 100)


def injecting(scenario: Scenario, injector: Injector) -> Scenario:
    """Add it twenty times."""
    for number in range(MORE):
        scenario = scenario.inject(f"injector {number}", injector)
    return scenario


def expecting(scenario: Scenario, validator: Validator) -> Scenario:
    """Add it twenty times."""
    for number in range(MORE):
        scenario = scenario.expect(f"validator {number}", validator)
    return scenario


if __name__ == "__main__":
    tell(probe)
