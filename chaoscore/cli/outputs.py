"""Where a run is shown: the reporters that ``--report``, ``--events`` and ``--json`` ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from chaoscore.errors import UnknownNameError

if TYPE_CHECKING:
    from chaoscore.offers import Offers
    from chaoscore.protocols import Reporter, ReporterType


def _outputs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each ``KIND=PATH`` as kind and path."""
    pairs = []
    for value in values:
        kind, _, path = value.partition("=")
        if not (kind and path):
            problem = f"{value!r} is not of the form KIND=PATH, such as junit=report.xml"
            raise click.BadParameter(problem, ctx, parameter)
        pairs.append((kind, path))
    return pairs


def report_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the option ``--report``."""
    text = "Write a report; PATH - is the standard output. KINDs: see `chaoscore plugins`. May be repeated."
    option = click.option("--report", "outputs", multiple=True, callback=_outputs, metavar="KIND=PATH", help=text)
    return option(command)


def printer(*, as_json: bool, quiet: bool) -> Reporter:
    """Return the reporter that prints the report on the standard output."""
    from chaoscore.cli.screens import Summary
    from chaoscore.reporters import json

    return json("-") if as_json else Summary(quiet=quiet)


def reporters_for(outputs: Sequence[tuple[str, str]]) -> list[Reporter]:
    """
    Return the reporters that write *outputs*, pairs of kind and path.

    Raises:
        click.BadParameter: There is no such reporter, it cannot write there, or two would write to one file.
        PluginError: Its plugin cannot be used.
    """
    if not outputs:
        return []
    from chaoscore.plugins import catalogue

    paths = [path for _, path in outputs]
    for path in paths:
        if paths.count(path) > 1:
            raise click.BadParameter(f"{path} is given twice; each needs a file of its own", param_hint="--report")
    return [_reporter(catalogue().reporters, kind, path) for kind, path in outputs]


def _reporter(offers: Offers[ReporterType], kind: str, path: str) -> Reporter:
    try:
        make: Callable[[str], Reporter] = offers.need(kind, "--report").part
        return make(path)
    except UnknownNameError as error:
        raise click.BadParameter(f"{error.problem}; {error.remedy}", param_hint="--report") from error
    except (ValueError, TypeError, OSError) as error:
        raise click.BadParameter(f"{kind}: {error}", param_hint="--report") from error
