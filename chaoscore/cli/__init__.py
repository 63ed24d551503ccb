"""The command line. Nothing here imports more than click until a command is really run: `--help` has to be quick."""

from __future__ import annotations

import click

from chaoscore import __version__
from chaoscore.cli.check import check
from chaoscore.cli.completion import completion
from chaoscore.cli.doctor import doctor
from chaoscore.cli.plan import plan
from chaoscore.cli.plugins import plugins
from chaoscore.cli.recover import recover, status
from chaoscore.cli.report import report
from chaoscore.cli.run import run
from chaoscore.cli.schema import schema
from chaoscore.cli.shell import Commands
from chaoscore.cli.stop import stop

__all__ = ["main"]


@click.group("chaoscore", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="chaoscore", message="%(prog)s %(version)s")
def main() -> None:
    """
    Run scenarios that break things on purpose, and judge what holds.

    Exit codes: 0 passed or unstable, 1 failed, 2 wrong usage, 3 unknown or could not inject, 4 invalid scenario,
    5 nothing happened, 6 faults left behind, 129, 130 and 143 interrupted.
    """


for command in (run, check, plan, plugins, schema, report, status, recover, stop, doctor, completion):
    main.add_command(command)
