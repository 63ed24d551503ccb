"""``chaoscore run``: a scenario, from file to exit code."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaoscore.cli.outputs import Reporting, report_option, reporters_for
from chaoscore.cli.shell import file_argument, program

if TYPE_CHECKING:
    from chaoscore.protocols import Reporter
    from chaoscore.scenario import Scenario


def _duration(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return *value* if it is a duration; it stays text, for the command that reproduces the run."""
    from chaoscore.units import seconds

    try:
        if value is not None and seconds(value) <= 0:
            raise ValueError(f"{value!r} is not more than 0")
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, parameter) from error
    return value


@click.command(cls=Reporting, short_help="Run a scenario.")
@file_argument
@click.option("--repeat", type=click.IntRange(min=1), metavar="N", help="Iterations in all, over all workers.")
@click.option("--for", "run_for", callback=_duration, metavar="DURATION", help="Begin no iteration after so long.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Logical workers that drive the steps.")
@click.option("--seed", type=int, metavar="N", help="Decides every fault; by default the file's, else a new one.")
@click.option("--continue", "go_on", is_flag=True, help="Go on after a failure.")
@click.option("--no-faults", is_flag=True, help="Run without any fault, for comparison.")
@click.option("--only-iteration", type=click.IntRange(min=0), metavar="N", help="Run this one alone, with its faults.")
@report_option
@click.option("--events", type=click.Path(), metavar="PATH", help="Write every event; see `chaoscore report`.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress, and of the report only the verdict.")
@click.option("--allow", multiple=True, metavar="ADDRESS", help="Let faults go there, if the scenario allows it too.")
@click.option("--production", is_flag=True, help="Inject although $CHAOSCORE_ENVIRONMENT says production.")
@click.option("--verbose", is_flag=True, help="Log phases, injectors and findings to the standard error.")
@click.pass_context
def run(ctx: click.Context, /, file: str, **options: Any) -> None:
    """
    Run the scenario in FILE[:NAME], a .toml or .py file.

    The report goes to the standard output, progress to the standard error. With --repeat and --for, and with those of
    the file, whichever ends first ends the run.
    """
    from chaoscore.cli.logs import logged
    from chaoscore.executor import Options
    from chaoscore.executor import run as execute
    from chaoscore.loader import load, split_origin
    from chaoscore.loader.imports import importable

    source = split_origin(file)[0]
    reporters = _reporters(options, source)
    with importable(source.parent):
        scenario = _adjusted(load(file), options)
        iterations, only = scenario.workload.iterations, options["only_iteration"]
        if only is not None and iterations is not None and only >= iterations:
            raise click.BadParameter(
                f"{only}; the last of {iterations} iterations is {iterations - 1}", param_hint="--only-iteration"
            )
        chosen = Options(
            seed=options["seed"],
            reporters=tuple(reporters),
            inject=not options["no_faults"],
            only_iteration=options["only_iteration"],
            allow=options["allow"],
            production=options["production"],
            handle_signals=True,
            rerun=rerun(file, options),
        )
        with logged(options["verbose"], scenario.secrets):
            report = execute(scenario, chosen)
    ctx.exit(report.exit_code)


def rerun(file: str, options: dict[str, Any]) -> str:
    """
    Return the command that runs the same again, with ``{seed}`` in the place of the seed.

    What only says where the run is shown is left out: repeating it must not overwrite what is to be explained.
    """
    words = [*program(), "run", f"./{file}" if file.startswith("-") else file]
    for option, name in (("repeat", "--repeat"), ("run_for", "--for"), ("workers", "--workers")):
        if options[option] is not None:
            words += [name, str(options[option])]
    words += [name for option, name in (("go_on", "--continue"), ("no_faults", "--no-faults")) if options[option]]
    words += [word for address in options["allow"] for word in ("--allow", address)]
    if options["production"]:
        words.append("--production")
    if options["only_iteration"] is not None:
        words += ["--only-iteration", str(options["only_iteration"])]
    return f"{shlex.join(words)} --seed {{seed}}"


def _reporters(options: dict[str, Any], source: Path) -> list[Reporter]:
    """Return the reporters that are asked for."""
    from chaoscore.cli.screens import Progress

    progress: list[Reporter] = [] if options["quiet"] else [Progress(stream=sys.stderr)]
    events = [] if options["events"] is None else [("events", options["events"])]
    outputs = [*events, *options["outputs"]]
    return [*progress, *reporters_for(outputs, source, as_json=options["as_json"], quiet=options["quiet"])]


def _adjusted(scenario: Scenario, options: dict[str, Any]) -> Scenario:
    """Return *scenario* with the command line's word over the file's."""
    if options["repeat"] is not None:
        scenario = scenario.repeat(options["repeat"])
    if options["run_for"] is not None:
        scenario = scenario.run_for(options["run_for"])
    if options["workers"] is not None:
        scenario = scenario.workers(options["workers"])
    return scenario.continue_on_failure() if options["go_on"] else scenario
