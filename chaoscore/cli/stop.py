"""``chaoscore stop``: the lever that ends all runs and lets none begin."""

from __future__ import annotations

import click

from chaoscore.cli.shell import emit


@click.command(short_help="Undo everything, and let nothing be injected until released.")
@click.option("--release", is_flag=True, help="Let runs inject again.")
def stop(release: bool) -> None:
    """
    Pull the stop lever: every run undoes its faults and ends, and none injects until the lever is released.

    It is a file in the state directory, looked at before every fault and ten times a second while faults are open.
    """
    from chaoscore.safety.state import lever, pull_lever

    if release:
        lever().unlink(missing_ok=True)
        emit("Released: runs may inject again.")
        return
    emit(f"Pulled ({pull_lever()}): runs undo their faults and end. `chaoscore stop --release` lets them inject again.")
