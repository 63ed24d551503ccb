"""``chaoscore recover`` and ``chaoscore status``: what runs have left in effect, and how to be rid of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from chaoscore.cli.shell import FAULTS_LEFT, emit, printable

if TYPE_CHECKING:
    from chaoscore.safety.records import Contents
    from chaoscore.safety.undo import Healing


@click.command(short_help="Undo the faults that a run left behind.")
@click.option("--dry-run", is_flag=True, help="Say what would be undone; touch nothing.")
@click.option("--all", "every", is_flag=True, help="Of every run that is dead, not only of the latest.")
@click.pass_context
def recover(ctx: click.Context, /, dry_run: bool, every: bool) -> None:
    """
    Undo the faults that the latest dead run left behind, last applied first, and see that they are gone.

    Safe to repeat: what is undone already is left alone, and so are runs that are alive. Exit code 6 if faults remain.
    """
    from chaoscore.plugins import catalogue
    from chaoscore.safety.leftovers import left_behind, sweep
    from chaoscore.safety.undo import heal

    swept = 0 if dry_run else sweep()
    if swept:
        emit(f"Removed {swept} journal(s) of dead runs with nothing in effect.")
    found = left_behind()
    chosen = found if every else found[-1:]
    if not chosen:
        emit("Nothing was left behind.")
    remaining = len(found) > len(chosen)
    for contents in chosen:
        emit(printable(f"run {contents.header.run_id} of scenario {contents.header.scenario!r}"))
        if dry_run:
            emit(printable("\n".join(f"  would undo {each.undo} on {each.target}" for each in reversed(contents.open))))
            remaining = True
            continue
        for healing in heal(contents, catalogue().undos.by_name(), by="recover"):
            emit(printable(f"  {_told(healing)}"))
            remaining = remaining or healing.error is not None
    if len(found) > len(chosen):
        emit(f"{len(found) - len(chosen)} more dead run(s) left faults behind: `chaoscore recover --all`.")
    ctx.exit(FAULTS_LEFT if remaining else 0)


@click.command(short_help="Say which faults are in effect, since when, and whose.")
def status() -> None:
    """Say which faults are in effect by the journals, since when, and whose; and whether the stop lever is pulled."""
    from chaoscore.safety.leftovers import every_journal
    from chaoscore.safety.state import lever, state_dir

    lines = [line for contents in every_journal() for line in _journal(contents)]
    if lever().exists():
        lines.append(f"the stop lever is pulled ({lever()}); `chaoscore stop --release` lets runs inject again")
    emit(printable("\n".join(lines) or f"No fault is in effect, by the journals in {state_dir()}."))


def _told(healing: Healing) -> str:
    intent = healing.intent
    if healing.error is None:
        return f"undone  {intent.undo} on {intent.target}: {healing.how}"
    return f"OPEN    {intent.undo} on {intent.target}: {healing.error}; by hand: {intent.manual}"


def _journal(contents: Contents) -> Iterator[str]:
    from datetime import datetime

    from chaoscore.safety.leftovers import is_alive

    header, alive = contents.header, is_alive(contents)
    if not alive and not contents.open:
        return  # it died before it could apply anything
    try:
        since = datetime.fromtimestamp(header.wall).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):  # a damaged journal
        since = f"{header.wall:g} s after 1970"
    owner = f"process {header.pid}, alive" if alive else "dead: `chaoscore recover`"
    yield f"run {header.run_id} of scenario {header.scenario!r}, since {since}, {owner}"
    if contents.revoked is not None:
        yield f"  the watchdog took over: {contents.revoked}"
    for intent in contents.open:
        yield f"  {intent.injector}: {intent.undo} on {intent.target}; by hand: {intent.manual}"
        if intent.id in contents.failures:
            yield f"    could not be undone by {contents.failures[intent.id].by}: {contents.failures[intent.id].error}"
