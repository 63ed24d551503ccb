"""Where a run is shown: the reporters that ``--report``, ``--events`` and ``--json`` ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaoscore.errors import UnknownNameError

if TYPE_CHECKING:
    from chaoscore.offers import Offers
    from chaoscore.protocols import Reporter, ReporterType


STDOUT = "-"


class Reporting(click.Command):
    """A command with the option ``--report``, in which ``--KIND[=PATH]`` is short for ``--report KIND[=PATH]``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read *args*; installed reporters are looked up only for an option that the command does not have itself."""
        return super().parse_args(ctx, list(_spelt_out(args, self._own(ctx))))

    def _own(self, ctx: click.Context) -> set[str]:
        return {name for each in self.get_params(ctx) for name in (*each.opts, *each.secondary_opts)}


def _spelt_out(args: Sequence[str], own: set[str]) -> Iterator[str]:
    """Yield *args* with every ``--KIND[=PATH]`` of an installed reporter spelt out."""
    options = list(takewhile(lambda each: each != "--", args))
    for each in options:
        name = each.partition("=")[0]
        if name.startswith("--") and name not in own and _is_reporter(name[2:]):
            yield from ("--report", each[2:])
        else:
            yield each
    yield from args[len(options) :]


def _is_reporter(kind: str) -> bool:
    from chaoscore.plugins import catalogue

    return kind in {each.name for each in catalogue().reporters.all}


def _outputs(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """Return each ``KIND[=PATH]`` as kind and path."""
    pairs: list[tuple[str, str | None]] = []
    for value in values:
        kind, equals, path = value.partition("=")
        if not kind or (equals and not path):
            problem = f"{value!r} is not of the form KIND=PATH, such as junit=report.xml"
            raise click.BadParameter(problem, ctx, parameter)
        pairs.append((kind, path or None))
    return pairs


def report_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the option ``--report``; with the class `Reporting` also its short form."""
    text = (
        "Write a report, in short --KIND=PATH; PATH - is the standard output. KINDs: see `chaoscore plugins`. "
        "May be repeated."
    )
    option = click.option("--report", "outputs", multiple=True, callback=_outputs, metavar="KIND[=PATH]", help=text)
    return option(command)


def reporters_for(
    outputs: Sequence[tuple[str, str | None]], source: Path, *, as_json: bool, quiet: bool
) -> list[Reporter]:
    """
    Return the reporters that write *outputs*, and last the one that prints, to tell what became of the others.

    Args:
        outputs: Pairs of kind and path, or None where the reporter can do without.
        source: What is read meanwhile, and must not be overwritten.
        as_json: Print the report as JSON.
        quiet: Print only the verdict.

    Raises:
        click.BadParameter: There is no such reporter, it cannot write there, or two would write to one file.
        PluginError: Its plugin cannot be used.
    """
    paths = [path for _, path in outputs if path is not None]
    _check_places([*paths, *([STDOUT] if as_json else [])], source)
    return [*_writers(outputs), _printer(as_json=as_json, quiet=quiet, beside=STDOUT in paths)]


def _check_places(paths: Sequence[str], source: Path) -> None:
    """See that each of *paths* is another file, and none of them the *source*."""
    places = [path if path == STDOUT else Path(path).resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if place == source.resolve():
            raise click.BadParameter(f"{path} would be overwritten while it is read", param_hint="--report")
        if places.count(place) > 1:
            raise click.BadParameter(f"{path} is given twice; each needs a file of its own", param_hint="--report")


def _printer(*, as_json: bool, quiet: bool, beside: bool) -> Reporter:
    """Return the reporter that prints the report; text goes *beside* the standard output where another has that."""
    from chaoscore.cli.screens import Summary
    from chaoscore.reporters import json

    return json(STDOUT) if as_json else Summary(quiet=quiet, stream=sys.stderr if beside else None)


def _writers(outputs: Sequence[tuple[str, str | None]]) -> list[Reporter]:
    if not outputs:
        return []
    from chaoscore.plugins import catalogue

    return [_reporter(catalogue().reporters, kind, path) for kind, path in outputs]


def _reporter(offers: Offers[ReporterType], kind: str, path: str | None) -> Reporter:
    try:
        make: Callable[..., Reporter] = offers.need(kind, "--report").part
        if path is None and _needs_a_path(make):
            raise ValueError(f"it needs a path: --report {kind}=PATH")
        return make() if path is None else make(path)
    except UnknownNameError as error:
        raise click.BadParameter(f"{error.problem}; {error.remedy}", param_hint="--report") from error
    except (ValueError, TypeError, OSError) as error:
        raise click.BadParameter(f"{kind}: {error}", param_hint="--report") from error


def _needs_a_path(make: Callable[..., Reporter]) -> bool:
    from chaoscore.parameters import parameters

    return any(each.required for each in parameters(make))
