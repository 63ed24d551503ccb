"""The first event of a run: everything that a reader needs to know about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable

from chaoscore.events import SCHEMA, ExpectationInfo, InjectionInfo, RunStarted
from chaoscore.executor.describe import parameters
from chaoscore.executor.options import Options
from chaoscore.executor.running import LiveRun
from chaoscore.spec import Expectation, Injection, Spec
from chaoscore.verdict import Thresholds
from chaoscore.version import __version__


def introduction(spec: Spec, options: Options, run: LiveRun, injections: Iterable[Injection]) -> RunStarted:
    """Return what is about to happen in *run*, in which *injections* take part."""
    rerun, rerun_one = _reruns(options, run.seed)
    return RunStarted(
        at=0.0,
        schema=SCHEMA,
        run_id=run.run_id,
        scenario=spec.name,
        seed=run.seed,
        wall=run.clock.wall(),
        workload=spec.workload.describe(),
        target=spec.target_name,
        steps=tuple(step.name for step in spec.step_list),
        injections=tuple(injection_info(each) for each in injections),
        expectations=tuple(expectation_info(each, spec.goals) for each in spec.expectations),
        thresholds=spec.goals.as_dict(),
        environment=_environment(),
        rerun=rerun,
        rerun_one=rerun_one,
        workers=spec.workload.workers,
        iterations=spec.workload.iterations,
        run_for_s=spec.workload.run_for_s,
    )


def injection_info(injection: Injection) -> InjectionInfo:
    """Return an injection as data."""
    injector = injection.injector
    return InjectionInfo(
        injection.name,
        injector.kind,
        parameters(injector),
        injection.scope,
        injection.window.describe(),
        injector.undo.value,
    )


def expectation_info(expectation: Expectation, goals: Thresholds) -> ExpectationInfo:
    """Return an expectation as data, with what its findings weigh under *goals*."""
    validator = expectation.validator
    severity = goals.severity(expectation.name, validator.severity)
    return ExpectationInfo(expectation.name, validator.kind, parameters(validator), severity)


def _reruns(options: Options, seed: int) -> tuple[str, str]:
    """Return what runs the same again with *seed*, and what runs one iteration, ``{iteration}``, of it."""
    only = options.only_iteration
    if options.rerun is not None:
        again = options.rerun.replace("{seed}", str(seed))
        one = f"{again} --only-iteration {{iteration}}"
    else:
        one = f"scenario.run(seed={seed}, only_iteration={{iteration}})"
        again = f"scenario.run(seed={seed})" if only is None else one.replace("{iteration}", str(only))
    return (again, one) if only is None else (again, again)


def _environment() -> dict[str, str]:
    return {
        "chaoscore": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count() or 1),
    }
