"""``chaoscore check``: what is wrong with a scenario file."""

from __future__ import annotations

import click

from chaoscore.cli.shell import emit, file_argument


@click.command(short_help="Say everything that is wrong with a scenario.")
@file_argument
def check(file: str) -> None:
    """
    Say everything that is wrong with a scenario FILE[:NAME].

    No target is set up and no step is run. Of a Python file the top level is executed, and the function NAME if it is
    one; of a TOML file, the modules that it names are imported.
    """
    from chaoscore.loader import load

    scenario = load(file, dry=True)
    emit(f"{file}: scenario {scenario.name!r} is valid")
