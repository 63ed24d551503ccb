"""``chaoscore plan``: what a scenario would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from chaoscore.cli.shell import emit, file_argument, printable

if TYPE_CHECKING:
    from chaoscore.protocols import Finds
    from chaoscore.scenario import Scenario
    from chaoscore.spec import Expectation, Injection, Provision

_UNDONE = {
    "kernel": "by the kernel: it ends with this process or a child of it",
    "time-to-live": "by the target: it is dropped there after a time",
    "provided": "with what it strikes in, which this scenario provides",
    "journal": "from the journal: how is on disk before it is applied",
    "manual": "by you: the injector's documentation says how",
}


FOUND = 10
"""How many of the targets of an injector are shown."""


@click.command(short_help="Say what a scenario would do; touches nothing.")
@file_argument
def plan(file: str) -> None:
    """
    Say what running the scenario FILE[:NAME] would do: what it would inject, where and when, and how that is undone.

    It touches nothing: no target is set up, no injector opened. Code is imported as `chaoscore check` does it.
    """
    from chaoscore.loader import load
    from chaoscore.redact import redact

    scenario = load(file, dry=True)
    text = "".join(f"{line}\n" for line in _lines(scenario))
    emit(redact(printable(text), scenario.secrets))


def _lines(scenario: Scenario) -> Iterator[str]:
    yield from _rows(_overview(scenario))
    if scenario.provisions:
        yield from ("", "PROVIDED before the target is set up, taken away last first")
    for provision in scenario.provisions:
        yield f"  {provision.name}: {_part(provision.provider)}"
        yield from _rows(_provision(provision, scenario.allowed), indent="    ")
    yield from ("", "INJECTORS, lifted last first" if scenario.injections else "INJECTORS: none")
    for injection in scenario.injections:
        yield f"  {injection.name}: {_part(injection.injector)}"
        yield from _rows(_injection(injection, scenario.allowed), indent="    ")
    yield from ("", "EXPECTATIONS" if scenario.expectations else "EXPECTATIONS: none")
    for expectation in scenario.expectations:
        yield f"  {expectation.name}: {_part(expectation.validator)}"
        yield from _rows(_expectation(scenario, expectation), indent="    ")
    yield from ("", "THRESHOLDS")
    yield from _rows(_goals(scenario), indent="  ")


def _overview(scenario: Scenario) -> Iterator[tuple[str, str]]:
    from chaoscore.units import show_seconds

    limits = scenario.limits
    yield "scenario", f"{scenario.name} ({scenario.origin})"
    yield "target", scenario.target_name
    for step in scenario.step_list:
        limit = limits.step_s if step.limit_s is None else step.limit_s
        yield "step", f"{step.name}, {'a task' if step.is_async else 'a thread'}, given up after {show_seconds(limit)}"
    yield "workload", scenario.workload.describe()
    yield "seed", "a new one in each run" if scenario.fixed_seed is None else str(scenario.fixed_seed)
    yield "failure", "stops the run" if scenario.fail_fast else "does not stop the run"
    yield "limits", f"hook {show_seconds(limits.hook_s)}, drain {show_seconds(limits.drain_s)}"
    yield "", "run " + ("any time" if limits.run_s is None else show_seconds(limits.run_s))
    most = "any number of" if limits.faults is None else f"at most {limits.faults}"
    yield "", f"{most} injectors open at once, {limits.share:.0%} of the targets of a kind"
    yield "allowed", ", ".join(("loopback", *(f"{each} with `--allow`" for each in scenario.allowed)))


def _provision(provision: Provision, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    from chaoscore.parameters import summary

    yield "does", summary(type(provision.provider))
    yield from _aims(provision.provider, allowed)
    yield "undone", _UNDONE[provision.provider.undo.value]


def _injection(injection: Injection, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    from chaoscore.parameters import summary
    from chaoscore.protocols import Answers, Finds

    injector = injection.injector
    yield "does", summary(type(injector))
    if isinstance(injector, Answers):
        scope = "any component" if injection.scope is None else f"the component {injection.scope!r}, and of none"
        yield "where", f"at points of {scope}" + ("" if injector.at is None else f", named {injector.at!r}")
    yield from _aims(injector, allowed)
    if isinstance(injector, Finds):
        yield "finds", _found(injector)
    yield "when", injection.window.describe()
    yield "undone", _UNDONE[injector.undo.value]


def _aims(part: object, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    from chaoscore.protocols import Aims

    if isinstance(part, Aims):
        for host, port in part.aims:
            yield "aims", _aim(host, port, allowed)


def _aim(host: str, port: int, allowed: tuple[str, ...]) -> str:
    from chaoscore.errors import ForbiddenTargetError
    from chaoscore.safety.permission import network, resolve

    try:
        return f"{host}:{port}, which stands for {resolve(host, port, [network(each) for each in allowed])}"
    except ForbiddenTargetError as error:
        return f"FORBIDDEN: {error}"


def _found(injector: Finds) -> str:
    from chaoscore.errors import ChaosError

    try:
        found = injector.finds()
    except ChaosError as error:
        return f"NOTHING: {error}"
    more = f" and {len(found) - FOUND} more" if len(found) > FOUND else ""
    return f"{', '.join(found[:FOUND])}{more}" if found else "nothing now; it looks again when it is opened"


def _expectation(scenario: Scenario, expectation: Expectation) -> Iterator[tuple[str, str]]:
    from chaoscore.parameters import summary

    yield "expects", summary(type(expectation.validator))
    yield "weighs", scenario.goals.severity(expectation.name, expectation.validator.severity).value


def _goals(scenario: Scenario) -> Iterator[tuple[str, str]]:
    for name, value in scenario.goals.as_dict().items():
        if value not in (None, []):
            yield _plain_name(name), _value(name, value)


def _part(part: Any) -> str:
    """Return the kind of an injector, provider or validator and its parameters, as far as they are set."""
    from chaoscore.executor.describe import parameters

    return f"{part.kind}{_parameters(parameters(part))}"


def _parameters(values: Mapping[str, Any]) -> str:
    shown = [f"{_plain_name(name)} {_value(name, value)}" for name, value in values.items() if value is not None]
    return f" ({', '.join(shown)})" if shown else ""


def _plain_name(name: str) -> str:
    return name.removesuffix("_s").removesuffix("_bytes").replace("_", " ")


def _value(name: str, value: Any) -> str:
    """Return a value in the unit that the *name* of its field ends in."""
    from chaoscore.units import show_bytes, show_seconds

    if isinstance(value, dict) and "kind" in value:
        return f"{value['kind']}{_parameters({key: each for key, each in value.items() if key != 'kind'})}"
    if isinstance(value, list):
        return f"[{', '.join(_value(name, each) for each in value)}]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        show = show_seconds if name.endswith("_s") else show_bytes if name.endswith("_bytes") else "{:g}".format
        return show(value)
    return str(value)


def _rows(rows: Iterable[tuple[str, str]], indent: str = "") -> Iterator[str]:
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        yield f"{indent}{name:<{width}}  {value}"
