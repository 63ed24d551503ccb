"""``chaoscore report``: an event log, rendered again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chaoscore.cli.outputs import Reporting, report_option, reporters_for

if TYPE_CHECKING:
    from chaoscore.events import Event
    from chaoscore.protocols import Reporter

BATCH = 1_000
"""Events that the reporters are shown at a time."""


@click.command(cls=Reporting, short_help="Render the event log of a run again.")
@click.argument("run", type=click.Path(exists=True, dir_okay=False))
@report_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of text.")
@click.option("--quiet", is_flag=True, help="Print only the verdict.")
@click.pass_context
def report(ctx: click.Context, run: str, outputs: list[tuple[str, str | None]], as_json: bool, quiet: bool) -> None:
    """
    Render the event log RUN, a file that `chaoscore run --events` wrote.

    The exit code is that of the run.
    """
    from chaoscore.eventlog import read_log
    from chaoscore.fold import replay
    from chaoscore.protocols import Reports

    reporters = reporters_for(outputs, Path(run), as_json=as_json, quiet=quiet)
    result = replay(_followed(read_log(run), reporters))
    for each in reporters:
        if isinstance(each, Reports):
            each.report(result)
    ctx.exit(result.exit_code)


def _followed(events: Iterable[Event], reporters: Sequence[Reporter]) -> Iterator[Event]:
    """Yield *events*, and let the reporters that follow a run see them, in batches as they do in a run."""
    from chaoscore.protocols import Follows

    followers, rest = [each for each in reporters if isinstance(each, Follows)], iter(events)
    while batch := tuple(islice(rest, BATCH)):
        for each in followers:
            each.follow(batch)
        yield from batch
