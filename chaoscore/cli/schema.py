"""``chaoscore schema``: the JSON Schema of scenario files."""

from __future__ import annotations

import click

from chaoscore.cli.shell import emit


@click.command(short_help="Print the JSON Schema of scenario files.")
def schema() -> None:
    """
    Print the JSON Schema of TOML scenario files, for exactly the plugins that are installed.

    Editors check and complete with it: save it, and write `#:schema ./chaoscore.json` at the top of a scenario file.
    """
    import msgspec

    from chaoscore.loader.schema import schema_of
    from chaoscore.plugins import catalogue

    emit(msgspec.json.format(msgspec.json.encode(schema_of(catalogue())), indent=2).decode())
